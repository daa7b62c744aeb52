"""The controller carries out what is decided: few writes, no foreign CronJob touched, errors where they are seen."""

import copy
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotLeading, Refused, Unavailable
from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS
from graphcron.operator.controller import Controller, ResourceHandler
from graphcron.operator.cronjob import Installation
from graphcron.operator.object_cache import Name
from graphcron.operator.run_pod import RunPods
from tests.support.cluster_memory import MemoryCluster

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
HELLO: Name = ("team", "hello")
INSTALLATION = Installation(RunPods(image="graphcron:test", server_url="http://agent.example"))


class Bench:
    """A controller on an apiserver's memory, with a watch that is as late as the test wants it."""

    def __init__(self) -> None:
        self.kube = MemoryCluster()
        self.leads = True
        self.now = NOW
        self.controller = Controller(
            cast("Kube", self.kube), INSTALLATION, clock=lambda: self.now, leads=lambda: self.leads
        )

    def make(self, **spec: Any) -> dict[str, Any]:
        made = self.kube.make("hello", **spec)
        self.controller.cache.put(GRAPHCRONS, made)
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


async def test_reconciling_an_older_copy_writes_nothing_again(bench: Bench) -> None:
    """The watch brings the GraphCron of before our own write: what we wrote counts."""
    old = bench.make()
    await bench.reconcile()
    bench.controller.cache.put(GRAPHCRONS, old)
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
        INSTALLATION,
        clock=lambda: NOW,
    )
    again.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
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


async def test_what_the_cluster_refuses_is_recorded_and_not_retried_without_end(bench: Bench) -> None:
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


async def test_an_edit_between_decision_and_write_is_requeued_without_an_event(bench: Bench) -> None:
    """A list after a lost watch may bring the version that our own write made, which is known."""
    bench.make()
    edited = bench.kube.graphcrons["hello"]
    edited["metadata"]["generation"], edited["spec"]["schedule"] = 2, "5 * * * *"
    await bench.reconcile()
    assert len(bench.controller.queue) == 1
    await bench.reconcile()
    assert bench.kube.cron_jobs["hello"]["spec"]["schedule"] == "5 * * * *"


async def test_a_graphcron_deleted_under_us_is_no_error(bench: Bench) -> None:
    bench.make()
    del bench.kube.graphcrons["hello"]
    await bench.reconcile()


@pytest.mark.parametrize("namesake", [False, True])
async def test_a_cronjob_collected_with_its_graphcron_does_not_come_back(bench: Bench, namesake: bool) -> None:
    """The watches are two: the CronJob's DELETED event may come first."""
    bench.make()
    await bench.reconcile()
    (cron_job,) = bench.kube.cron_jobs.values()
    bench.kube.cron_jobs.clear()
    del bench.kube.graphcrons["hello"]
    if namesake:
        bench.kube.make("hello")
    bench.controller.cache.drop(CRON_JOBS, cron_job)
    bench.kube.writes.clear()
    await bench.reconcile()
    assert bench.kube.writes == []


async def test_a_namesake_made_meanwhile_does_not_get_the_old_ones_status(bench: Bench) -> None:
    bench.make()
    bench.kube.make("hello")
    await bench.reconcile()
    assert "status" not in bench.kube.graphcrons["hello"]


async def test_one_that_is_being_deleted_is_left_alone(bench: Bench) -> None:
    made = bench.make()
    made["metadata"] |= {"deletionTimestamp": "2026-12-01T10:04:00Z", "resourceVersion": "99"}
    bench.controller.cache.put(GRAPHCRONS, made)
    await bench.reconcile()
    assert bench.kube.writes == []


async def test_what_the_cluster_refused_is_requeued(bench: Bench) -> None:
    """A quota is freed, or the foreign CronJob deleted, and no event of ours tells of it."""
    bench.make()
    bench.kube.fail = [Refused(403, "exceeded quota: used 41")]
    await bench.reconcile()
    assert bench.controller.queue.due_in(HELLO) == pytest.approx(60, abs=1)


async def test_a_refusal_in_other_words_is_not_written_again(bench: Bench) -> None:
    """Webhooks put request ids into their refusals; each new text would be a write, and the write an event."""
    bench.make()
    for number in range(3):
        bench.kube.fail = [Refused(403, f"denied, request {number}")]
        await bench.reconcile()
    assert bench.kube.writes == ["status hello"]
    assert len(bench.kube.events) == 1


async def test_a_cronjob_of_a_deleted_namesake_is_waited_for(bench: Bench) -> None:
    bench.make()
    await bench.reconcile()
    again = Bench()
    again.kube.cron_jobs = bench.kube.cron_jobs
    again.kube.make("other")
    again.make()
    with pytest.raises(Conflict, match="still being removed"):
        await again.reconcile()
    assert again.kube.writes == []
    del again.kube.cron_jobs["hello"]
    await again.reconcile()
    assert again.ready["status"] == "True"


def owned_by(graphcron: dict[str, Any]) -> dict[str, Any]:
    owner = {"kind": "GraphCron", "name": "hello", "uid": graphcron["metadata"]["uid"], "controller": True}
    labels = {"graphcron.dev/graphcron": "hello"}
    return {"name": "hello", "namespace": "team", "uid": "cj", "labels": labels, "ownerReferences": [owner]}


