"""The facts of a decision, each derived once: last fired, not before, deadline, pending."""

from datetime import timedelta
from typing import Any

import pytest

from graphcron.operator.cronjob import Installation
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import InvalidGraphCron
from tests.support.world import World, at

INSTALLATION = Installation(RunPods(image="graphcron:test", server_url="http://agent.example"))


def inputs(world: World, now: str) -> Inputs:
    observed = Observed(world.graphcron, world.cron_job, tuple(world.jobs), tuple(world.pods))
    return Inputs.read(observed, INSTALLATION, at(now))


@pytest.mark.parametrize(
    ("now", "pending"),
    [("10:59", "11:00"), ("11:05", "11:00"), ("11:10:59", "11:00"), ("11:11", "12:00")],
    ids=["it is next", "it is late", "a minute of grace", "it is missed"],
)
def test_a_scheduled_time_is_pending_until_it_is_missed(world: World, now: str, pending: str) -> None:
    world.edit(startingDeadlineSeconds=600)
    world.reconcile("10:05")
    assert inputs(world, now).deadline == timedelta(minutes=10)
    assert inputs(world, now).pending == at(pending)


def test_nothing_before_a_change_is_pending(world: World) -> None:
    world.reconcile("10:05")
    world.edit(schedule="30 * * * *")
    world.reconcile("10:40")
    found = inputs(world, "10:41")
    assert (found.observed.not_before, found.pending) == (at("10:40"), at("11:30"))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"schedule": "61 * * * *"}, "InvalidSchedule"),
        ({"timezone": "Mars/Phobos"}, "InvalidTimezone"),
        ({"assistantId": 1}, "InvalidSpec"),
    ],
)
def test_a_spec_that_cannot_be_scheduled_is_named(world: World, edit: dict[str, Any], reason: str) -> None:
    world.edit(**edit)
    with pytest.raises(InvalidGraphCron) as refused:
        inputs(world, "10:05")
    assert refused.value.reason == reason
