"""The run history: what Jobs and pods say, and what outlives them."""

import json

import pytest

from graphcron.firing.outcome import Outcome
from tests.support.world import RUNNING, World, pod, terminated

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1", "thread_id": "t1"})
RUN_ERROR = json.dumps({"outcome": "Failed", "reason": "RunError", "message": "no money left", "run_id": "r1"})
UNREACHABLE = json.dumps({"outcome": "Failed", "reason": "AgentServerUnreachable", "message": "connection refused"})


def test_what_a_pod_said_outlives_it(world: World) -> None:
    world.reconcile("10:05")
    said = json.dumps({"outcome": "Failed", "reason": "PodStopped", "run_id": "r1"})
    world.fire("11:00", "Failed", said, reason="DeadlineExceeded")
    world.reconcile("11:01")
    world.pods.clear()
    world.reconcile("11:02")
    entry = world.graphcron["status"]["history"][0]
    assert (entry["reason"], entry["runId"]) == ("DeadlineExceeded", "r1")
    assert "run r1 may go on" in entry["message"]


def test_a_run_that_ended_well_is_history(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    status = world.graphcron["status"]
    (entry,) = status["history"]
    assert entry["scheduledTime"] == "2026-12-01T11:00:00Z"
    assert (entry["outcome"], entry["reason"], entry["runId"], entry["threadId"]) == (
        "Succeeded",
        "RunSucceeded",
        "r1",
        "t1",
    )
    assert "trigger" not in entry, "that of its schedule"
    assert status["lastScheduleTime"] == "2026-12-01T11:00:00Z"
    assert status["lastSuccessfulTime"] == "2026-12-01T11:00:09Z"
    assert world.condition("LastRunSucceeded")["status"] == "True"


def test_a_backfills_firing_is_that_of_its_minute_and_says_so(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Complete", SUCCEEDED)
    world.jobs[0]["spec"] = {"template": {"metadata": {"annotations": {"graphcron.dev/trigger": "Backfill"}}}}
    world.reconcile("11:01")
    (entry,) = world.graphcron["status"]["history"]
    assert (entry["scheduledTime"], entry["trigger"]) == ("2026-12-01T11:00:00Z", "Backfill")


def test_a_deadline_is_named_although_the_pod_said_something_else(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE, reason="DeadlineExceeded")
    world.reconcile("11:01")
    entry = world.graphcron["status"]["history"][0]
    assert entry["reason"] == "DeadlineExceeded"
    assert "could not start?" in entry["message"]


def test_the_pod_that_cancelled_its_run_at_the_deadline_has_the_last_word(world: World) -> None:
    world.reconcile("10:05")
    said = {"outcome": "Failed", "reason": "DeadlineExceeded", "message": "its run was cancelled", "run_id": "r1"}
    world.fire("11:00", "Failed", json.dumps(said), reason="PodFailurePolicy")
    world.fire("12:00", "Failed", json.dumps(said), reason="DeadlineExceeded")
    world.reconcile("12:01")
    for entry in world.graphcron["status"]["history"]:
        assert (entry["reason"], entry["message"], entry["runId"]) == (said["reason"], said["message"], "r1")


def test_a_pod_that_died_without_a_word_leaves_its_last_line(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", "Traceback…\nImportError: no module", reason="BackoffLimitExceeded")
    world.reconcile("11:01")
    entry = world.graphcron["status"]["history"][0]
    assert (entry["reason"], entry["message"]) == ("NoOutcome", "Error: ImportError: no module")


def test_a_skipped_firing_is_no_run(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Complete", json.dumps({"outcome": "Skipped", "reason": "AfterEndTime", "message": "late"}))
    world.reconcile("11:01")
    assert world.graphcron["status"]["history"][0]["outcome"] == "Skipped"
    assert "lastSuccessfulTime" not in world.graphcron["status"]
    assert not any(condition["type"] == "LastRunSucceeded" for condition in world.graphcron["status"]["conditions"])
    assert world.events == ["Normal AfterEndTime"]


def test_history_outlives_its_jobs_and_keeps_ten(world: World) -> None:
    world.reconcile("00:05")
    for hour in range(1, 14):
        world.fire(f"{hour:02}:00", "Complete", SUCCEEDED)
        world.reconcile(f"{hour:02}:01")
        world.jobs.clear()
        world.pods.clear()
    hours = [entry["scheduledTime"][11:13] for entry in world.graphcron["status"]["history"]]
    assert hours == ["13", "12", "11", "10", "09", "08", "07", "06", "05", "04"]


def test_what_a_pod_said_is_not_lost_when_the_pod_goes_before_the_job(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE)
    world.reconcile("11:01")
    world.pods.clear()
    world.reconcile("11:02")
    assert world.graphcron["status"]["history"][0]["reason"] == "AgentServerUnreachable"


def test_a_word_that_comes_after_the_job_ended_is_taken_in(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE)
    late = world.pods.copy()
    world.pods.clear()
    world.reconcile("11:01")
    assert world.graphcron["status"]["history"][0]["reason"] == "NoOutcome"
    world.pods += late
    world.reconcile("11:02")
    assert world.graphcron["status"]["history"][0]["reason"] == "AgentServerUnreachable"


def test_a_firing_on_a_day_that_is_not_meant_is_no_run() -> None:
    """The last day of the month: the CronJob also fires on the 28th to the 30th, and nothing tells of it."""
    world = World(schedule="0 10-12 L * *")
    world.reconcile("10:30")
    assert world.cron_job
    assert world.cron_job["spec"]["schedule"] == "0 10-12 28,29,30,31 * *"
    assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-31T10:00:00Z"
    skipped = Outcome("Skipped", "NotOnThisDay", "the 1st").to_json()
    world.fire("11:00", "Complete", skipped)
    world.fire("12:00", "Complete")  # its pod left no word
    told = len(world.events)
    world.reconcile("12:30")
    status = world.graphcron["status"]
    assert not status.get("history")
    assert "lastScheduleTime" not in status
    assert len(world.events) == told
    assert status["nextRunTimes"][0] == "2026-12-31T10:00:00Z"


def test_a_skip_by_day_leaves_no_history_after_the_schedule_has_changed() -> None:
    world = World(schedule="0 * L * *")
    world.reconcile("10:30")
    world.fire("11:00", "Complete", Outcome("Skipped", "NotOnThisDay", "the 1st").to_json())
    world.edit(schedule="0 * * * *")
    world.reconcile("11:30")
    world.reconcile("11:31")
    assert not world.graphcron["status"].get("history")


def test_a_pod_without_a_word_takes_nothing_away_from_what_is_recorded(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE)
    world.reconcile("11:01")
    world.pods[0]["status"] = {}
    world.reconcile("11:02")
    assert world.graphcron["status"]["history"][0]["reason"] == "AgentServerUnreachable"


class TestSidecars:
    """Containers that others put into the run pod. The kubelet lists containers by name."""

    @pytest.fixture
    def meshed(self, world: World) -> World:
        """The firing of 11:00 is under way."""
        world.reconcile("10:05")
        world.fire("11:00")
        world.reconcile("11:01")
        return world

    @staticmethod
    def job(world: World) -> str:
        return str(world.jobs[0]["metadata"]["name"])

    @pytest.mark.parametrize("other", ["istio_proxy", "zipkin"])
    def test_the_outcome_is_that_of_the_container_run(self, meshed: World, other: str) -> None:
        states = {"run": terminated(0, "11:00:30", SUCCEEDED), other: terminated(0, "11:00:31", "bye")}
        meshed.pods = [pod(self.job(meshed), "11:00", **dict(sorted(states.items())))]
        meshed.job_ends(0, "11:02")
        meshed.reconcile("11:02")
        (entry,) = meshed.graphcron["status"]["history"]
        assert (entry["outcome"], entry["reason"], entry["runId"]) == ("Succeeded", "RunSucceeded", "r1")

    def test_the_last_words_are_those_of_the_container_run(self, meshed: World) -> None:
        meshed.pods = [
            pod(
                self.job(meshed),
                "11:00",
                istio_proxy=terminated(1, "11:00:31", "proxy says bye"),
                run=terminated(137, "11:00:30", "Traceback\nMemoryError"),
            )
        ]
        meshed.job_ends(0, "11:02", "Failed")
        meshed.reconcile("11:02")
        assert meshed.graphcron["status"]["history"][0]["message"] == "Error: MemoryError"

    @pytest.mark.parametrize(
        ("code", "said", "outcome"),
        [(0, SUCCEEDED, "Succeeded"), (10, RUN_ERROR, "Failed")],
    )
    @pytest.mark.parametrize("end", ["Complete", "Failed"])
    def test_a_run_that_is_over_is_recorded_once_though_another_container_never_ends(
        self, meshed: World, code: int, said: str, outcome: str, end: str
    ) -> None:
        """However its Job ends afterwards."""
        meshed.pods = [pod(self.job(meshed), "11:00", proxy=RUNNING, run=terminated(code, "11:00:30", said))]
        meshed.reconcile("11:01")
        (entry,) = meshed.graphcron["status"]["history"]
        assert (entry["outcome"], entry["finishedAt"]) == (outcome, "2026-12-01T11:00:30Z")
        status = meshed.graphcron["status"]
        assert status["firings"][outcome.lower()] == 1
        assert status.get("consecutiveFailures", 0) == (outcome == "Failed")
        meshed.job_ends(0, "11:40", end, "DeadlineExceeded" if end == "Failed" else "")
        meshed.reconcile("11:41")
        meshed.pods.clear()
        meshed.reconcile("11:42")
        (entry,) = meshed.graphcron["status"]["history"]
        assert (entry["outcome"], entry["runId"]) == (outcome, "r1")
        assert meshed.graphcron["status"]["firings"] == status["firings"]
        assert meshed.graphcron["status"].get("consecutiveFailures", 0) == (outcome == "Failed")
        assert meshed.events == ["Warning RunError"] * (outcome == "Failed")

    def test_a_run_that_another_pod_may_do_better_is_not_over(self, meshed: World) -> None:
        meshed.pods = [pod(self.job(meshed), "11:00", proxy=RUNNING, run=terminated(75, "11:00:30", UNREACHABLE))]
        meshed.reconcile("11:01")
        assert "history" not in meshed.graphcron["status"] or not meshed.graphcron["status"]["history"]

    def test_one_without_a_sidecar_is_recorded_when_its_job_ends(self, meshed: World) -> None:
        """One write for both: what the pod says comes a moment earlier."""
        meshed.pods = [pod(self.job(meshed), "11:00", run=terminated(0, "11:00:30", SUCCEEDED))]
        meshed.writes.clear()
        meshed.reconcile("11:01")
        assert meshed.writes == []


class TestDeleted:
    """Jobs that were deleted before they were over."""

    @staticmethod
    def delete(world: World, moment: str) -> None:
        world.jobs[-1]["deletedAt"] = f"2026-12-01T{moment}Z"

    @pytest.fixture
    def replacing(self) -> World:
        world = World(concurrencyPolicy="Replace")
        world.reconcile("10:05")
        world.fire("11:00")
        world.reconcile("11:01")
        return world

    def test_a_firing_that_the_next_one_replaced_is_counted(self, replacing: World) -> None:
        self.delete(replacing, "11:59:58")  # the clocks differ a little
        replacing.reconcile("12:00")
        replacing.jobs.clear()
        replacing.fire("12:00")
        replacing.reconcile("12:01")
        status = replacing.graphcron["status"]
        (entry,) = status["history"]
        assert (entry["outcome"], entry["reason"], entry["scheduledTime"]) == (
            "Replaced",
            "Replaced",
            "2026-12-01T11:00:00Z",
        )
        assert "concurrencyPolicy is Replace" in entry["message"]
        assert status["firings"]["replaced"] == 1
        assert "LastRunSucceeded" not in replacing.conditions
        assert replacing.events == ["Normal Replaced"]

    @pytest.mark.parametrize("schedule", ["@every 1h", "TZ=UTC 0 * * * *", "0 0 31 2 *"])
    def test_a_schedule_of_somebody_else_is_corrected_first(self, replacing: World, schedule: str) -> None:
        """Kubernetes takes schedules that a GraphCron must not have."""
        self.delete(replacing, "11:59:58")
        assert replacing.cron_job
        ours, replacing.cron_job["spec"]["schedule"] = replacing.cron_job["spec"]["schedule"], schedule
        replacing.reconcile("12:00")
        assert replacing.cron_job["spec"]["schedule"] == ours
        (entry,) = replacing.graphcron["status"]["history"]
        assert (entry["outcome"], entry["reason"]) == ("Replaced", "Replaced")

    def test_one_that_somebody_deleted_failed(self, replacing: World) -> None:
        self.delete(replacing, "11:30:00")
        replacing.reconcile("11:30")
        (entry,) = replacing.graphcron["status"]["history"]
        assert (entry["outcome"], entry["reason"]) == ("Failed", "JobDeleted")
        assert "may go on" in entry["message"]

    def test_one_whose_run_was_over_ended_as_it_did(self, replacing: World) -> None:
        name = replacing.jobs[0]["metadata"]["name"]
        replacing.pods = [pod(name, "11:00", run=terminated(0, "11:00:30", SUCCEEDED))]
        self.delete(replacing, "12:00:00")
        replacing.reconcile("12:00")
        assert replacing.graphcron["status"]["history"][0]["outcome"] == "Succeeded"
