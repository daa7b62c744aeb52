"""The controller carries out what is decided: few writes, no foreign CronJob touched, errors where they are seen."""

import copy
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from graphcron.controller import Backoffs, Controller
from graphcron.kube import Kube, Refused, Unavailable
from graphcron.pod_template import RunPods
from graphcron.seen import Name
from tests.shell.cluster_memory import MemoryCluster

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
HELLO: Name = ("team", "hello")


class Bench:
    """A controller on an apiserver's memory, with a watch that is as late as the test wants it."""

    def __init__(self) -> None:
        self.kube = MemoryCluster()
        pods = RunPods(image="graphcron:test", server_url="http://agent.example")
        self.controller = Controller(cast("Kube", self.kube), pods, clock=lambda: NOW)

    def make(self, **spec: Any) -> dict[str, Any]:
        made = self.kube.make("hello", **spec)
        self.controller.seen.put("graphcrons", made)
        return made

    async def reconcile(self) -> None:
        await self.controller.reconcile(HELLO)

    @property
    def ready(self) -> dict[str, Any]:
        conditions = self.kube.graphcrons["hello"]["status"]["conditions"]
        found: dict[str, Any] = {condition["type"]: condition for condition in conditions}["Ready"]
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_look_at_an_older_copy_writes_nothing_again(bench: Bench) -> None:
    """The watch brings the GraphCron of before our own write: what we wrote counts."""
    old = bench.make()
    await bench.reconcile()
    bench.controller.seen.put("graphcrons", old)
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello", "status hello"]


async def test_a_cronjob_that_the_watch_has_not_brought_is_found(bench: Bench) -> None:
    """A controller that lost its memory does not apply what is there already."""
    made = bench.make()
    await bench.reconcile()
    again = Bench()
    again.kube = bench.kube
    again.controller = Controller(
        cast("Kube", bench.kube),
        RunPods(image="graphcron:test", server_url="http://agent.example"),
        clock=lambda: NOW,
    )
    again.controller.seen.put("graphcrons", bench.kube.graphcrons["hello"])
    bench.kube.writes.clear()
    await again.reconcile()
    assert bench.kube.writes == []
    assert made


async def test_a_foreign_cronjob_of_the_name_is_left_alone(bench: Bench) -> None:
    bench.make()
    foreign = {"metadata": {"name": "hello", "namespace": "team", "uid": "x"}, "spec": {"schedule": "0 * * * *"}}
    bench.kube.cron_jobs["hello"] = copy.deepcopy(foreign)
    await bench.reconcile()
    assert bench.kube.cron_jobs["hello"] == foreign
    assert (bench.ready["status"], bench.ready["reason"]) == ("False", "CronJobNameTaken")
    assert [event["reason"] for event in bench.kube.events] == ["CronJobNameTaken"]


async def test_what_the_cluster_refuses_is_told_and_not_tried_for_ever(bench: Bench) -> None:
    bench.make()
    bench.kube.fail = [Refused(422, "spec.timeZone: unknown time zone")]
    await bench.reconcile()
    assert bench.ready["reason"] == "CronJobRefused"
    assert bench.ready["message"].endswith("spec.timeZone: unknown time zone")


async def test_an_apiserver_that_is_away_is_for_the_queue_to_wait_for(bench: Bench) -> None:
    bench.make()
    bench.kube.fail = [Unavailable(0, "connection refused")]
    with pytest.raises(Unavailable):
        await bench.reconcile()
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello", "status hello"]


async def test_a_graphcron_deleted_under_us_is_no_error(bench: Bench) -> None:
    bench.make()
    del bench.kube.graphcrons["hello"]
    await bench.reconcile()


async def test_a_namesake_made_meanwhile_does_not_get_the_old_ones_status(bench: Bench) -> None:
    bench.make()
    bench.kube.make("hello")
    await bench.reconcile()
    assert "status" not in bench.kube.graphcrons["hello"]


async def test_one_that_is_being_deleted_is_left_alone(bench: Bench) -> None:
    made = bench.make()
    made["metadata"] |= {"deletionTimestamp": "2026-12-01T10:04:00Z", "resourceVersion": "99"}
    bench.controller.seen.put("graphcrons", made)
    await bench.reconcile()
    assert bench.kube.writes == []


def job(name: str, version: str = "5") -> dict[str, Any]:
    labels = {"graphcron.dev/graphcron": "hello"}
    return {"metadata": {"name": name, "namespace": "team", "uid": name, "labels": labels, "resourceVersion": version}}


async def test_jobs_and_pods_lead_to_their_graphcron_and_are_forgotten_with_it(bench: Bench) -> None:
    seen = bench.controller.seen
    made = bench.make()
    assert seen.put("jobs", job("hello-1")) == HELLO
    assert seen.put("pods", job("hello-1-x")) == HELLO
    observed = seen.of(HELLO)
    assert observed
    assert [item["metadata"]["name"] for item in observed.jobs] == ["hello-1"]
    seen.drop("jobs", job("hello-1"))
    seen.drop("pods", job("hello-1-x"))
    assert seen.drop("graphcrons", made) == HELLO
    assert (seen.graphcrons, seen.jobs, seen.pods) == ({}, {}, {}), "nothing is kept of what is gone"


def test_kopf_is_told_to_try_again_for_ever() -> None:
    waits = iter(Backoffs())
    assert all(0 < next(waits) <= 20 for _ in range(10_000))
