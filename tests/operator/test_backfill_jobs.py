"""The Jobs of backfills: what keeps one from being created is said, and removed where it may be."""

import pytest

from graphcron.kube.errors import Refused, Unavailable
from tests.support.backfill_cluster import BackfillCluster
from tests.support.backfill_world import backfill, slot

OURS = {"app.kubernetes.io/managed-by": "graphcron", "graphcron.dev/graphcron": "hello"}


async def older_job(cluster: BackfillCluster, **labels: str) -> None:
    """A Job of that minute that the schedule, or somebody, made."""
    job = {"metadata": {"name": slot("03:00"), "namespace": "team", "labels": labels, "annotations": {}}, "spec": {}}
    await cluster.create_job("team", job)
    cluster.runs.clear()


async def test_a_refused_job_is_said_with_an_event_and_tried_again() -> None:
    cluster = BackfillCluster(backfill({}))
    cluster.fail = [Refused(403, "exceeded quota: jobs")]
    await cluster.reconcile()
    await cluster.reconcile()
    assert (cluster.reason, cluster.runs[slot("03:00")]) == ("JobRefused", 1), "said, and then created"
    assert cluster.events[-1]["involvedObject"]["kind"] == "GraphCronBackfill"
    assert "exceeded quota" in cluster.events[-1]["message"]
    await cluster.reconcile()
    assert cluster.reason == "Running"


async def test_one_that_stays_refused_is_put_off() -> None:
    cluster = BackfillCluster(backfill({}))
    cluster.fail = [Refused(403, "exceeded quota: jobs")] * 3
    for _ in range(3):
        await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 0
    due = cluster.controller.queue.due_in(("team", "again"))
    assert due is not None
    assert 50 < due <= 60


async def test_an_apiserver_that_is_away_is_an_error_that_the_queue_retries() -> None:
    cluster = BackfillCluster(backfill({}))
    cluster.fail = [Unavailable(503, "etcd is away")]
    with pytest.raises(Unavailable):
        await cluster.reconcile()
    await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1


async def test_an_ended_job_of_the_schedule_goes_and_its_scheduled_time_runs() -> None:
    """Of one that succeeded the history would know."""
    cluster = BackfillCluster(backfill({}))
    await older_job(cluster, **OURS)
    cluster.jobs[slot("03:00")]["status"] = {
        "conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": "2026-12-01T03:01:00Z"}]
    }
    await cluster.reconcile()
    assert f"expiry of {slot('03:00')}" in cluster.writes
    assert cluster.runs[slot("03:00")] == 0
    await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1


async def test_a_running_one_is_waited_for() -> None:
    cluster = BackfillCluster(backfill({}))
    await older_job(cluster, **OURS)
    await cluster.reconcile()
    await cluster.reconcile()
    assert cluster.reason == "OlderJob"
    assert cluster.runs[slot("03:00")] == 0
    due = cluster.controller.queue.due_in(("team", "again"))
    assert due is not None
    assert due <= 3


async def test_somebody_elses_job_is_left_alone_and_the_others_run() -> None:
    cluster = BackfillCluster(backfill({}))
    await older_job(cluster, app="theirs")
    for _ in range(3):
        await cluster.reconcile()
    assert cluster.backfills["again"]["status"]["firings"][0]["reason"] == "JobNameTaken"
    assert slot("03:00") in cluster.jobs
    assert cluster.runs[slot("04:00")] == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_its_own_job_that_no_watch_has_brought_is_taken_for_what_it_is(ended: bool) -> None:
    """Killed before the status knew of it; a new leader's watch of Jobs is late. It neither goes nor waits."""
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    if ended:
        cluster.finish(slot("03:00"))
    late = cluster.snapshot()
    late.jobs = {}
    cluster.start(late)
    for _ in range(3):
        await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1
    assert f"expiry of {slot('03:00')}" not in cluster.writes
    assert cluster.reason == "Running"
    counts = cluster.backfills["again"]["status"]["counts"]
    assert (counts["succeeded"], counts["active"]) == (1 if ended else 0, 1)
