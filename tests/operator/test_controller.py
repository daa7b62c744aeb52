"""The controller carries out what is decided: few writes, no foreign CronJob touched, errors where they are seen."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, Gone, KubeError, NotLeading, Refused, Unavailable
from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS, JOBS
from graphcron.operator.controller import Controller
from graphcron.operator.cronjob import Installation, not_before
from graphcron.operator.object_cache import Name
from graphcron.operator.resource_handler import ResourceHandler
from graphcron.operator.run_pod import RunPods
from tests.support.cluster_memory import MemoryCluster

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
HELLO: Name = ("team", "hello")
INSTALLATION = Installation(
    RunPods(image="graphcron:test", server_url="http://agent.example"), start_timeout=timedelta(minutes=10)
)


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

    def edit(self, spec: dict[str, Any]) -> None:
        """Another spec; the watch brings it at once."""
        self.controller.cache.put(GRAPHCRONS, self.kube.edit("hello", spec))

    async def reconcile(self) -> None:
        await self.controller.reconcile(HELLO)

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        conditions = self.kube.graphcrons["hello"]["status"]["conditions"]
        return {condition["type"]: condition for condition in conditions}

    @property
    def ready(self) -> dict[str, Any]:
        return self.conditions["Ready"]


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


LEAST = {"schedule": "0 * * * *", "assistantId": "agent"}
LIVE_ON = ". Until then its CronJob fires as before the change."
PAUSED = ". It is paused all the same: its CronJob is suspended."
TYPED = Refused(500, "failed to create typed patch object (team/hello; batch/v1, Kind=CronJob): .spec.x: not declared")
WEBHOOK = Unavailable(500, 'failed calling webhook "policy.example": context deadline exceeded, request 7f3a')


async def edited(bench: Bench, **spec: Any) -> None:
    """A GraphCron with its CronJob, after an edit of its spec."""
    bench.make()
    await bench.reconcile()
    bench.edit(LEAST | spec)
    bench.kube.writes.clear()


async def test_what_the_cluster_refuses_of_an_edit_says_that_the_old_one_fires_on(bench: Bench) -> None:
    await edited(bench, schedule="5 * * * *")
    bench.kube.fail = [TYPED]
    await bench.reconcile()
    assert bench.kube.writes == ["status hello"]
    assert bench.ready["message"] == f"The cluster refused the CronJob: {TYPED.message}{LIVE_ON}"
    assert "enabled" not in bench.kube.graphcrons["hello"]["status"], "it is not known, and not False"


@pytest.mark.parametrize("refused", [TYPED, Refused(422, "spec.schedule: no")], ids=["500", "422"])
async def test_pausing_works_although_the_cluster_refuses_the_rest_of_the_spec(bench: Bench, refused: Refused) -> None:
    await edited(bench, enabled=False)
    bench.kube.fail = [refused]
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"]
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is True
    assert bench.ready["message"] == f"The cluster refused the CronJob: {refused.message}{PAUSED}"
    assert {"Stalled", "Suspended"} <= bench.conditions.keys()
    bench.kube.fail = [refused]
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"], "once"


async def test_pausing_works_although_the_rest_of_the_spec_is_invalid(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"]
    assert bench.ready["message"] == f"spec.colour: unknown field{PAUSED}"
    assert bench.conditions["Suspended"]["status"] == "True"


async def test_pausing_works_although_a_webhook_fails(bench: Bench) -> None:
    await edited(bench, enabled=False)
    bench.kube.fail = [WEBHOOK]
    with pytest.raises(Unavailable):
        await bench.reconcile()
    assert bench.kube.writes == ["suspend hello"]


async def test_an_invalid_spec_that_is_not_paused_any_more_stays_suspended_and_says_so(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    bench.edit(LEAST | {"colour": "blue"})
    await bench.reconcile()
    assert bench.ready["message"] == "spec.colour: unknown field. Until then its CronJob stays suspended."
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is True


async def test_after_the_mend_a_paused_one_is_applied_in_full_and_resumes_without_catching_up(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    bench.edit(LEAST)
    await bench.reconcile()
    assert bench.ready["status"] == "True"
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is False
    assert not_before(bench.kube.cron_jobs["hello"]) == NOW


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


class TestNotStarting:
    """A Job without a pod, of an hour ago."""

    @pytest.fixture
    async def stuck(self, bench: Bench) -> Bench:
        made = bench.make()
        await bench.reconcile()
        cron_job = bench.kube.cron_jobs["hello"]
        owner = [{"uid": cron_job["metadata"]["uid"], "controller": True}]
        metadata = owned_by(made) | {"name": "hello-29400000", "uid": "job", "ownerReferences": owner}
        times = {"creationTimestamp": "2026-12-01T09:05:00Z", "resourceVersion": "1"}
        bench.controller.cache.put(JOBS, {"metadata": metadata | times, "status": {}})
        bench.kube.refusals = [
            {
                "metadata": {},
                "involvedObject": {"uid": "job"},
                "message": "exceeded quota",
                "lastTimestamp": "2026-12-01T10:04:00Z",
            }
        ]
        bench.kube.writes.clear()
        return bench

    async def test_events_are_asked_for_and_the_status_has_their_words(self, stuck: Bench) -> None:
        await stuck.reconcile()
        assert stuck.kube.reads == ["events team reason=FailedCreate"]
        assert stuck.ready["reason"] == "NotStarting"
        assert "exceeded quota" in stuck.ready["message"]
        assert stuck.kube.writes == ["status hello"]
        assert stuck.controller.queue.due_in(HELLO) == pytest.approx(540, abs=1), "then it is ended"

    async def test_a_replica_that_does_not_lead_asks_nothing_and_ends_nothing(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.leads = False
        stuck.kube.reads.clear()
        await stuck.reconcile()
        assert stuck.kube.reads == []
        assert stuck.kube.writes == ["status hello"]

    async def test_it_is_ended_once_after_a_look_at_its_pods(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        for _ in range(2):
            await stuck.reconcile()
        assert stuck.kube.writes == ["status hello", "job hello-29400000"]
        assert stuck.kube.reads[-1] == "pods of hello-29400000"

    async def test_a_pod_that_started_in_that_very_moment_is_followed(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.pods = [{"status": {"containerStatuses": [{"name": "run", "state": {"running": {}}}]}}]
        await stuck.reconcile()
        assert stuck.kube.writes == ["status hello"]

    async def test_one_that_changed_meanwhile_is_left_to_the_next_reconciliation(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.fail = [Conflict(409, "the object has been modified")]
        await stuck.reconcile()
        await stuck.reconcile()
        assert stuck.kube.writes == ["status hello", "job hello-29400000"]

    async def test_without_the_right_to_end_it_the_rest_goes_on(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.fail = [Refused(403, "jobs.batch is forbidden")]
        await stuck.reconcile()
        assert stuck.controller.queue.due_in(HELLO) == pytest.approx(60, abs=1)


def use_a_mirror(cron_job: dict[str, Any]) -> None:
    """As a policy for registry mirrors, which also rewrites CronJobs."""
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = f"mirror.example/{pod['containers'][0]['image'].removeprefix('mirror.example/')}"


class TestOthersChangeTheCronJob:
    """The image, which makes an event each time."""

    IMAGE = "spec.jobTemplate.spec.template.spec.containers[run].image"

    @staticmethod
    def condition(bench: Bench) -> dict[str, Any] | None:
        conditions = bench.kube.graphcrons["hello"]["status"]["conditions"]
        return next((one for one in conditions if one["type"] == "CronJobModified"), None)

    @staticmethod
    async def mutated_by(bench: Bench, manager: str) -> None:
        """Somebody changes the CronJob and its event comes."""
        cron_job = bench.kube.cron_jobs["hello"]
        use_a_mirror(cron_job)
        steps = "f:spec f:jobTemplate f:spec f:template f:spec f:containers".split()
        fields: dict[str, Any] = {'k:{"name":"run"}': {"f:image": {}}}
        for step in reversed(steps):
            fields = {step: fields}
        cron_job["metadata"]["managedFields"] = [
            {"manager": "graphcron", "operation": "Apply"},
            {"manager": manager, "operation": "Update", "fieldsV1": fields},
        ]
        cron_job["metadata"]["resourceVersion"] = str(int(cron_job["metadata"]["resourceVersion"]) + 1000)
        bench.controller.cache.put(CRON_JOBS, cron_job)
        await bench.reconcile()

    async def test_what_a_webhook_changes_is_told_and_left_also_after_a_restart(self, bench: Bench) -> None:
        bench.kube.mutate = use_a_mirror
        bench.make()
        for number in range(20):
            await bench.reconcile()
            firing = {"active": [{"name": "hello-1"}], "lastScheduleTime": "2026-12-01T10:00:00Z"}
            bench.kube.cron_jobs["hello"]["status"] = firing
            bench.kube.cron_jobs["hello"]["metadata"]["resourceVersion"] = str(1000 + number)
            bench.controller.cache.put(CRON_JOBS, bench.kube.cron_jobs["hello"])
        assert bench.kube.writes == ["cronjob hello", "status hello", "status hello"]
        condition = self.condition(bench)
        assert condition
        assert (condition["status"], condition["reason"]) == ("True", "ChangedByAdmission")
        assert f"{self.IMAGE} (by a mutating webhook or policy)" in condition["message"]
        assert bench.ready["status"] == "True"
        assert [event["reason"] for event in bench.kube.events] == ["ChangedByAdmission"]
        again = Bench()
        again.kube = bench.kube
        again.controller = Controller(cast("Kube", bench.kube), INSTALLATION, clock=lambda: NOW)
        again.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
        again.controller.cache.put(CRON_JOBS, bench.kube.cron_jobs["hello"])
        await again.reconcile()
        assert bench.kube.writes == ["cronjob hello", "status hello", "status hello"]

    async def test_an_edit_of_the_graphcron_reaches_a_cronjob_that_a_webhook_changes(self, bench: Bench) -> None:
        bench.kube.mutate = use_a_mirror
        bench.make()
        await bench.reconcile()
        edited = bench.kube.graphcrons["hello"]
        edited["metadata"] |= {"generation": 2, "resourceVersion": "99"}
        edited["spec"]["schedule"] = "5 * * * *"
        bench.controller.cache.put(GRAPHCRONS, edited)
        await bench.reconcile()
        assert bench.kube.cron_jobs["hello"]["spec"]["schedule"] == "5 * * * *"

    async def test_a_hand_edit_heals_at_once_and_so_does_a_second_one(self, bench: Bench) -> None:
        bench.make()
        await bench.reconcile()
        for _ in range(2):
            await self.mutated_by(bench, "kubectl-edit")
            pod = bench.kube.cron_jobs["hello"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            assert pod["containers"][0]["image"] == "graphcron:test"
        assert self.condition(bench) is None

    async def test_whoever_goes_on_changing_it_is_named_and_corrected_ever_more_rarely(self, bench: Bench) -> None:
        bench.make()
        await bench.reconcile()
        for _ in range(3 * 60 * 2):
            await self.mutated_by(bench, "kyverno")
            bench.now += timedelta(seconds=30)
        applies = bench.kube.writes.count("cronjob hello")
        assert 6 < applies < 15, "in three hours, of 360 changes"
        condition = self.condition(bench)
        assert condition
        assert condition["reason"] == "ChangedByOthers"
        assert f"{self.IMAGE} (by kyverno)" in condition["message"]
        due = bench.controller.queue.due_in(HELLO)
        assert due is not None
        assert due <= 3600, "though no event comes"
        assert bench.kube.writes.count("status hello") < 3 * applies


class TestAdoption:
    """A CronJob of ours without an owner: after a restore, after --cascade=orphan, or when somebody removed it."""

    @pytest.fixture
    async def orphan(self, bench: Bench) -> dict[str, Any]:
        """Of an earlier GraphCron of the name, which is not in the cache any more."""
        bench.make(schedule="5 5 * * *")
        await bench.reconcile()
        bench.controller = Controller(cast("Kube", bench.kube), INSTALLATION, clock=lambda: bench.now)
        bench.kube.graphcrons.clear()
        bench.make(schedule="0 * * * *")
        bench.kube.writes.clear()
        cron_job = bench.kube.cron_jobs["hello"]
        del cron_job["metadata"]["ownerReferences"]
        return cron_job

    async def test_it_is_adopted(self, bench: Bench, orphan: dict[str, Any]) -> None:
        uid = orphan["metadata"]["uid"]
        await bench.reconcile()
        adopted = bench.kube.cron_jobs["hello"]
        owner = adopted["metadata"]["ownerReferences"][0]
        assert (owner["uid"], owner["controller"]) == (bench.kube.graphcrons["hello"]["metadata"]["uid"], True)
        assert adopted["metadata"]["uid"] == uid
        assert adopted["spec"]["schedule"] == "0 * * * *"
        assert bench.ready["status"] == "True"
        assert bench.kube.writes == ["cronjob hello", "status hello"]

    async def test_what_a_restore_wrote_is_taken_over_so_that_it_can_be_removed(
        self, bench: Bench, orphan: dict[str, Any]
    ) -> None:
        """Else a field that the GraphCron has no longer stays as the other manager's."""
        orphan["metadata"]["managedFields"] = [
            {"manager": "velero", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:schedule": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {}},
        ]
        await bench.reconcile()
        assert bench.kube.writes == ["managed fields of hello", "cronjob hello", "status hello"]
        ours, status = bench.kube.taken_over
        assert (ours["manager"], ours["operation"]) == ("graphcron", "Apply")
        assert ours["fieldsV1"] == {"f:spec": {"f:suspend": {}, "f:schedule": {}}}
        assert status["subresource"] == "status"

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": {}},
            {"labels": {"app.kubernetes.io/managed-by": "graphcron", "graphcron.dev/graphcron": "other"}},
            {"ownerReferences": [{"kind": "CronTab", "name": "x", "uid": "y", "controller": True}]},
        ],
    )
    async def test_one_of_somebody_elses_is_not(
        self, bench: Bench, orphan: dict[str, Any], change: dict[str, Any]
    ) -> None:
        orphan["metadata"] |= change
        before = copy.deepcopy(orphan)
        await bench.reconcile()
        assert bench.ready["reason"] == "CronJobNameTaken"
        assert bench.kube.cron_jobs["hello"] == before
