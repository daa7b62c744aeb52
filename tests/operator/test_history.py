"""The run history: what Jobs and pods say, and what outlives them."""

import json

from graphcron.firing.outcome import Outcome
from tests.support.world import World

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1", "thread_id": "t1"})
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
    assert status["lastScheduleTime"] == "2026-12-01T11:00:00Z"
    assert status["lastSuccessfulTime"] == "2026-12-01T11:00:09Z"
    assert world.condition("LastRunSucceeded")["status"] == "True"


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