async def test_one_that_the_code_trips_over_says_so_and_stalls_alone(bench: Bench) -> None:
    bench.make()
    broken = bench.kube.graphcrons["hello"]
    bench.controller.cache.put(CRON_JOBS, {"metadata": owned_by(broken), "spec": "from another age"})
    await bench.reconcile()
    assert bench.ready["reason"] == "InternalError"
    assert "its log has the details" in bench.ready["message"]


async def test_what_a_list_lacks_is_dropped_and_requeued(bench: Bench) -> None:
    """A deletion while nothing was watched is never told: the CronJob would stay missing."""
    bench.make()
    await bench.reconcile()
    bench.kube.cron_jobs.clear()
    bench.kube.writes.clear()
    await bench.reconcile()
    assert bench.kube.writes == [], "it was not told"
    bench.controller.start()
    ResourceHandler(bench.controller, CRON_JOBS).on_replace(set(), 10**9)
    assert len(bench.controller.queue) == 1
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello"]


async def test_a_new_leader_requeues_skipped_writes_and_nothing_else(bench: Bench) -> None:
    bench.make()
    bench.leads = False
    await bench.reconcile()
    assert bench.kube.writes == []
    bench.controller.requeue_skipped()
    assert len(bench.controller.queue) == 1
    bench.leads = True
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello", "status hello"]
    other = Bench()
    other.kube = bench.kube
    other.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
    other.controller.cache.put(CRON_JOBS, bench.kube.cron_jobs["hello"])
    await other.reconcile()
    other.controller.requeue_skipped()
    assert len(other.controller.queue) == 0, "its last look found nothing to write"


@pytest.mark.parametrize("touched", [False, True])
async def test_a_start_decides_in_full_what_somebody_has_touched(bench: Bench, touched: bool) -> None:
    bench.make()
    await bench.reconcile()
    cron_job = bench.kube.cron_jobs["hello"]
    if touched:
        cron_job["metadata"]["managedFields"].append({"manager": "kubectl-edit", "operation": "Update"})
        cron_job["spec"]["concurrencyPolicy"] = "Forbid"
    bench.kube.writes.clear()
    again = Bench()
    again.kube.graphcrons, again.kube.cron_jobs = bench.kube.graphcrons, bench.kube.cron_jobs
    again.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
    again.controller.cache.put(CRON_JOBS, cron_job)
    again.controller.start()
    assert len(again.controller.queue) == 1
    await again.reconcile()
    assert again.kube.writes == (["cronjob hello"] if touched else [])
    assert again.controller.queue.due_in(HELLO) == pytest.approx(55 * 60 + 30, abs=5)


async def test_a_write_refused_by_a_lead_that_was_lost_and_won_again_is_tried_again(bench: Bench) -> None:
    bench.make()
    bench.kube.fail = [NotLeading(0, "this operator ceased to lead")]
    await bench.reconcile()
    assert len(bench.controller.queue) == 1
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello", "status hello"]


async def test_a_scheduled_time_without_a_job_is_overdue_until_there_is_one_or_nobody_waits_for_it(
    bench: Bench,
) -> None:
    made = bench.make(schedule="0 * * * *")
    await bench.reconcile()
    assert bench.controller.overdue == {}
    bench.now = NOW.replace(hour=11)
    await bench.reconcile()
    assert bench.controller.overdue == {HELLO: NOW.replace(hour=11, minute=0)}
    cron_job = bench.kube.cron_jobs["hello"]
    cron_job["metadata"]["resourceVersion"] = "1000"
    cron_job["status"] = {"lastScheduleTime": "2026-12-01T11:00:00Z"}
    bench.controller.cache.put(CRON_JOBS, cron_job)
    await bench.reconcile()
    assert bench.controller.overdue == {}
    bench.now = NOW.replace(hour=12)
    await bench.reconcile()
    assert HELLO in bench.controller.overdue
    bench.controller.cache.drop(GRAPHCRONS, made)
    await bench.reconcile()
    assert bench.controller.overdue == {}


async def test_only_a_changed_resource_version_is_queued(bench: Bench) -> None:
    """An event of what is known already, and of a CronJob whose GraphCron nobody has seen, needs no look."""
    bench.controller.start()
    crons, jobs = (ResourceHandler(bench.controller, resource) for resource in (GRAPHCRONS, CRON_JOBS))
    made = bench.make()
    await bench.reconcile()
    jobs.on_add(bench.kube.cron_jobs["hello"])
    crons.on_page([bench.kube.graphcrons["hello"]])
    stranger = {"metadata": owned_by(made) | {"name": "x", "labels": {"graphcron.dev/graphcron": "x"}}}
    jobs.on_add(stranger)
    assert len(bench.controller.queue) == 0
    changed = copy.deepcopy(bench.kube.cron_jobs["hello"])
    changed["metadata"]["resourceVersion"] = "1000"
    jobs.on_update(changed)
    assert len(bench.controller.queue) == 1
