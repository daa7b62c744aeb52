"""What a start leaves alone. That it is right to is asserted by `World.reconcile`, in each test that uses one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from graphcron.operator.run_pod import RunPods
from tests.support.world import World, at


@pytest.fixture
def settled(world: World) -> World:
    """One that was made at 10:00, fired at 11:00 and was told of."""
    world.reconcile("10:00")
    world.fire("11:00", end="Complete", said='{"outcome":"Succeeded","reason":"RunSucceeded","message":""}')
    world.reconcile("11:01")
    return world


def test_one_that_is_new_is_settled_until_it_fires(world: World) -> None:
    world.reconcile("10:00")
    assert world.settled_until("10:30") == at("11:00")


def test_one_that_fired_and_was_told_of_is_settled_until_it_fires_again(settled: World) -> None:
    assert settled.settled_until("11:30") == at("12:00")


def test_nothing_is_settled_from_its_next_firing_on(settled: World) -> None:
    assert settled.settled_until("12:00") is None


def _edited(world: World) -> None:
    world.edit(input={"text": "other"})


def _touched(world: World) -> None:
    assert world.cron_job
    world.cron_job["metadata"]["managedFields"].append({"manager": "kubectl-edit", "operation": "Update"})


def _without_record(world: World) -> None:
    assert world.cron_job
    del world.cron_job["metadata"]["managedFields"]


def _gone(world: World) -> None:
    world.cron_job = None


def _installed_anew(world: World) -> None:
    world.run_pods = RunPods(image="graphcron:other", server_url="http://agent.example")


def _limited(world: World) -> None:
    world.least = timedelta(hours=2)


def _firing(world: World) -> None:
    world.fire("12:00")


def _fired_unseen(world: World) -> None:
    """Its Job is gone already."""
    assert world.cron_job
    world.cron_job["status"]["lastScheduleTime"] = "2026-12-01T11:30:00Z"


def _untold_job(world: World) -> None:
    world.graphcron["status"]["history"] = []


def _status_of_old(world: World) -> None:
    """A slot that no Job was made for, and that is not told: the status was written right after it."""
    world.graphcron["status"]["nextRunTimes"] = world.graphcron["status"]["nextRunTimes"][1:]


@pytest.mark.parametrize(
    "change",
    [
        _edited, _touched, _without_record, _gone, _installed_anew, _limited, _firing, _fired_unseen, _untold_job,
        _status_of_old,
    ],
)  # fmt: skip
def test_whatever_is_not_plain_is_looked_at(settled: World, change: Callable[[World], None]) -> None:
    assert settled.settled_until("11:30")
    change(settled)
    assert settled.settled_until("11:30") is None


@pytest.mark.parametrize("spec", [{"enabled": False}, {"endTime": "2026-12-01T10:30:00Z"}, {"schedule": "nonsense"}])
def test_only_what_fires_is_settled(spec: dict[str, object]) -> None:
    world = World(**spec)
    world.reconcile("10:00")
    world.reconcile("10:31")
    assert world.settled_until("10:32") is None
