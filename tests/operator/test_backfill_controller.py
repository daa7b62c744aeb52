"""The controller of backfills: each scheduled time once, whatever dies and however late a watch is."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from graphcron.kube.errors import Refused
from graphcron.kube.resources import BACKFILLS
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.quarantine import Suspect
from graphcron.operator.work_queue import WorkQueue
from tests.support.backfill_cluster import BackfillCluster, Killed, play
from tests.support.backfill_world import backfill, slot
from tests.support.extent import Extent

TWO_HUNDRED = {"from": "2026-12-01T00:00:00Z", "to": "2026-12-01T03:20:00Z"}


async def test_killed_at_any_write_it_runs_each_of_two_hundred_scheduled_times_once(extent: Extent) -> None:
    for seed in range(extent.count(30, 4)):
        chance = random.Random(seed)
        parallelism = chance.choice((1, 7, 30))
        spec = TWO_HUNDRED | {"parallelism": parallelism, "order": chance.choice(("OldestFirst", "NewestFirst"))}
        cluster = BackfillCluster(backfill(spec), schedule="* * * * *")
        assert await play(cluster, chance, kills=5) == 5
        assert sorted(cluster.runs) == sorted(slot(f"{minute // 60:02}:{minute % 60:02}") for minute in range(200))
        assert set(cluster.runs.values()) == {1}
        assert cluster.most <= parallelism
        counts = cluster.backfills["again"]["status"]["counts"]
        assert counts["succeeded"] + counts["failed"] == 200


async def test_an_operator_that_sees_an_old_state_runs_nothing_twice() -> None:
    """A new leader, whose watches are behind: its first write is refused, and nothing is created before it."""
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    old = cluster.snapshot()
    await cluster.reconcile()
    cluster.finish(slot("03:00"))
    await cluster.reconcile()
    cluster.remove(slot("03:00"), watched=False)
    cluster.start(old)
    cluster.writes.clear()
    await cluster.reconcile()
    await cluster.reconcile()
    assert set(cluster.writes) == {"conflict"}
    assert cluster.runs[slot("03:00")] == 1


async def test_even_a_state_that_is_as_it_was_written_is_verified_before_a_job_is_created() -> None:
    """The status says whose turn it is, and its Job is missing: it may have run, and be gone."""
    cluster = BackfillCluster(backfill({}))
    cluster.dies = lambda: bool(cluster.writes)
    with pytest.raises(Killed):
        await cluster.reconcile()
    cluster.dies = lambda: False
    cluster.start()
    old = cluster.snapshot()
    await cluster.reconcile()
    cluster.finish(slot("03:00"))
    await cluster.reconcile()
    cluster.remove(slot("03:00"), watched=False)
    cluster.start(old)
    await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1


async def test_a_replica_that_does_not_lead_writes_nothing_and_takes_over_at_once() -> None:
    cluster = BackfillCluster(backfill({}))
    cluster.leads = False
    await cluster.reconcile()
    assert cluster.writes == []
    cluster.leads = True
    cluster.controller.queue = WorkQueue()
    cluster.controller.requeue_skipped()
    assert len(cluster.controller.queue) == 1
    await cluster.reconcile()
    assert cluster.writes == ["status", f"job {slot('03:00')}"]


async def test_a_job_that_was_deleted_while_nobody_watched_is_not_created_again() -> None:
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    await cluster.reconcile()
    cluster.remove(slot("03:00"), watched=False)
    cluster.start()
    await cluster.reconcile()
    assert cluster.backfills["again"]["status"]["firings"][0]["reason"] == "JobDeleted"
    assert cluster.runs[slot("03:00")] == 1


async def test_one_whose_watch_is_late_is_found() -> None:
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    await cluster.reconcile()
    hidden = cluster.jobs
    old = cluster.snapshot()
    old.jobs = {}
    cluster.start(old)
    await cluster.reconcile()
    assert hidden is cluster.jobs
    assert cluster.backfills["again"]["status"]["counts"]["active"] == 1


async def test_a_deleted_backfill_makes_no_further_job() -> None:
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    gone = cluster.backfills.pop("again")
    cluster.finish(slot("03:00"))
    await cluster.reconcile()
    assert cluster.controller.cache.identity(("team", "again")) is None, "the apiserver said so before the watch did"
    cluster.controller.deleted(BACKFILLS, gone)
    await cluster.reconcile()
    assert list(cluster.runs) == [slot("03:00")]


async def test_its_jobs_do_not_count_for_its_graphcron() -> None:
    """Neither its history nor its last and next firing depend on them."""
    cluster = BackfillCluster(backfill({}))
    await cluster.reconcile()
    observed = cluster.graphcrons.of(("team", "hello"))
    assert observed
    assert observed.jobs == ()


async def test_the_next_backfill_of_the_graphcron_begins_when_it_is_over() -> None:
    cluster = BackfillCluster(backfill({}))
    later = backfill({"to": "2026-12-01T10:00:00Z"}, "12:01", "later")
    cluster.backfills["later"] = later
    cluster.controller.changed(BACKFILLS, later)
    await cluster.reconcile(("team", "later"))
    conditions = cluster.backfills["later"]["status"]["conditions"]
    assert conditions[0]["reason"] == "EarlierBackfill"
    cluster.controller.queue = WorkQueue()
    await play(cluster, random.Random(1), kills=0)
    assert cluster.reason.startswith("Completed")
    assert ("team", "later") in cluster.controller.queue
    failed = {
        firing["jobName"] for firing in cluster.backfills["again"]["status"]["firings"] if firing["outcome"] == "Failed"
    }
    cluster.runs.clear()
    for _ in range(30):
        await cluster.reconcile(("team", "later"))
        for name in cluster.unfinished():
            cluster.finish(name)
    assert set(cluster.runs) == failed | {slot("09:00")}


async def test_a_change_of_its_graphcron_concerns_it_until_it_is_over() -> None:
    cluster = BackfillCluster(backfill({}))

    def queued() -> bool:
        cluster.controller.queue = WorkQueue()
        cluster.controller.graphcron_changed(("team", "hello"))
        return ("team", "again") in cluster.controller.queue

    assert queued()
    await play(cluster, random.Random(1), kills=0)
    cluster.start()
    assert not queued()


async def test_a_decision_that_fails_stalls_that_backfill_and_says_so() -> None:
    cluster = BackfillCluster(backfill({}))
    cluster.backfills["again"]["metadata"]["creationTimestamp"] = "yesterday"
    cluster.start()
    await cluster.reconcile()
    assert (cluster.reason, cluster.backfills["again"]["status"]["phase"]) == ("InternalError", "Stalled")
    assert not cluster.runs


async def test_one_on_which_the_operator_died_is_left_alone_and_says_so(tmp_path: Path) -> None:
    cluster = BackfillCluster(backfill({}))
    work = Suspect("team", "again", "uid of again", 1)
    unfinished = CrashMarker(tmp_path, cluster.now).working_on(work)
    unfinished.__enter__()
    cluster.marker = CrashMarker(tmp_path, cluster.now)
    cluster.start()
    for _ in range(2):
        await cluster.reconcile()
    assert (cluster.reason, cluster.writes) == ("Quarantined", ["status"])
    assert "while it worked on this backfill" in cluster.backfills["again"]["status"]["conditions"][0]["message"]
    due = cluster.controller.queue.due_in(("team", "again"))
    assert due is not None
    assert 50 < due <= 60
    cluster.now += timedelta(minutes=2)
    await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1


async def test_a_status_that_the_apiserver_refuses_is_an_event_once_and_tried_again() -> None:
    """The operator may lack a permission."""
    cluster = BackfillCluster(backfill({}))
    cluster.refuses = Refused(403, "cannot patch resource graphcronbackfills/status")
    for _ in range(3):
        with pytest.raises(Refused):
            await cluster.reconcile()
    (event,) = cluster.events
    assert (event["reason"], event["involvedObject"]["name"]) == ("ReconcileFailed", "again")
    assert not cluster.runs
    cluster.refuses = None
    await cluster.reconcile()
    assert cluster.runs[slot("03:00")] == 1
