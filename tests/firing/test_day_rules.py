"""Days that Kubernetes cannot name: the same as croniter's, and a run on no other."""

import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from croniter import CroniterError, croniter

from graphcron.firing.day_rules import meant
from graphcron.firing.order import Order, gate
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import read_timezone
from tests.support.extent import Extent

START = datetime(2026, 1, 1, tzinfo=UTC)


def random_spec(chance: random.Random) -> str:
    def plain(low: int, high: int) -> str:
        first, last = chance.randint(low, high), chance.randint(low, high)
        return chance.choice([str(first), f"{first}-{last}"])

    numbered = [f"{chance.choice([0, 1, 5, 7, 'fri', 'SUN'])}#{chance.randint(1, 5)}", f"L{chance.randint(0, 7)}"]
    dates = chance.choice(["*", "*", "L", "L", f"L,{plain(1, 31)}", f"{chance.randint(1, 31)}W", plain(1, 31), "20-L"])
    weekdays = chance.choice(["*", "*", *numbered, *numbered, ",".join(numbered), plain(0, 7), f"{numbered[0]},5"])
    month = chance.choice(["*", "*", str(chance.randint(1, 12)), f"{chance.randint(1, 12)},2"])
    return f"{chance.randint(0, 59)} {chance.randint(0, 23)} {dates} {month} {weekdays}"


def test_in_utc_they_are_those_of_croniter_and_it_decides_what_is_refused(extent: Extent) -> None:
    chance = random.Random(20261122)
    gated = refused = 0
    specs = extent.count(1500, 150)
    for _ in range(specs):
        spec = random_spec(chance)
        after = START + timedelta(minutes=chance.randrange(1_500_000))
        try:
            reference = croniter(spec, after)
            expected = [reference.get_next(datetime) for _ in range(5)]
        except CroniterError:
            with pytest.raises(InvalidSchedule):
                read(spec)
            refused += 1
            continue
        schedule = read(spec)
        if expected[-1].year > 2095:
            continue  # no 29 February in 2100, and robfig/cron looks ahead for five years only
        assert next_times(schedule, read_timezone(None), after, 5) == expected, spec
        gated += bool(schedule.days)
    assert gated > 0.46 * specs
    assert refused > 0.016 * specs


def test_the_cronjob_fires_at_least_then_and_its_pods_pass_over_the_rest(extent: Extent) -> None:
    """What the cluster does, slot by slot: also where clocks change, and though next_times leaps over whole days."""
    chance = random.Random(20261123)
    compared = 0
    specs = extent.count(250, 60)
    for _ in range(specs):
        spec = " ".join(["*/30", chance.choice(["*", "23,0,1"]), *random_spec(chance).split()[2:]])
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        name = chance.choice(["Africa/Cairo", "Australia/Lord_Howe", "America/Havana", "Europe/Berlin", "Asia/Beirut"])
        zone = read_timezone(name)
        every_slot = replace(schedule, days=())
        order = Order("c", {}, days=schedule.days or None, timezone=name)
        start = datetime(2026, chance.choice([3, 4, 10]), chance.randint(1, 28), tzinfo=UTC)
        slots = next_times(every_slot, zone, start, 500)
        runs = [slot for slot in slots if gate(order, slot) is None][:5]
        assert next_times(schedule, zone, start, 5)[: len(runs)] == runs, (spec, name)
        compared += bool(runs)
    assert compared > 0.4 * specs


def test_the_date_is_that_of_the_cron_s_zone() -> None:
    order = Order("c", {}, days=[["L"]], timezone="Asia/Tokyo")
    assert gate(order, datetime(2026, 1, 30, 15, tzinfo=UTC)) is None  # 31 January there
    skip = gate(order, datetime(2026, 1, 31, 15, tzinfo=UTC))
    assert skip
    assert skip.reason == "NotOnThisDay"


def test_a_job_made_by_hand_runs_on_any_day() -> None:
    assert gate(Order("c", {}, days=[["L"]], timezone="Etc/UTC"), None) is None


def test_an_order_carries_the_days() -> None:
    order = Order("c", {}, days=read("0 0 * * 5#2").days, timezone="Asia/Tokyo")
    again = Order.from_json(order.to_json())
    assert (again.days, again.timezone) == ([["5#2"]], "Asia/Tokyo")


def test_no_rules_mean_every_day() -> None:
    assert meant((), START)


def test_only_a_firing_with_such_days_pays_for_zones() -> None:
    code = "import sys, graphcron.runner.main; sys.exit('zoneinfo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
