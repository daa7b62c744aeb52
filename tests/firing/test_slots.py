"""The scheduled minute before another one, as a run pod finds it: the one after which the other comes."""

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from graphcron.firing.slots import Slots, previous_time
from graphcron.schedule.expression import read
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from tests.support.extent import Extent


def before(schedule: Schedule, zone: str, moment: datetime) -> datetime | None:
    slots = Slots.from_json(json.loads(json.dumps(schedule.slots)))
    return previous_time(slots, json.loads(json.dumps(schedule.days)), ZoneInfo(zone), moment)


@pytest.mark.parametrize(
    ("spec", "zone", "due", "previous"),
    [
        ("*/5 * * * *", "Etc/UTC", "2026-11-22T00:00", "2026-11-21T23:55"),
        ("0 9 * * mon-fri", "Etc/UTC", "2026-11-23T09:00", "2026-11-20T09:00"),
        ("0 9 1,15 * mon", "Etc/UTC", "2026-12-01T09:00", "2026-11-30T09:00"),
        ("0 0 29 2 *", "Etc/UTC", "2028-02-29T00:00", "2024-02-29T00:00"),
        ("0 0 L * *", "Europe/Berlin", "2026-02-27T23:00", "2026-01-30T23:00"),
        ("0 9 15W * *", "Etc/UTC", "2026-09-15T09:00", "2026-08-14T09:00"),
        ("0 9 * 2 fri#5", "Etc/UTC", "2036-02-29T09:00", "2008-02-29T09:00"),
        # Clocks: left out in March, there twice in October.
        ("30 2 * * *", "Europe/Berlin", "2026-03-30T00:30", "2026-03-28T01:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-26T01:30", "2026-10-25T01:30"),
        ("0 * * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-29T00:00"),
        # Days that robfig/cron passes over, and comes to only when it sets out on them.
        ("0 23 * * *", "Australia/Lord_Howe", "2010-04-05T12:30", "2010-04-03T12:00"),
        ("*/15 0 * * sun", "Australia/Lord_Howe", "2010-04-10T14:00", "2010-04-03T13:45"),
        ("0 0 * * *", "Asia/Gaza", "2010-03-28T21:00", "2010-03-26T22:00"),
    ],
)
def test_the_previous_minute(spec: str, zone: str, due: str, previous: str) -> None:
    found = before(read(spec), zone, datetime.fromisoformat(due).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(previous).replace(tzinfo=UTC)


def test_a_time_between_two_has_the_one_before_it() -> None:
    """That of a run by hand, to the second."""
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert before(read("0 * * * *"), "Etc/UTC", noon + timedelta(seconds=1)) == noon
    assert before(read("0 * * * *"), "Etc/UTC", noon) == noon - timedelta(hours=1)


ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Sydney")
SPECS = (
    "* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 * * *", "15 0-3 * * *", "0 23 * * *", "0 9 * * 1-5", "5 4 1,15 * *",
    "0 12 L * *", "0 9 15W * *", "0 9 * * 5#2", "0 9 13 * fri", "H H * * *", "H/20 1-3 * * *", "H H(0-4) * * sun",
    "*/30 1,2 * 3,10 sun", "0 0 1 1 *",
)  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_each_firing_has_the_one_before_it_whatever_clocks_do(zone: str, extent: Extent) -> None:
    """Around changes of clocks: what comes next, by the walk of the CronJob controller, has its origin before it."""
    rounds = 1000 if extent.exhaustive else 40
    draw = random.Random(zone)
    for _ in range(rounds):
        schedule = read(draw.choice(SPECS), f"seed {draw.random()}")
        month = draw.choice((3, 4, 10, 11, draw.randint(1, 12)))
        start = datetime(draw.randint(2000, 2035), month, draw.randint(1, 28), draw.randint(0, 23), tzinfo=UTC)
        times = next_times(schedule, ZoneInfo(zone), start, 6)
        for earlier, later in pairwise(times[1:]):
            assert before(schedule, zone, later) == earlier, (schedule.kubernetes, zone, later)


def test_every_field_is_carried_and_all_of_its_values_as_none() -> None:
    assert read("0,30 9 * * *").slots == {"fields": [[0, 30], [9], None, None, None]}
    assert read("0 9 13 * fri").slots == {"fields": [[0], [9], [13], None, [5]], "either": True}
    assert read("0 9 */2 * fri").slots["either"] is True, "*/2 is no star to Kubernetes"


def test_a_minute_that_never_came_before_is_none() -> None:
    never = Slots.from_json({"fields": [[0], [0], [31], [2], None]})
    assert previous_time(never, (), ZoneInfo("Etc/UTC"), datetime(2026, 1, 1, tzinfo=UTC)) is None
