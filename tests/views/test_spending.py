"""What one GraphCron used, and what its month will come to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcron.facade.store.snapshot import kept
from graphcron.resource.windows import PERS
from graphcron.views.spending import Sum, line_of, month, remaining, spent, sum_document, used_up
from tests.support.console_source import NOW, condition, cron, utc
from tests.support.spending import ended, spender, spending

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPENT = spending((1, 10, "0.1"), (2, 20, "0.2"), (9, 90, "0.9"))


def test_windows_that_are_over_count_nothing() -> None:
    line = line_of(spender("a", SPENT))
    assert [spent(line, per, NOW).firings for per in PERS] == [1, 2, 9]
    assert [spent(line, per, NOW + DAY).firings for per in PERS] == [0, 2, 9]
    assert [spent(line, per, NOW + 3 * DAY).firings for per in PERS] == [0, 0, 9]
    assert [spent(line, per, NOW + 4 * DAY).firings for per in PERS] == [0, 0, 0]


def test_windows_are_those_of_the_zone() -> None:
    """At noon in UTC it is the next day in Auckland, and no firing has ended in it."""
    there = spender("a", spending((1, 10), (2, 20), (9, 90)), timezone="Pacific/Auckland")
    assert spent(line_of(there), "Day", NOW).firings == 0


@pytest.mark.parametrize(
    ("spec", "status", "number"),
    [
        ({}, {}, 3),
        ({"endTime": "2026-11-30T00:00:00Z"}, {}, 2),
        ({}, {"nextRunTimes": ["2026-11-29T09:00:00Z"]}, 2),
        ({}, {"nextRunTimes": ["2027-01-01T09:00:00Z"]}, 0),
        ({"endTime": "2026-11-01T00:00:00Z"}, {}, 0),
        ({"maxRuns": 5}, {"scheduledRuns": {"count": 3, "since": utc(NOW), "until": utc(NOW)}}, 2),
        ({"timezone": "Pacific/Auckland"}, {}, 3),
        ({}, {"nextRunTimes": []}, 0),
        ({"schedule": "61 9 * * *"}, {}, 0),
    ],
)
def test_the_rest_of_the_month_is_what_will_still_fire(
    spec: dict[str, Any], status: dict[str, Any], number: int
) -> None:
    assert remaining(line_of(spender("a", SPENT, status=status, **spec)), NOW) == number


@pytest.mark.parametrize(("per", "number"), [("Day", 3), ("Week", 1), ("Month", 0)])
def test_one_over_its_budget_fires_again_when_the_window_ends(per: str, number: int) -> None:
    over = condition("Ready", reason="OverBudget")
    line = line_of(cron("a", over, schedule="0 0 * * *", budget={"tokens": 1, "per": per}, status={"nextRunTimes": []}))
    assert remaining(line, NOW) == number


def test_a_month_is_what_was_used_and_the_rest_at_the_mean() -> None:
    total = month(line_of(spender("a", SPENT, ended(HOUR, 10, "0.2"), ended(DAY, 30, "0.4"))), NOW)
    assert (total.firings, total.tokens, total.costs, total.incomplete) == (12, 150, {"USD": Decimal("1.8")}, 0)
    assert (total.tokens_in_words, total.cost_in_words) == ("150", "1.80 USD")


def test_unknown_is_not_zero() -> None:
    silent = month(line_of(spender("a", SPENT, ended(HOUR))), NOW)
    assert (silent.tokens_in_words, silent.cost_in_words) == ("≥90", "≥0.90 USD")
    nothing = month(line_of(spender("a", None)), NOW)
    assert (nothing.tokens_in_words, nothing.cost_in_words) == ("unknown", "unknown")
    unpriced = month(line_of(spender("a", SPENT, ended(HOUR, 10))), NOW)
    assert (unpriced.tokens, unpriced.cost_in_words) == (120, "≥0.90 USD")
    partial = month(
        line_of(spender("a", SPENT, ended(HOUR, 10, "1", usage={"totalTokens": 9, "complete": False}))), NOW
    )
    assert partial.cost_in_words == "≥3.90 USD"
    over = month(line_of(spender("a", SPENT, ended(HOUR), status={"nextRunTimes": []})), NOW)
    assert over.cost_in_words == "0.90 USD", "nothing is left to fire, so nothing is unknown"


def test_firings_from_before_spending_was_recorded_are_unknown() -> None:
    line = line_of(spender("a", None, ended(HOUR), ended(2 * DAY), ended(40 * DAY), ended(HOUR, outcome="Skipped")))
    sums = [spent(line, per, NOW) for per in PERS]
    assert [(one.firings, one.incomplete, one.tokens_in_words) for one in sums] == [
        (1, 1, "unknown"), (2, 2, "unknown"), (2, 2, "unknown"),
    ]  # fmt: skip


def test_without_prices_tokens_are_all_there_is() -> None:
    total = spent(line_of(spender("a", spending(month=(9, 90), currency=None))), "Month", NOW)
    assert (total.tokens_in_words, total.cost_in_words) == ("90", "-")
    idle = spent(line_of(spender("a", spending())), "Month", NOW)
    assert (idle.tokens_in_words, idle.cost_in_words) == ("0", "0")


@pytest.mark.parametrize(
    ("budget", "used"),
    [
        ({"tokens": 180}, "0.5"),
        ({"cost": "0.45"}, "2"),
        ({"tokens": 40, "per": "Week"}, "0.5"),
        ({"cost": 1, "per": "Day"}, "0.1"),
        ({"perRun": {"tokens": 5}}, None),
        ("all of it", None),
    ],
)
def test_a_budget_is_as_full_as_its_window(budget: Any, used: str | None) -> None:
    found = used_up(line_of(spender("a", SPENT, budget=budget)), NOW)
    assert found == (None if used is None else Decimal(used))


def test_a_budget_of_which_nothing_is_known_is_not_empty() -> None:
    assert used_up(line_of(spender("a", spending(month=(3, 0, None, 3)), budget={"tokens": 9})), NOW) is None


@pytest.mark.parametrize(
    ("outcomes", "number"),
    [("FFF", 3), ("FF", 0), ("FFSF", 0), ("FKMFF", 3), ("FFFW", 0), ("", 0)],
)
def test_it_only_fails_when_all_of_some_runs_did(outcomes: str, number: int) -> None:
    names = {"F": "Failed", "S": "Succeeded", "K": "Skipped", "M": "Missed", "W": "WaitingForInput"}
    assert line_of(spender("a", None, *(ended(HOUR, outcome=names[one]) for one in outcomes))).only_failed == number


@pytest.mark.parametrize(
    "forged",
    [
        {"spending": []}, {"spending": {"today": 1}}, {"spending": SPENT | {"month": {"since": "soon"}}},
        {"spending": SPENT | {"month": {"since": utc(NOW), "cost": "NaN"}}}, {"history": {"a": 1}}, {"history": [7]},
        {"history": [ended(HOUR, 10**18)]}, {"history": [ended(HOUR, usage={"totalTokens": "all"})]},
        {"history": [ended(HOUR, 1, "1e999999")]}, {"history": [ended(HOUR, finishedAt=3)]}, {"timezone": 5},
        {"scheduledRuns": 9}, {"history": [{"usage": 1}]},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_somebody_wrote_into_a_status_there_is_a_line(forged: dict[str, Any]) -> None:
    for one in (whole := spender("a", SPENT, status=forged, maxRuns=5), kept(whole)):
        line = line_of(one)
        assert month(line, NOW).cost_in_words
        assert month(line, datetime(2030, 1, 1, tzinfo=UTC)).tokens_in_words


COSTS = st.dictionaries(st.sampled_from(["USD", "EUR"]), st.decimals(0, 10**9, places=9))


def test_a_total_of_which_a_part_has_no_price_is_the_least() -> None:
    """One fired last before there were prices, another one after that."""
    before, after = (line_of(spender(name, spent)) for name, spent in (
        ("a", spending(month=(2, 40), currency=None)), ("b", spending(month=(1, 10, "0.1"))),
    ))  # fmt: skip
    total = Sum()
    for line in (before, after):
        total.add_all(spent(line, "Month", NOW))
    assert (total.cost_in_words, total.tokens_in_words) == ("≥0.10 USD", "50")
    assert sum_document(total)["incomplete"] == 2
    alone = spent(before, "Month", NOW)
    assert (alone.cost_in_words, sum_document(alone)["incomplete"]) == ("-", 0)


SUMS = st.builds(Sum, st.integers(0, 99), st.integers(0, 2**53), COSTS, st.integers(0, 99))


@given(st.lists(SUMS, max_size=6))
def test_a_total_marks_what_any_part_lacks(parts: list[Sum]) -> None:
    total = Sum()
    for part in parts:
        total.add_all(part)
    assert total.tokens == sum(part.tokens for part in parts)
    for currency in ("USD", "EUR"):
        assert total.costs.get(currency, 0) == sum(part.costs.get(currency, Decimal(0)) for part in parts)
    if any(part.incomplete for part in parts):
        assert total.tokens_in_words.startswith(("≥", "unknown"))
        assert total.cost_in_words.startswith(("≥", "unknown"))
    else:
        assert "≥" not in total.tokens_in_words + total.cost_in_words
