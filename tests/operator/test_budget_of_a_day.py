"""A budget of 10,000 tokens, from what run pods report to the schedule that stops: with at most one firing more. The
next day it runs again."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.firing.order import ORDER_ANNOTATION, Order, gate
from tests.support.world import World, at

ZONE = "Pacific/Auckland"
"""Whose day ends at 11:00 UTC, in the middle of the day that these tests play on."""
EACH = 3_000
"""Tokens of a firing: the fourth uses up the budget."""
SAID = json.dumps(
    {
        "outcome": "Succeeded",
        "reason": "RunSucceeded",
        "message": "",
        "usage": {"totalTokens": EACH, "inputTokens": EACH, "source": "Callback", "complete": True},
    }
)


def order(world: World) -> Order:
    assert world.cron_job
    return Order.from_json(
        world.cron_job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][ORDER_ANNOTATION]
    )


def fires(world: World, due: str) -> bool:
    """As the CronJob controller and the run pod: whether a run starts in that minute."""
    assert world.cron_job
    if world.cron_job["spec"]["suspend"]:
        return False
    skip = gate(order(world), at(due))
    said = json.dumps({"outcome": "Skipped", "reason": skip.reason, "message": skip.message}) if skip else SAID
    world.fire(due, "Complete", said)
    return skip is None


def works(world: World, now: str) -> None:
    """The operator writes the status with the new sum, and is queued again at once."""
    world.reconcile(now)
    world.reconcile(now)


@pytest.mark.parametrize("action", ["Suspend", "Skip", "Notify"])
def test_firings_stop_with_at_most_one_more_and_the_next_day_it_runs_again(action: str) -> None:
    world = World(timezone=ZONE, budget={"tokens": 10_000, "per": "Day", "onExceeded": action})
    world.reconcile("00:05")
    started = []
    for hour in range(1, 13):
        works(world, f"{hour - 1:02}:59") if hour != 11 else works(world, "11:00")
        if fires(world, f"{hour:02}:00"):
            started.append(hour)
        works(world, f"{hour:02}:01")
    expected = {"Notify": list(range(1, 13)), "Skip": [1, 2, 3, 4, 11, 12], "Suspend": [1, 2, 3, 4, 11, 12]}
    assert started == expected[action]
    assert world.graphcron["status"]["spending"]["today"]["tokens"] == 2 * EACH
    if action == "Skip":
        skipped = [entry for entry in world.graphcron["status"]["history"] if entry["outcome"] == "Skipped"]
        assert {entry["reason"] for entry in skipped} == {"OverBudget"}


def test_a_raised_limit_goes_on_at_once() -> None:
    world = World(timezone=ZONE, budget={"tokens": 3_000, "per": "Day"})
    world.reconcile("00:05")
    assert fires(world, "01:00")
    works(world, "01:01")
    assert not fires(world, "02:00")
    world.edit(budget={"tokens": 6_000, "per": "Day"})
    works(world, "02:30")
    assert fires(world, "03:00")
    works(world, "03:01")
    assert not fires(world, "04:00")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["Suspend", "Skip"]), st.integers(0, 10**9))
def test_one_that_dies_between_its_writes_lets_none_start_that_it_could_have_seen(action: str, seed: int) -> None:
    rng = random.Random(seed)
    world = World(timezone=ZONE, budget={"tokens": 10_000, "per": "Day", "onExceeded": action})
    world.reconcile("00:05")
    started, seen = 0, False
    for hour in range(1, 11):
        ran = fires(world, f"{hour:02}:00")
        assert not (ran and seen), "it started although the operator knew"
        started += ran
        for minute in (10, 30):
            if rng.random() < 0.4:
                continue
            before = world.graphcron.get("status")
            world.reconcile(f"{hour:02}:{minute}")
            if rng.random() < 0.3:
                world.graphcron["status"] = before  # it dies after the CronJob, before the status
                continue
            if rng.random() < 0.3:
                continue  # it dies after the status
            world.reconcile(f"{hour:02}:{minute}")
            seen = started >= 4
