"""maxRuns: the schedule starts that many runs and never one more, whatever becomes of the operator meanwhile."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.firing.order import ORDER_ANNOTATION, Order, gate, scheduled_time_of
from tests.support.world import World, at, pod, terminated


def order(world: World) -> Order:
    assert world.cron_job
    return Order.from_json(
        world.cron_job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][ORDER_ANNOTATION]
    )


def suspended(world: World) -> bool:
    assert world.cron_job
    return bool(world.cron_job["spec"]["suspend"])


SUCCEEDED = '{"outcome": "Succeeded", "reason": "RunSucceeded", "message": ""}'
SKIPPED = '{"outcome": "Skipped", "reason": "AfterEndTime", "message": ""}'


@pytest.fixture
def world() -> World:
    """An hourly one, of which two runs may start."""
    world = World(maxRuns=2)
    world.reconcile("10:05")
    return world


def test_the_order_ends_before_the_time_after_the_last_run_and_stays_so(world: World) -> None:
    assert order(world).end_time == "2026-12-01T13:00:00Z"
    assert world.graphcron["status"]["nextRunTimes"] == ["2026-12-01T11:00:00Z", "2026-12-01T12:00:00Z"]
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    assert world.writes.count("cronjob") == 1
    assert world.graphcron["status"]["scheduledRuns"] == {
        "count": 1, "since": "2026-12-01T10:00:00Z", "until": "2026-12-01T11:00:00Z",
    }  # fmt: skip


def test_once_the_job_of_the_last_run_is_seen_it_is_completed(world: World) -> None:
    world.fire("11:00", "Failed")
    world.reconcile("11:01")
    world.fire("12:00")
    world.reconcile("12:00:02")
    assert suspended(world)
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Completed")
    assert ready["message"].startswith("maxRuns is 2, and the schedule has started that many runs; it stays suspended.")
    assert world.graphcron["status"]["nextRunTimes"] == []
    assert world.graphcron["status"]["scheduledRuns"]["count"] == 2
    world.job_ends(1, "12:05")
    world.reconcile("12:06")
    assert world.graphcron["status"]["scheduledRuns"]["count"] == 2
    assert world.condition("Ready")["reason"] == "Completed"


def test_a_run_under_way_that_comes_to_nothing_gives_its_place_back(world: World) -> None:
    world.fire("11:00")
    world.reconcile("11:00:05")
    assert world.graphcron["status"]["scheduledRuns"]["count"] == 1
    world.pods = [pod(world.jobs[0]["metadata"]["name"], "11:00", run=terminated(0, "11:00:08", SKIPPED))]
    world.job_ends(0, "11:01")
    world.reconcile("11:02")
    assert world.graphcron["status"]["scheduledRuns"]["count"] == 0
    assert order(world).end_time == "2026-12-01T14:00:00Z"


def test_raising_it_resumes_without_what_was_due_meanwhile(world: World) -> None:
    for due in ("11:00", "12:00"):
        world.fire(due, "Complete", SUCCEEDED)
        world.reconcile(f"{due}:30")
    world.edit(maxRuns=4)
    world.reconcile("15:30")
    assert not suspended(world)
    assert (order(world).not_before, order(world).end_time) == ("2026-12-01T15:30:00Z", "2026-12-01T18:00:00Z")
    assert world.condition("Ready")["reason"] == "Scheduled"
    world.reconcile("15:31")
    assert world.writes.count("cronjob") == 3


@pytest.mark.parametrize(
    "said",
    [SKIPPED, '{"outcome": "Failed", "reason": "NotStarting", "message": ""}'],
    ids=["skipped on purpose", "never started"],
)
def test_a_firing_without_a_run_does_not_count(world: World, said: str) -> None:
    world.fire("11:00", "Complete", said)
    world.reconcile("11:01")
    assert order(world).end_time == "2026-12-01T14:00:00Z"


def test_a_missed_one_does_not_count(world: World) -> None:
    world.edit(startingDeadlineSeconds=60)
    world.reconcile("10:06")
    world.reconcile("11:03")
    assert world.graphcron["status"]["history"][0]["outcome"] == "Missed"
    assert order(world).end_time == "2026-12-01T14:00:00Z"


def test_a_requested_run_does_not_count(world: World) -> None:
    world.request("now")
    world.reconcile("10:06")
    world.job_ends(0, "10:07")
    world.reconcile("10:08")
    assert world.graphcron["status"]["history"][0]["trigger"] == "Manual"
    assert world.graphcron["status"]["scheduledRuns"]["count"] == 0


def test_what_ran_before_it_was_set_does_not_count() -> None:
    world = World()
    world.reconcile("10:05")
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    assert "scheduledRuns" not in world.graphcron["status"]
    world.edit(maxRuns=1)
    world.reconcile("11:10")
    assert order(world).end_time == "2026-12-01T13:00:00Z"
    world.edit(maxRuns=None)
    del world.graphcron["spec"]["maxRuns"]
    world.reconcile("11:20")
    assert "scheduledRuns" not in world.graphcron["status"]
    assert order(world).end_time is None


def test_end_time_counts_when_it_is_sooner(world: World) -> None:
    world.edit(endTime="2026-12-01T11:30:00Z")
    world.reconcile("10:06")
    assert order(world).end_time == "2026-12-01T11:30:00Z"
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    assert world.condition("Ready")["reason"] == "Expired"


def test_a_pause_neither_uses_up_a_run_nor_gives_one(world: World) -> None:
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    world.edit(enabled=False)
    world.reconcile("11:10")
    world.edit(enabled=True)
    world.reconcile("16:10")
    assert order(world).end_time == "2026-12-01T18:00:00Z"


class Cluster:
    """A World whose CronJob controller, run pods and garbage collection work on, and whose operator may not."""

    def __init__(self, spec: dict[str, Any], rng: random.Random) -> None:
        self.world = World(**spec)
        self.rng = rng
        self.runs: list[str] = []

    def hour(self, due: str) -> None:
        """The controller makes a Job, unless it is suspended or down; the pod asks the gate; of the Jobs that ended one
        is kept."""
        world = self.world
        if world.cron_job is None or suspended(world) or self.rng.random() < 0.1:
            return
        skipped = gate(order(world), at(due))
        if skipped is None:
            self.runs.append(due)
        said = SKIPPED if skipped else SUCCEEDED
        over = self.rng.random() < 0.7
        world.fire(due, "Complete" if over else None, said if over else None)
        if not over and skipped:
            world.job_ends(-1, due)
        for job in world.jobs[:-1]:
            if self.rng.random() < 0.7:
                ended = {"type": "Complete", "status": "True", "lastTransitionTime": f"2026-12-01T{due}:09Z"}
                job["status"].setdefault("conditions", [ended])
        kept = [job for job in world.jobs if "conditions" in job["status"]][-1:]
        world.jobs = [job for job in world.jobs if "conditions" not in job["status"] or job in kept]

    def operator(self, now: str) -> None:
        """It works, is down, or dies between its two writes."""
        drawn = self.rng.random()
        if drawn < 0.4:
            return
        status = self.world.graphcron.get("status")
        self.world.reconcile(now)
        if drawn < 0.6:
            if status is None:
                self.world.graphcron.pop("status", None)
            else:
                self.world.graphcron["status"] = status


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.sampled_from(["Allow", "Forbid"]), st.integers(0, 10**9))
def test_never_one_more_whatever_is_killed(limit: int, policy: str, seed: int) -> None:
    cluster = Cluster({"maxRuns": limit, "concurrencyPolicy": policy}, random.Random(seed))
    cluster.world.reconcile("10:05")
    for hour in range(11, 24):
        cluster.hour(f"{hour}:00")
        for minute in (1, 20, 40):
            cluster.operator(f"{hour}:{minute:02}")
    assert len(cluster.runs) <= limit, cluster.runs


def test_with_an_operator_at_work_it_is_exactly_so_many() -> None:
    world, runs = World(maxRuns=3), 0
    world.reconcile("10:05")
    for hour in range(11, 20):
        if not suspended(world):
            assert gate(order(world), at(f"{hour}:00")) is None
            world.fire(f"{hour}:00", "Complete", SUCCEEDED)
            runs += 1
        world.reconcile(f"{hour}:01")
    assert runs == 3
    assert scheduled_time_of(world.jobs[-1]["metadata"]["name"]) == at("13:00")
