"""The controller carries out what is decided: few writes, and errors where they are seen."""

from typing import Any

import pytest

from graphcron.kube.errors import Conflict, Gone, KubeError, NotLeading, Unavailable
from graphcron.kube.resources import BACKFILLS, CRON_JOBS, GRAPHCRONS
from graphcron.operator import controller
from graphcron.operator.reconcile import conclude
from graphcron.operator.work_queue import WorkQueue
from tests.support.backfill_world import backfill
from tests.support.controller_bench import HELLO, LIVE_ON, NOW, WEBHOOK, Bench, edited, owned_by


async def test_reconciling_an_older_copy_writes_nothing_again(bench: Bench) -> None:
    """The watch brings the GraphCron of before our own write: what we wrote counts."""
    old = bench.make()
    await bench.reconcile()
    bench.controller.cache.put(GRAPHCRONS, old)
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello", "status hello"]


async def test_a_sum_that_its_own_status_adds_is_judged_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event comes of what it wrote itself, and the next firing must not be the one that shows the budget used up."""
    bench.make(budget={"tokens": 10_000, "per": "Day"})
    bench.controller.start()
    await bench.reconcile()
    bench.controller.queue = type(bench.controller.queue)()
    day = {"since": "2026-12-01T00:00:00Z", "firings": 1, "tokens": 10_001}

    def with_the_sum(*given: Any) -> tuple[dict[str, Any], list[Any]]:
        status, events = conclude(*given)
        return status | {"spending": {"today": day, "week": day, "month": day}}, events

    monkeypatch.setattr(controller, "conclude", with_the_sum)
    await bench.reconcile()
    assert not bench.kube.cron_jobs["hello"]["spec"]["suspend"]
    assert HELLO in bench.controller.queue
    await bench.reconcile()
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"]
    assert bench.ready["reason"] == "OverBudget"


class TestFailuresInARow:
    """What fails again and again, whatever its status, is in the status in the apiserver's words."""

    @pytest.mark.parametrize(
        "error", [WEBHOOK, Unavailable(0, "no answer"), Conflict(409, "is being deleted"), Gone(410, "gone")]
    )
    async def test_the_third_one_leaves_a_condition_and_the_mend_takes_it_away(
        self, bench: Bench, error: KubeError
    ) -> None:
        await edited(bench, schedule="5 * * * *")
        await self.fails(bench, error, times=2)
        assert bench.kube.writes == []
        await self.fails(bench, error)
        assert bench.kube.writes == ["status hello"]
        assert (bench.ready["status"], bench.ready["reason"]) == ("False", "ReconcileFailed")
        said = f"The operator tries again and again, and fails: {error.message}"
        assert bench.ready["message"] == said + LIVE_ON
        assert bench.kube.events[-1]["message"] == said + LIVE_ON
        await bench.reconcile()
        assert bench.ready["status"] == "True"
        assert "Stalled" not in bench.conditions

    async def test_a_new_graphcron_has_it_too(self, bench: Bench) -> None:
        bench.make()
        await self.fails(bench, WEBHOOK, times=3)
        assert bench.ready["message"].endswith(WEBHOOK.message)
        assert bench.conditions["Stalled"]["status"] == "True"

    async def test_one_change_of_the_message_is_one_write(self, bench: Bench) -> None:
        """A request id or a count of milliseconds is no change; another cause is."""
        await edited(bench, schedule="5 * * * *")
        await self.fails(bench, WEBHOOK, times=5)
        await self.fails(bench, Unavailable(500, WEBHOOK.message.replace("7f3a", "99c1")))
        assert bench.kube.writes == ["status hello"]
        await self.fails(bench, Unavailable(503, "etcdserver: no leader"))
        assert bench.kube.writes == ["status hello"] * 2
        assert "no leader" in bench.ready["message"]

    async def test_a_success_in_between_begins_anew(self, bench: Bench) -> None:
        await edited(bench, schedule="5 * * * *")
        await self.fails(bench, WEBHOOK, times=2)
        await bench.reconcile()
        bench.controller.cache.drop(CRON_JOBS, bench.kube.cron_jobs["hello"])
        bench.kube.cron_jobs.clear()
        bench.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
        await self.fails(bench, WEBHOOK, times=2)
        assert "Stalled" not in bench.conditions

    async def test_its_history_and_counts_stay(self, bench: Bench) -> None:
        await edited(bench, schedule="5 * * * *")
        entry = {
            "scheduledTime": "2026-12-01T10:00:00Z",
            "outcome": "Failed",
            "reason": "RunError",
            "jobName": "hello-1",
        }
        recorded = {"history": [entry], "firings": {"succeeded": 7, "failed": 1, "skipped": 0, "missed": 0}}
        bench.kube.graphcrons["hello"]["status"] |= recorded | {"consecutiveFailures": 1}
        bench.controller.cache.put(GRAPHCRONS, bench.kube.touch("hello"))
        await self.fails(bench, WEBHOOK, times=3)
        status = bench.kube.graphcrons["hello"]["status"]
        assert {name: status[name] for name in recorded} == recorded
        assert status["observedGeneration"] == 2
        assert not {"nextRunTimes", "enabled", "consecutiveFailures"} & status.keys(), "they are of the spec before"

    async def test_a_long_message_is_cut(self, bench: Bench) -> None:
        bench.make()
        await self.fails(bench, Unavailable(500, "x" * 100_000), times=3)
        assert len(bench.ready["message"]) < 1100

    async def test_a_fault_of_ours_is_reported_and_holds_up_nobody(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One in what follows a decision: the decision itself has a guard of its own."""
        bench.make()
        monkeypatch.setattr(bench.kube, "apply_cron_job", None)
        for _ in range(3):
            with pytest.raises(TypeError):
                await bench.reconcile()
        assert bench.ready["reason"] == "InternalError"
        assert "its log has the details" in bench.ready["message"]

    async def test_a_replica_that_does_not_lead_records_nothing(self, bench: Bench) -> None:
        bench.make()
        await self.fails(bench, WEBHOOK, times=2)
        bench.leads = False
        for _ in range(3):
            await bench.reconcile()
        assert bench.kube.writes == []

    async def test_that_it_cannot_be_recorded_either_is_no_other_error(self, bench: Bench) -> None:
        bench.make()
        await self.fails(bench, WEBHOOK, times=2)
        bench.kube.fail = [WEBHOOK, Unavailable(0, "connection refused")]
        with pytest.raises(Unavailable, match="failed calling webhook"):
            await bench.reconcile()

    async def fails(self, bench: Bench, error: KubeError, times: int = 1) -> None:
        for _ in range(times):
            bench.kube.fail = [error]
            with pytest.raises(type(error)):
                await bench.reconcile()


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


async def test_one_that_the_code_trips_over_says_so_and_stalls_alone(bench: Bench) -> None:
    bench.make()
    broken = bench.kube.graphcrons["hello"]
    bench.controller.cache.put(CRON_JOBS, {"metadata": owned_by(broken), "spec": "from another age"})
    await bench.reconcile()
    assert bench.ready["reason"] == "InternalError"
    assert "its log has the details" in bench.ready["message"]


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
        cron_job["metadata"]["generation"] += 1
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
    assert again.kube.writes == (["cronjob hello", "status hello"] if touched else [])
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


async def test_what_a_backfill_used_requeues_its_graphcron_and_is_written_once(bench: Bench) -> None:
    made = bench.make()
    await bench.reconcile()
    bench.kube.writes.clear()
    bench.controller._cron_jobs.applied.clear()  # as after a restart
    bench.controller.start()
    bench.controller.queue = WorkQueue()
    status = {"graphCronUid": made["metadata"]["uid"], "startedAt": "2026-12-01T10:00:00Z", "phase": "Complete"}
    for version, spent in ((1, {"firings": 2, "tokens": 7}), (2, {"firings": 2, "tokens": 7})):
        done = backfill({}) | {"status": status | {"spent": spent}}
        done["metadata"]["resourceVersion"] = str(version)
        bench.backfills.changed(BACKFILLS, done)
        assert (HELLO in bench.controller.queue) == (version == 1)
        bench.controller.queue = WorkQueue()
        await bench.reconcile()
        assert bench.kube.writes == ["status hello"]
    spending = bench.kube.graphcrons["hello"]["status"]["spending"]
    assert (spending["today"]["firings"], spending["month"]["tokens"]) == (2, 7)
