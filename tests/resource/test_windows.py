"""Windows of spending: their bounds in a zone, and that one that has passed is empty."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from graphcron.resource.usage import Spending, SpendingWindow
from graphcron.resource.windows import PERS, Per, begin, current, end

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("per", "first", "after"),
    [
        ("Day", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours: the clocks go forward
        ("Week", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("Month", "2026-02-28T23:00", "2026-03-31T22:00"),
    ],
)
def test_a_window_has_the_bounds_of_its_zone(per: Per, first: str, after: str) -> None:
    noon = at("2026-03-29T12:00")
    assert (begin(per, noon, BERLIN), end(per, noon, BERLIN)) == (at(first), at(after))
    assert begin(per, at(after), BERLIN) == at(after), "the next one begins when this one ends"


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"])
@pytest.mark.parametrize("per", PERS)
def test_each_moment_of_two_years_lies_within_its_window(per: Per, zone: str) -> None:
    moment = at("2025-01-01T00:00")
    for _ in range(1000):
        assert begin(per, moment, ZoneInfo(zone)) <= moment < end(per, moment, ZoneInfo(zone))
        moment += timedelta(hours=17, minutes=31)


def test_what_was_used_in_a_window_that_is_over_is_not_used_in_this_one() -> None:
    since = at("2026-03-28T23:00")
    spent = SpendingWindow(since=since, firings=3, tokens=900)
    spending = Spending(today=spent, week=spent.model_copy(update={"since": at("2026-03-22T23:00")}), month=spent)
    assert current(spending, "Day", at("2026-03-29T21:59"), BERLIN) == spent
    assert current(spending, "Day", at("2026-03-29T22:00"), BERLIN) == SpendingWindow(since=at("2026-03-29T22:00"))
    assert current(spending, "Week", at("2026-03-29T22:00"), BERLIN).tokens == 0
    assert current(None, "Month", at("2026-03-29T22:00"), BERLIN).firings == 0
