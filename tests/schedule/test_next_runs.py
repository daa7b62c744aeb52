"""When a schedule fires: as the cluster does, and in UTC as LangGraph would."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from graphcron.firing.robfig_walk import walked
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.next_runs import by_calendar, next_times
from graphcron.schedule.time_zone import read_timezone
from tests.support.schedules import random_field


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# Each line was produced by robfig/cron v3.0.1.
CLOCK_CHANGES = {
    "an hour that the spring skips has no firing": (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
    ),
    "an hour that the autumn repeats fires twice": (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"],
    ),
    "midnight that does not exist": (
        "0 0 * * *",
        "Africa/Cairo",
        "2026-04-22T12:00:00Z",
        ["2026-04-22T22:00:00Z", "2026-04-24T21:00:00Z"],
    ),
    "a walk that begins the minute before the change ends on the wrong day, a Sunday": (
        "33 1 * * mon-sat",
        "America/Havana",
        "2026-03-08T04:59:00Z",
        ["2026-03-08T05:33:00Z", "2026-03-09T05:33:00Z"],
    ),
}


@pytest.mark.parametrize(("spec", "zone", "after", "expected"), CLOCK_CHANGES.values(), ids=CLOCK_CHANGES)
def test_clock_changes_are_those_of_the_cluster(spec: str, zone: str, after: str, expected: list[str]) -> None:
    times = next_times(read(spec), ZoneInfo(zone), at(after), len(expected))
    assert times == [at(text) for text in expected]


ODD_ZONES = (
    "Europe/Berlin", "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/Santiago",
    "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip
"""With changes at midnight, on the first of a month, by half an hour and by two hours; and two with none."""


def test_the_short_cut_comes_to_what_the_walk_comes_to() -> None:
    """Half of the starts lie within days of a change of clocks."""
    chosen = random.Random(7)
    changes = {name: _changes_of(name) for name in ODD_ZONES}
    answered = 0
    for _ in range(4000):
        zone = read_timezone(chosen.choice(ODD_ZONES))
        after = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=chosen.randrange(5 * 366 * 86_400))
        if changes[zone.key] and chosen.random() < 0.5:
            after = chosen.choice(changes[zone.key]) + timedelta(seconds=chosen.randrange(-5 * 86_400, 4 * 86_400))
        spec = " ".join(_random_field(chosen, low, high) for low, high in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        for found in by_calendar(schedule, zone, after, 6):
            answered += 1
            assert found == walked(schedule, zone, after), (spec, zone.key, after)
            after = found
    assert answered > 10_000, "it never has an answer"


def test_what_is_remembered_of_a_schedule_is_what_the_walk_comes_to() -> None:
    """Asked for again and again, forward and backward, across changes of clocks and between two firings."""
    chosen = random.Random(11)
    changes = {name: _changes_of(name) for name in ODD_ZONES}
    for _ in range(300):
        zone = read_timezone(chosen.choice(ODD_ZONES))
        spec = chosen.choice(("{m} {h} * * *", "*/20 {h} * * *", "{m} * * * 1-5", "{m} {h} 1 * *", "0 0 * * *"))
        schedule = read(spec.format(m=chosen.randrange(60), h=chosen.randrange(24)))
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=chosen.randrange(3 * 366 * 86_400))
        if changes[zone.key]:
            moment = chosen.choice(changes[zone.key]) + timedelta(seconds=chosen.randrange(-8 * 86_400, 6 * 86_400))
        for _ in range(8):
            count = chosen.randint(1, 6)
            expected: list[datetime] = []
            last = moment
            while len(expected) < count and (found := walked(schedule, zone, last)) is not None:
                expected.append(last := found)
            assert next_times(schedule, zone, moment, count) == expected, (schedule.kubernetes, zone.key, moment, count)
            moment = chosen.choice(
                (expected[0], expected[-1], moment + timedelta(seconds=chosen.randrange(-9000, 90_000)))
            )


@pytest.mark.parametrize("year", [1, 2, 9993, 9994, 9998])
def test_the_calendar_may_end(year: int) -> None:
    schedule, zone = read("0 9 1 2 *"), ZoneInfo("Etc/UTC")
    assert next_times(schedule, zone, datetime(year, 3, 1, tzinfo=UTC), 1) == [datetime(year + 1, 2, 1, 9, tzinfo=UTC)]


def _changes_of(name: str) -> list[datetime]:
    zone = ZoneInfo(name)
    days = [datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(5 * 366)]
    return [
        day for day, later in pairwise(days) if day.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
    ]


def _random_field(chosen: random.Random, low: int, high: int) -> str:
    first, last = sorted((chosen.randint(low, high), chosen.randint(low, high)))
    return chosen.choice(("*", "*", str(first), str(last), f"{first}-{last}", f"*/{max(1, first)}", f"{first},{last}"))


def test_in_utc_it_fires_when_langgraph_would() -> None:
    """Random schedules, backward ranges and Sunday as 7 included: five firings each, the same as croniter's."""
    chance = random.Random(20261122)
    compared = 0
    for _ in range(600):
        spec = " ".join(random_field(chance, *bounds) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)))
        after = at("2026-01-01T00:00:00Z") + timedelta(minutes=chance.randrange(1_000_000))
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        reference = croniter(spec, after)
        expected = [reference.get_next(datetime) for _ in range(5)]
        assert next_times(schedule, ZoneInfo("Etc/UTC"), after, 5) == expected, spec
        compared += 1
    assert compared > 500


def test_the_next_time_is_later_than_the_moment_itself() -> None:
    due = at("2026-05-01T10:00:00Z")
    assert next_times(read("0 10 * * *"), ZoneInfo("Etc/UTC"), due, 1) == [due + timedelta(days=1)]


@pytest.mark.parametrize(
    "spec",
    [
        "0 9 * * 05#2", "0 9 * * 5#02", "0 9 * * mon-fri#1", "0 9 * * fri-mon#3", "30 1 * * sun-tue#5", "0 9 * * L02",
        "0 9 * * L00", "0 9 * * L5,05#1", "0 9 * * mon-wed#1,fri#2", "0 9 * * sat-sat#4", "0 9 015W * *",
        "0 9 * 3 mon-fri#5", "15 */6 * jan-mar tue-thu#2", "\v0 9 *\t* L07\f",
    ],
)  # fmt: skip
def test_days_of_weeks_in_a_month_are_those_of_croniter(spec: str) -> None:
    """Over the whole cycle of the calendar in steps, the same as LangGraph's server fires."""
    schedule, zone = read(spec), ZoneInfo("Etc/UTC")
    for year in range(2024, 2053, 2):
        after = datetime(year, 1, 31, 23, 59, tzinfo=UTC)
        reference = croniter(spec, after)
        assert next_times(schedule, zone, after, 12) == [reference.get_next(datetime) for _ in range(12)], year
