"""The first check of the decision. That the full one finds nothing then is asserted by `World.reconcile`, in each test
that uses one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from graphcron.operator.cronjob import Installation
from graphcron.operator.reconcile import Plan, decide
from graphcron.operator.run_pod import RunPods
from tests.support.world import PODS, World, at


@pytest.fixture
def recorded(world: World) -> World:
    """One that was made at 10:00, fired at 11:00, which is recorded."""
    world.reconcile("10:00")
    world.fire("11:00", end="Complete", said='{"outcome":"Succeeded","reason":"RunSucceeded","message":""}')
    world.reconcile("11:01")
    return world


def test_one_that_is_new_is_unchanged_until_it_fires(world: World) -> None:
    world.reconcile("10:00")
    assert world.unchanged_until("10:30") == at("11:00")


def test_one_that_fired_and_was_recorded_is_unchanged_until_it_fires_again(recorded: World) -> None:
    assert recorded.unchanged_until("11:30") == at("12:00")


def test_nothing_is_unchanged_from_its_next_firing_on(recorded: World) -> None:
    assert recorded.unchanged_until("12:00") is None


def test_an_expectation_that_may_be_missed_sooner_wakes_sooner_and_one_that_is_missed_is_judged(world: World) -> None:
    world.edit(expect={"successWithin": "40m", "startWithin": "10s"})
    world.reconcile("10:00")

    def decided(now: str) -> Plan:
        return decide(world.observed(), Installation(PODS), at(now))

    assert (decided("10:30").unchanged, decided("10:30").wake_at) == (True, at("10:40"))
    assert not decided("10:40").unchanged
    world.edit(expect={"startWithin": "10s"})
    world.reconcile("10:31")
    assert (decided("10:32").unchanged, decided("10:32").wake_at) == (True, at("11:00:10"))


def _edited(world: World) -> None:
    world.edit(input={"text": "other"})


def _touched(world: World) -> None:
    assert world.cron_job
    world.cron_job["metadata"]["managedFields"].append({"manager": "kubectl-edit", "operation": "Update"})


def _removed(world: World) -> None:
    """Of a removal nobody is recorded."""
    assert world.cron_job
    del world.cron_job["spec"]["startingDeadlineSeconds"]
    world.cron_job["metadata"]["generation"] += 1


def _of_an_older_operator(world: World) -> None:
    del world.graphcron["status"]["cronJobGeneration"]


def _status_touched(world: World) -> None:
    writer = {"manager": "kubectl-edit", "operation": "Update", "subresource": "status"}
    world.graphcron["metadata"]["managedFields"].append(writer)


def _kept(world: World) -> None:
    """A Job by hand whose run is recorded, and which a sidecar keeps: the CronJob does not count it as active."""
    world.jobs[0]["status"].pop("conditions")


def _late_word(world: World) -> None:
    """The pod's outcome arrives after its Job was recorded."""
    said = '{"outcome":"Failed","reason":"RunError","message":""}'
    world.pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = said


def _without_record(world: World) -> None:
    assert world.cron_job
    del world.cron_job["metadata"]["managedFields"]


def _disowned(world: World) -> None:
    assert world.cron_job
    del world.cron_job["metadata"]["ownerReferences"]


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


def _unrecorded_job(world: World) -> None:
    world.graphcron["status"]["history"] = []


def _status_of_old(world: World) -> None:
    """A scheduled time without a Job that is not recorded: the status was written right after it."""
    world.graphcron["status"]["nextRunTimes"] = world.graphcron["status"]["nextRunTimes"][1:]


@pytest.mark.parametrize(
    "change",
    [
        _edited, _touched, _removed, _of_an_older_operator,
        _status_touched, _kept, _late_word, _without_record, _disowned, _gone, _installed_anew,
        _limited, _firing, _fired_unseen, _unrecorded_job, _status_of_old,
    ],
)  # fmt: skip
def test_what_is_not_certain_is_decided_in_full(recorded: World, change: Callable[[World], None]) -> None:
    assert recorded.unchanged_until("11:30")
    change(recorded)
    assert recorded.unchanged_until("11:30") is None


@pytest.mark.parametrize("spec", [{"enabled": False}, {"endTime": "2026-12-01T10:30:00Z"}, {"schedule": "nonsense"}])
def test_only_what_fires_is_unchanged(spec: dict[str, object]) -> None:
    world = World(**spec)
    world.reconcile("10:00")
    world.reconcile("10:31")
    assert world.unchanged_until("10:32") is None
