"""A month of one GraphCron."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from graphcron.views.calendar import Day, Month, month_of, read_month

NOW = datetime(2026, 11, 27, 13, 30, 20, tzinfo=UTC)


def graphcron(schedule: str, *history: dict[str, Any], enabled: bool = True, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "team", "name": "cron", "uid": "uid"},
        "spec": {"schedule": schedule, **spec},
        "status": {"nextRunTimes": ["2026-11-27T14:00:00Z"] if enabled else [], "history": list(history)},
    }


def days(found: dict[str, Any], asked: str | None = None) -> dict[date, Day]:
    return {day.date: day for week in month_of(found, asked, NOW).weeks for day in week}


def test_weeks_are_whole_from_monday_and_today_is_marked() -> None:
    month = month_of(graphcron("0 9 * * *"), None, NOW)
    assert (str(month.month), month.zone, month.problem) == ("2026-11", "Etc/UTC", None)
    assert {len(week) for week in month.weeks} == {7}
    assert all(week[0].date.weekday() == 0 for week in month.weeks)
    assert [day.date for week in month.weeks for day in week if day.is_today] == [date(2026, 11, 27)]


def test_what_is_to_come_is_on_its_day_in_the_zone_of_the_cron() -> None:
    found = days(graphcron("30 0 * * *", timezone="Europe/Berlin"))
    assert found[date(2026, 11, 27)].times == ()
    assert found[date(2026, 11, 28)].times == (datetime(2026, 11, 27, 23, 30, tzinfo=UTC),)
    assert found[date(2026, 12, 1)].coming == 0, "another month's days are empty"


def test_of_many_firings_a_day_shows_the_first_and_the_last() -> None:
    found = days(graphcron("*/10 * * * *"))
    assert (found[date(2026, 11, 28)].coming, found[date(2026, 11, 27)].coming) == (144, 62)
    full = found[date(2026, 11, 28)]
    assert full.times == (datetime(2026, 11, 28, tzinfo=UTC), datetime(2026, 11, 28, 23, 50, tzinfo=UTC))
    assert full.last == full.times[1]


def test_a_day_on_which_clocks_go_back_has_an_hour_more() -> None:
    found = days(graphcron("* * * * *", timezone="Europe/Berlin"), "2027-10")
    assert (found[date(2027, 10, 30)].coming, found[date(2027, 10, 31)].coming) == (1440, 1500)


def test_past_firings_are_on_the_day_on_which_they_were_due_oldest_first() -> None:
    late = {"scheduledTime": "2026-11-25T23:30:00Z", "outcome": "Failed"}
    early = {"scheduledTime": "2026-11-25T23:00:00Z", "outcome": "Succeeded"}
    found = days(graphcron("30 0 * * *", late, early, timezone="Europe/Berlin"))
    assert found[date(2026, 11, 26)].entries == (early, late)


def test_start_and_end_hold() -> None:
    found = days(graphcron("0 9 * * *", startTime="2026-11-29T00:00:00Z", endTime="2026-11-30T00:00:00Z"))
    assert [day.date.day for day in found.values() if day.coming] == [29]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (graphcron("banana"), "Invalid cron schedule: 'banana'"),
        (graphcron("0 9 * * *", timezone="Mars/Base"), "Invalid timezone: 'Mars/Base'"),
        (graphcron("0 9 * * *", enabled=False), "It does not fire now"),
    ],
)
def test_of_what_does_not_fire_it_says_why_and_shows_the_past(given: dict[str, Any], problem: str) -> None:
    given["status"]["history"] = [{"scheduledTime": "2026-11-25T09:00:00Z", "outcome": "Failed"}]
    month = month_of(given, None, NOW)
    assert month.problem is not None
    assert month.problem.startswith(problem)
    assert sum(day.coming for week in month.weeks for day in week) == 0
    assert sum(len(day.entries) for week in month.weeks for day in week) == 1


@pytest.mark.parametrize("asked", [None, "", "2026-13", "banana", "0001-01", "9999-12", "2026-11-27"])
def test_a_month_that_cannot_be_shown_is_that_of_now(asked: str | None) -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert str(read_month(asked, late, ZoneInfo("Europe/Berlin"))) == "2026-12"


def test_months_before_and_after() -> None:
    assert (str(Month(2026, 1).before), str(Month(2026, 12).after)) == ("2025-12", "2027-01")
    assert (str(Month(2026, 5).before), str(Month(2026, 5).after)) == ("2026-04", "2026-06")
