"""What models and days used: never a part shown as the whole."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graphcron.firing.formats import parse_time
from graphcron.views.shares import NO_MODEL, OTHERS, SEVERAL, by_day, by_model
from graphcron.views.spending import Sum, line_of, spent
from tests.support.console_source import NOW
from tests.support.spending import ended, spender, spending, usage

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def shown(shares: dict[str, Sum]) -> dict[str, tuple[int, str, str]]:
    return {name: (one.firings, one.tokens_in_words, one.cost_in_words) for name, one in shares.items()}


def test_each_firing_counts_for_its_models() -> None:
    history = [
        ended(HOUR, cost="0.1", usage=usage(10, big=10)),
        ended(DAY, cost="0.2", usage=usage(30, big=20, small=10)),
        ended(DAY, 5, "0.3"),
        ended(40 * DAY, cost="9", usage=usage(900, big=900)),
    ]
    cron = spender("a", spending(month=(3, 45, "0.6")), *history)
    assert shown(by_model([cron], NOW)) == {
        "big": (2, "30", "≥0.10 USD"),
        "small": (1, "10", "-"),
        SEVERAL: (0, "0", "0.20 USD"),
        NO_MODEL: (1, "5", "0.30 USD"),
    }


def test_firings_that_no_status_keeps_have_a_row_and_their_models_may_have_used_more() -> None:
    cron = spender("a", spending(month=(9, 100, "2.1", 1)), ended(HOUR, cost="0.1", usage=usage(10, big=10)))
    assert shown(by_model([cron], NOW)) == {"big": (1, "≥10", "≥0.10 USD"), OTHERS: (8, "≥90", "≥2.00 USD")}


def test_a_firing_of_which_nothing_is_known_is_unknown() -> None:
    cron = spender("a", spending(month=(1, 0, None, 1)), ended(HOUR))
    assert shown(by_model([cron], NOW)) == {NO_MODEL: (1, "unknown", "unknown")}
    assert shown(by_day([spender("a", spending(month=(1, 0, None, 1)), ended(DAY))], NOW)) == {
        "2026-11-26": (1, "unknown", "unknown")
    }


def test_a_firing_of_which_some_tokens_have_no_price_cost_more() -> None:
    part = ended(HOUR, cost="0.1", usage=usage(10, big=10), costIncomplete=True)
    assert shown(by_model([spender("a", spending(month=(1, 10, "0.1", 1)), part)], NOW)) == {
        "big": (1, "≥10", "≥0.10 USD")
    }
    nothing = ended(HOUR, outcome="Failed", reason="NotStarting")
    assert shown(by_model([spender("a", spending(month=(1, 0)), nothing)], NOW)) == {NO_MODEL: (1, "0", "-")}


def test_today_is_known_in_full_and_other_days_by_their_firings() -> None:
    crons = [
        spender("a", spending((5, 50, "0.5"), month=(20, 200, "2")), ended(HOUR, 10, "0.1"), ended(DAY, 10, "0.1")),
        spender("b", spending(month=(1, 7, "0.7")), ended(2 * DAY, 7, "0.7")),
    ]
    assert shown(by_day(crons, NOW)) == {
        "2026-11-27": (5, "50", "0.50 USD"),
        "2026-11-26": (1, "≥10", "≥0.10 USD"),
        "2026-11-25": (1, "7", "0.70 USD"),
        OTHERS: (14, "140", "1.40 USD"),
    }


def test_a_day_is_one_of_the_zone() -> None:
    cron = spender("a", spending(month=(1, 7)), ended(timedelta(hours=13), 7), timezone="Pacific/Auckland")
    assert list(by_day([cron], NOW)) == ["2026-11-27"]


ENTRY = st.builds(
    lambda hours, tokens, cost, models: ended(
        timedelta(hours=hours), cost=cost, usage=usage(tokens, **({models[0]: tokens} if models else {}))
    ),
    st.integers(0, 1000),
    st.integers(0, 10**9),
    st.decimals(0, 10**6, places=9).map(lambda cost: f"{cost:f}"),
    st.lists(st.sampled_from("abc"), max_size=1),
)


@given(st.lists(ENTRY, max_size=10), st.integers(0, 50), st.integers(0, 10**9), st.decimals(0, 10**6, places=9))
def test_the_rows_come_to_the_month(history: list[Any], firings: int, tokens: int, cost: Decimal) -> None:
    """Of what the statuses keep, and what they do not keep any more."""
    begin = timedelta(days=26, hours=12)
    month = [one for one in history if NOW - begin <= _at(one)]
    today = [one for one in month if _at(one) >= NOW - timedelta(hours=12)]

    def window(of: list[Any], more: tuple[int, int, Decimal]) -> tuple[int, int, str]:
        costs = sum((Decimal(one["cost"]) for one in of), more[2])
        return len(of) + more[0], sum(one["usage"]["totalTokens"] for one in of) + more[1], f"{costs:f}"

    older = (firings, tokens, cost) if firings else (0, 0, Decimal(0))
    cron = spender("a", spending(window(today, (0, 0, Decimal(0))), month=window(month, older)), *history)
    whole = spent(line_of(cron), "Month", NOW)
    for shares in (by_model([cron], NOW), by_day([cron], NOW)):
        assert sum(one.firings for one in shares.values()) == whole.firings
        assert sum(one.tokens for one in shares.values()) == whole.tokens
        assert sum(one.costs.get("USD", Decimal(0)) for one in shares.values()) == whole.costs["USD"]


def _at(entry: Any) -> datetime:
    return parse_time(entry["finishedAt"])
