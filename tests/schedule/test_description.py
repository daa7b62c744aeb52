"""The words for a schedule agree with the times at which it fires."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from graphcron.schedule.description import in_words
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import KINDS, InvalidSchedule
from graphcron.schedule.next_runs import next_times
from tests.support.schedules import random_field


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("*/90 * * * *", "Every hour"),
        ("*/59 * * * *", "At 0 and 59 minutes past the hour"),
        ("0 */36 * * *", "At 00:00"),
        ("0 */5 * * *", "At 00:00, 05:00, 10:00, 15:00 and 20:00"),
        ("0 0 1-31/40 * *", "At 00:00, on day 1 of the month"),
        ("0 0 */10 * *", "At 00:00, on day 1, 11, 21, and 31 of the month"),
        ("0 0 * * */2", "At 00:00, only on Sunday, Tuesday, Thursday, and Saturday"),
        ("5/20 * * * *", "Every 20 minutes, starting at 5 minutes past the hour"),
        ("0 9-17/4 * * *", "Every 4 hours, between 09:00 and 17:59"),
        ("0 0 1 */3 *", "At 00:00, on day 1 of the month, every 3 months"),
    ],
)
def test_a_step_is_called_a_period_only_where_it_is_one(spec: str, words: str) -> None:
    assert in_words(read(spec)) == words


def stepped() -> Iterator[tuple[int, str]]:
    """Fields with a step, each with its place."""
    for place, kind in enumerate(KINDS):
        for step in range(1, 101):
            yield place, f"*/{step}"
            yield place, f"{kind.low + step % 5}/{step}"
            yield place, f"{kind.low + step % 3}-{kind.high - step % 4}/{step}"


def test_each_period_in_the_words_is_the_time_between_two_firings() -> None:
    """Within the hour, day, month or year where the words name a range, else from each firing to the next."""
    periods = 0
    for place, text in stepped():
        fields = ["0", "0", "1", "*", "*"][:place] + [text] + ["*"] * (4 - place)
        if place == 4:
            fields[2] = "*"
        words = in_words(schedule := read(" ".join(fields)))
        claimed = re.search(r"[Ee]very (\d+) (minute|hour|day|month)s", words)
        if not claimed:
            continue
        periods += 1
        times = next_times(schedule, ZoneInfo("Etc/UTC"), datetime(2026, 1, 1, tzinfo=UTC), 150)
        units = [_unit(place, moment) for moment in times]
        for (earlier, later), (before, after) in zip(pairwise(times), pairwise(units), strict=True):
            if before == after or not re.search("through|between", words):
                assert _length(earlier, later, claimed[2]) == int(claimed[1]), (fields, words)
    assert periods > 100


def _unit(place: int, moment: datetime) -> object:
    """The hour, day, month, year or week in which a field has each of its values once."""
    week = (moment + timedelta(days=1)).isocalendar()[:2]  # from Sunday on
    return (moment.replace(minute=0), moment.date(), (moment.year, moment.month), moment.year, week)[place]


def _length(earlier: datetime, later: datetime, unit: str) -> float:
    if unit == "month":
        return (later.year - earlier.year) * 12 + later.month - earlier.month
    return (later - earlier) / {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[
        unit
    ]


def test_every_schedule_has_words() -> None:
    chance = random.Random(20261122)
    described = 0
    for _ in range(2000):
        spec = " ".join(random_field(chance, *bounds) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)))
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        assert in_words(schedule), spec
        described += 1
    assert described > 1500
