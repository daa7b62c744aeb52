"""The shortest interval between two firings, against the firings themselves."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.frequency import shortest_interval
from graphcron.schedule.next_runs import next_times
from tests.support.schedules import random_field


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("spec", "minutes"),
    [
        ("* * * * *", 1),
        ("0,59 * * * *", 1),  # over the hour
        ("0 0,23 * * *", 60),  # over midnight
        ("0 0,23 1,15,16 * *", 60),  # over a midnight that comes once a month
        ("0 0,23 1,15 * *", 23 * 60),
        ("0 0 */2 * *", 24 * 60),  # the 31st and the 1st
        ("0 0 1,5 * *", 4 * 24 * 60),
        ("0 9 * * mon", 7 * 24 * 60),
        ("0 0 1 1 tue", 24 * 60),  # the 1st, or a Tuesday: in some years they are neighbours
        ("0 0 29 2 *", None),
    ],
)
def test_the_shortest_interval_is_found_wherever_it_is(spec: str, minutes: int | None) -> None:
    expected = None if minutes is None else timedelta(minutes=minutes)
    assert shortest_interval(read(spec), at("2028-03-01T10:00:00Z")) == expected


def test_no_two_firings_are_nearer_than_the_shortest_interval() -> None:
    """Random schedules: the least gap among the firings that really come, where those are few enough to walk."""
    chance = random.Random(20261123)
    compared = 0
    after = at("2026-01-01T00:00:00Z")
    for _ in range(100):
        days, weekdays = random_field(chance, 1, 31), random_field(chance, 0, 6)
        spec = f"{random_field(chance, 0, 59)} {random_field(chance, 0, 23)} {days} {chance.randint(1, 12)} {weekdays}"
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        times = next_times(schedule, ZoneInfo("Etc/UTC"), after, 400)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if len(times) < 400 or times[-1] - after > timedelta(days=5 * 365):
            # All firings of nearly five years were walked through.
            within = [gap for gap, time in zip(gaps, times[1:], strict=False) if time < at("2030-12-30T00:00:00Z")]
            assert not within or shortest_interval(schedule, after) == min(within), spec
            compared += bool(within)
        else:
            assert (shortest_interval(schedule, after) or timedelta()) <= min(gaps), spec
    assert compared > 5
