"""What firings will use, by those that have ended."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcron.schedule.expression import read
from graphcron.views.forecast import Forecast, forecast, forecast_of, in_words, per_firing
from graphcron.views.glance import keep

DAILY = read("0 9 * * *")


def entry(tokens: int | None, cost: str | None = None, *, complete: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {"scheduledTime": "2026-11-22T09:00:00Z", "outcome": "Succeeded", "reason": "RunSucceeded"}
    if tokens is not None:
        found["usage"] = {"totalTokens": tokens, "source": "Stream", "complete": complete}
    return found | ({"cost": cost} if cost is not None else {})


def status(*history: dict[str, Any], currency: str | None = "USD") -> dict[str, Any]:
    window = {"since": "2026-11-01T00:00:00Z"}
    spending = {"today": window, "week": window, "month": window} | ({"currency": currency} if currency else {})
    return {"history": list(history), "spending": spending}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "What they will cost is unknown until a firing has ended whose usage is known."),
        (status(entry(None)), "What they will cost is unknown until a firing has ended whose usage is known."),
        (
            status(entry(1000, "0.10"), entry(None), entry(3000, "0.30")),
            "They will use about 60,900 tokens and cost about 6.09 USD, by the last 2 firings whose usage is known.",
        ),
        (
            status(entry(1000, "0.10", complete=False), entry(1000, "0.10")),
            "They will use at least 30,400 tokens and cost at least 3.04 USD, by the last 2 firings whose usage is "
            "known.",
        ),
        (
            status(entry(1000, "0.10") | {"costIncomplete": True}),
            "They will use at least 30,400 tokens and cost at least 3.04 USD, by one firing.",
        ),
        (status(entry(10), currency=None), "They will use about 304 tokens, by one firing."),
        (
            status(entry(10)),
            "They will use about 304 tokens, by one firing; what these cost is unknown, as a model has no price.",
        ),
        (
            status(entry(10, "0.00001"), entry(10)),
            "They will use about 304 tokens and cost about 0.00030 USD, by the last 2 firings whose usage is known "
            "(1 of them with a price).",
        ),
    ],
)
def test_it_says_what_is_known_and_by_how_many_firings(found: dict[str, Any], words: str) -> None:
    assert in_words(forecast(DAILY, found)) == f"About 30 firings a month. {words}"


def test_programs_get_numbers_and_null_for_what_is_unknown() -> None:
    known = forecast(DAILY, status(entry(1000, "0.1"))).to_dict()
    assert known.pop("message").startswith("About 30 firings a month. They will use about")
    assert known == {
        "firings_per_month": 30.44,
        "tokens_per_month": 30438,
        "cost_per_month": "3.04375",
        "currency": "USD",
        "based_on": 1,
        "at_least": False,
    }
    unknown = forecast(DAILY, {}).to_dict()
    assert [unknown[name] for name in ("tokens_per_month", "cost_per_month", "currency")] == [None] * 3


def test_it_is_the_same_of_one_that_is_kept() -> None:
    whole = {
        "metadata": {"name": "a", "uid": "u", "generation": 1},
        "spec": {"schedule": "0 9 * * *"},
        "status": status(entry(7, "1")),
    }
    kept = {"metadata": whole["metadata"], "spec": whole["spec"], "status": {}} | keep(whole)
    assert forecast_of(whole) == forecast_of(kept) != None  # noqa: E711 - all three
    assert forecast_of(whole | {"spec": {"schedule": "61 * * * *"}}) is None


AMOUNTS = st.decimals(0, 10**14, places=9).map(lambda value: f"{value:f}")
ENTRIES = st.lists(st.builds(entry, st.none() | st.integers(0, 2**53 - 1), st.none() | AMOUNTS), max_size=10)


@given(ENTRIES)
def test_the_mean_lies_between_the_firings_and_unknown_ones_do_not_count(history: list[dict[str, Any]]) -> None:
    mean = per_firing({"history": history})
    tokens = [one["usage"]["totalTokens"] for one in history if "usage" in one]
    costs = [Decimal(one["cost"]) for one in history if "usage" in one and "cost" in one]
    assert (mean.based_on, mean.priced) == (len(tokens), len(costs))
    assert mean.tokens is None if not tokens else min(tokens) - 1 <= (mean.tokens or 0) <= max(tokens) + 1
    assert mean.cost is None if not costs else min(costs) <= (mean.cost or 0) <= max(costs)
    said = Forecast(30.4, mean, "USD")
    assert in_words(said).isascii()
    assert in_words(said).isprintable()
    assert ("unknown" in in_words(said)) == (not tokens or not costs)
