"""The numbers of firings, against the firings themselves."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from graphcron.schedule.counting import between, per_month, per_month_in_words
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.next_runs import next_times
from tests.support.schedules import random_field

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("0 9 * * *", "About 30 firings a month"),
        ("* * * * *", "About 43,830 firings a month"),
        ("*/15 9-17 * * mon-fri", "About 782 firings a month"),
        ("0 0 1 * *", "About 1 firing a month"),
        ("0 0 L * *", "About 1 firing a month"),
        ("0 0 * * 5#2", "About 1 firing a month"),
        ("0 0 1 */3 *", "About 4 firings a year"),
        ("0 0 24 12 *", "About 1 firing a year"),
        ("0 0 29 2 *", "Less than one firing a year"),
        ("0 0 29 2 5#5", "Less than one firing a year"),
    ],
)
def test_how_often_that_is(spec: str, words: str) -> None:
    assert per_month_in_words(per_month(read(spec))) == words


def test_the_number_is_that_of_the_firings_that_come() -> None:
    """Random schedules, zones without changes of clocks, and moments that are no whole minutes."""
    chance = random.Random(20261127)
    compared = 0
    for _ in range(600):
        minutes, hours, days = (random_field(chance, *ends) for ends in ((0, 59), (0, 23), (1, 31)))
        spec = f"{minutes} {hours} {days} {random_field(chance, 1, 12)} {random_field(chance, 0, 6)}"
        try:
            schedule = read(chance.choice((spec, f"{minutes} {hours} L * *", f"{minutes} {hours} 15W * *")))
        except InvalidSchedule:
            continue
        zone = ZoneInfo(chance.choice(("Etc/UTC", "Asia/Kolkata", "Asia/Tokyo")))
        after = BEGIN + timedelta(seconds=chance.randrange(60 * 86_400))
        if chance.random() < 0.5:
            after = after.replace(second=0)
        before = after + timedelta(seconds=60 * chance.randrange(-5, 3000) + chance.choice((0, 0, 1)))
        times = next_times(schedule, zone, after, 5000, end=before, until=max(before, after))
        assert between(schedule, zone, after, before) == len(times), (schedule.kubernetes, zone, after, before)
        compared += bool(times)
    assert compared > 50


def test_the_ends_do_not_count() -> None:
    schedule, zone = read("0 * * * *"), ZoneInfo("Etc/UTC")
    assert between(schedule, zone, BEGIN, BEGIN + timedelta(hours=1)) == 0
    assert between(schedule, zone, BEGIN - timedelta(seconds=1), BEGIN + timedelta(hours=1, seconds=1)) == 2
    assert between(schedule, zone, BEGIN, BEGIN - timedelta(hours=5)) == 0


def test_a_change_of_clocks_moves_it_by_an_hour_at_most() -> None:
    schedule, zone = read("* * * * *"), ZoneInfo("Europe/Berlin")
    first, last = (datetime(2026, month, 1, tzinfo=zone) for month in (10, 11))
    assert (
        len(next_times(schedule, zone, first, 50_000, end=last, until=last)) - between(schedule, zone, first, last)
        == 60
    )
