"""The decision: what is applied and what the status says, over the life of a GraphCron."""

import json
from typing import Any

import pytest

from graphcron.firing.order import ORDER_ANNOTATION, Order
from graphcron.firing.outcome import Outcome
from graphcron.operator.cronjob import not_before
from tests.support.world import World, at

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1", "thread_id": "t1"})
UNREACHABLE = json.dumps({"outcome": "Failed", "reason": "AgentServerUnreachable", "message": "connection refused"})


def test_a_new_graphcron_costs_two_writes_and_the_next_look_none(world: World) -> None:
    world.reconcile("10:05")
    assert world.writes == ["cronjob", "status"]
    world.reconcile("10:20")
    assert world.writes == ["cronjob", "status"]


def test_its_status_says_when_it_fires(world: World) -> None:
    world.reconcile("10:05")
    status = world.graphcron["status"]
    assert status["nextRunTimes"] == [f"2026-12-01T{hour}:00:00Z" for hour in (11, 12, 13, 14, 15)]
    assert (status["timezone"], status["enabled"], status["observedGeneration"]) == ("Etc/UTC", True, 1)
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Scheduled")
    assert ready["message"] == "Fires at '0 * * * *' in Etc/UTC."


def test_a_hand_edit_heals_and_what_is_not_ours_stays(world: World) -> None:
    world.reconcile("10:05")
    assert world.cron_job
    world.cron_job["metadata"]["labels"]["team"] = "blue"
    world.cron_job["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = 5
    assert world.decide("10:06").apply is None
    world.cron_job["spec"]["concurrencyPolicy"] = "Forbid"
    healed = world.decide("10:06").apply
    assert healed
    assert healed["spec"]["concurrencyPolicy"] == "Allow"


def test_a_dropped_field_is_applied_although_the_live_object_has_all_the_rest(world: World) -> None:
    world.edit(template={"nodeSelector": {"disk": "ssd"}})
    world.reconcile("10:05")
    del world.graphcron["spec"]["template"]
    applied = world.decide("10:06").apply
    assert applied
    assert "nodeSelector" not in applied["spec"]["jobTemplate"]["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    "edit", [{"schedule": "30 * * * *"}, {"timezone": "Asia/Kolkata"}], ids=["schedule", "timezone"]
)
def test_an_edit_of_the_time_makes_past_slots_too_old(world: World, edit: dict[str, Any]) -> None:
    world.reconcile("10:05")
    assert world.cron_job
    assert not_before(world.cron_job) is None
    world.edit(**edit)
    world.reconcile("10:40")
    assert not_before(world.cron_job) == at("10:40")
    world.reconcile("10:50")
    assert not_before(world.cron_job) == at("10:40"), "a later look must not move it"


def test_an_edit_of_the_input_leaves_past_slots_alone(world: World) -> None:
    world.reconcile("10:05")
    world.edit(input={"messages": []})
    world.reconcile("10:40")
    assert world.cron_job
    assert not_before(world.cron_job) is None


def test_resuming_does_not_catch_up(world: World) -> None:
    world.edit(enabled=False, pauseReason="budget")
    world.reconcile("10:05")
    assert world.cron_job
    assert world.cron_job["spec"]["suspend"] is True
    assert world.graphcron["status"]["nextRunTimes"] == []
    assert world.graphcron["status"]["enabled"] is False
    assert world.condition("Ready")["message"] == "Paused: budget. Set spec.enabled to true to resume."
    world.edit(enabled=True)
    world.reconcile("12:30")
    assert world.cron_job["spec"]["suspend"] is False
    assert not_before(world.cron_job) == at("12:30")
    assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T13:00:00Z"


def test_after_the_last_firing_before_end_time_it_is_suspended(world: World) -> None:
    world.edit(endTime="2026-12-01T12:30:00Z")
    world.reconcile("10:05")
    assert world.graphcron["status"]["nextRunTimes"] == ["2026-12-01T11:00:00Z", "2026-12-01T12:00:00Z"]
    world.fire("12:00")
    world.reconcile("12:01")
    assert world.cron_job
    assert world.cron_job["spec"]["suspend"] is True
    assert world.condition("Ready")["reason"] == "Expired"


def test_a_late_last_firing_is_not_suspended_away(world: World) -> None:
    """The controller manager may be late: until the deadline has passed, the slot may still fire."""
    world.edit(endTime="2026-12-01T12:30:00Z", startingDeadlineSeconds=600)
    world.reconcile("10:05")
    world.fire("11:00")
    world.reconcile("12:05")
    assert world.cron_job
    assert world.cron_job["spec"]["suspend"] is False
    assert world.decide("12:05").wake_at == at("12:06")
    world.reconcile("12:31")
    assert world.cron_job["spec"]["suspend"] is True


def test_a_slot_that_makes_no_job_is_noticed(world: World) -> None:
    """Forbid passes over slots while a run goes on, and nothing of the CronJob changes: no event tells."""
    world.reconcile("10:05")
    assert world.decide("10:05").wake_at == at("11:00:30")
    world.reconcile("11:01")
    assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T12:00:00Z"
    assert world.decide("11:01").wake_at == at("11:02")


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59+05:00"])
def test_an_end_of_time_as_end_time_is_no_trouble(world: World, end: str) -> None:
    world.edit(endTime=end)
    world.reconcile("10:05")
    assert world.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
def test_a_time_that_utc_does_not_have_stalls(world: World, end: str) -> None:
    world.edit(endTime=end)
    world.reconcile("10:05")
    assert world.condition("Ready")["message"] == "spec.endTime: must lie between the years 1 and 9999 in UTC"


def test_a_run_pod_that_cannot_start_says_why(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    message = 'secret "agent-key" not found'
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    world.pods[0]["status"] = {"containerStatuses": [{"state": waiting}]}
    world.reconcile("11:01")
    condition = world.condition("RunsStarting")
    assert (condition["status"], condition["reason"]) == ("False", "CreateContainerConfigError")
    assert message in condition["message"]
    assert world.told == ["Warning CreateContainerConfigError"]
    world.pods.clear()
    world.reconcile("11:02")
    assert "RunsStarting" not in world.conditions


def test_a_run_pod_whose_volumes_are_not_there_after_a_minute_says_where_to_look(world: World) -> None:
    """Only its events would tell what is missing, and nothing happens to it any more."""
    world.reconcile("10:05")
    world.fire("11:00", said="")
    unready = {"type": "PodReadyToStartContainers", "status": "False"}
    creating = [{"state": {"waiting": {"reason": "ContainerCreating"}}}]
    started = "2026-12-01T11:00:02Z"
    status = {"phase": "Pending", "startTime": started, "conditions": [unready], "containerStatuses": creating}
    world.pods[0]["status"] = status
    world.reconcile("11:00:30")
    assert "RunsStarting" not in world.conditions
    assert world.decide("11:00:30").wake_at == at("11:01:02")
    world.reconcile("11:01:02")
    condition = world.condition("RunsStarting")
    assert (condition["status"], condition["reason"]) == ("False", "ContainerCreating")
    assert "spec.inputFrom" in condition["message"]
    assert f"kubectl describe pod {world.pods[0]['metadata']['name']}" in condition["message"]
    writes = len(world.writes)
    world.reconcile("11:20")
    assert len(world.writes) == writes, "it is told once"
    world.pods[0]["status"] |= {"conditions": [unready | {"status": "True"}]}
    world.reconcile("11:21")
    assert "RunsStarting" not in world.conditions


def test_a_run_pod_that_pulls_its_image_for_long_is_no_trouble(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    ready = {"type": "PodReadyToStartContainers", "status": "True"}
    world.pods[0]["status"] = {"phase": "Pending", "startTime": "2026-12-01T11:00:02Z", "conditions": [ready]}
    world.reconcile("11:10")
    assert "RunsStarting" not in world.conditions


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


def test_an_end_time_in_the_past_never_fires(world: World) -> None:
    world.edit(endTime="2026-12-01T09:00:00Z")
    world.reconcile("10:05")
    assert world.cron_job
    assert world.cron_job["spec"]["suspend"] is True


INVALID = {
    "a schedule": ({"schedule": "61 * * * *"}, "InvalidSchedule", "'61' is no valid minute"),
    "a zone": ({"timezone": "Mars/Phobos"}, "InvalidTimezone", "Invalid timezone: 'Mars/Phobos'"),
    "both inputs": (
        {"input": {}, "inputFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        "InvalidSpec",
        "input and inputFrom exclude each other",
    ),
    "a field of a newer version": ({"colour": 5}, "InvalidSpec", "spec.colour: unknown field"),
    "an input too large for a pod": ({"input": "x" * 300_000}, "RequestTooLarge", "spec.inputFrom"),
}


@pytest.mark.parametrize(("edit", "reason", "message"), INVALID.values(), ids=INVALID)
def test_what_cannot_be_scheduled_stalls_and_makes_no_cronjob(
    world: World, edit: dict[str, Any], reason: str, message: str
) -> None:
    world.edit(**edit)
    world.reconcile("10:05")
    assert world.cron_job is None
    for kind, value in (("Ready", "False"), ("Stalled", "True")):
        assert world.condition(kind)["status"] == value
        assert world.condition(kind)["reason"] == reason
        assert message in world.condition(kind)["message"]
    assert world.told == [f"Warning {reason}"]


def test_when_a_good_one_turns_bad_its_cronjob_stays_and_the_status_says_so(world: World) -> None:
    world.reconcile("10:05")
    world.edit(timezone="Mars/Phobos")
    world.reconcile("10:06")
    assert world.cron_job
    assert world.cron_job["spec"]["timeZone"] == "Etc/UTC"
    assert world.condition("Ready")["message"].endswith("Until then its CronJob fires as before the change.")
    world.edit(timezone="Asia/Tokyo")
    world.reconcile("10:07")
    assert world.condition("Ready")["status"] == "True"
    assert world.told == ["Warning InvalidTimezone", "Normal Scheduled"]


def test_a_spec_that_is_no_object_stalls_too(world: World) -> None:
    world.graphcron["spec"] = None
    world.reconcile("10:05")
    assert world.condition("Ready")["reason"] == "InvalidSpec"


def test_an_unreadable_status_is_written_anew(world: World) -> None:
    world.graphcron["status"] = {"conditions": "from another age"}
    world.reconcile("10:05")
    assert world.condition("Ready")["status"] == "True"


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


def test_a_failed_run_says_why_once(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE, reason="PodFailurePolicy")
    world.reconcile("11:01")
    world.reconcile("11:02")
    assert world.graphcron["status"]["history"][0]["message"] == "connection refused"
    assert world.condition("LastRunSucceeded")["reason"] == "AgentServerUnreachable"
    assert world.told == ["Warning AgentServerUnreachable"]


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
    assert world.told == ["Normal AfterEndTime"]


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


def test_a_condition_keeps_its_time_until_its_status_changes(world: World) -> None:
    world.reconcile("10:05")
    world.edit(schedule="5 * * * *")
    world.reconcile("10:06")
    assert world.condition("Ready")["lastTransitionTime"] == "2026-12-01T10:05:00Z"
    assert world.condition("Ready")["observedGeneration"] == 2


def test_the_order_tells_the_run_pod_what_the_spec_says() -> None:
    world = World(
        schedule="0 9 * * 7",
        threadId="0191d9c4-0000-7000-8000-000000000001",
        input={"n": 2**53 + 1, "text": "$(HOME) \"'\n🌍"},
        config={"tags": ["a"], "configurable": {"user": "u"}},
        metadata={"team": "blue"},
        onRunCompleted="keep",
        endTime="2027-01-01T00:00:00+01:00",
    )
    applied = world.decide("10:05").apply
    assert applied
    assert applied["spec"]["schedule"] == "0 9 * * 0"
    template = applied["spec"]["jobTemplate"]["spec"]["template"]
    order = Order.from_json(template["metadata"]["annotations"][ORDER_ANNOTATION])
    uid = world.graphcron["metadata"]["uid"]
    assert order.request == {
        "assistant_id": "agent",
        "input": {"n": 2**53 + 1, "text": "$(HOME) \"'\n🌍"},
        "config": {"tags": ["a"], "configurable": {"user": "u", "cron_id": uid}},
        "metadata": {"team": "blue"},
    }
    assert order.thread_id == "0191d9c4-0000-7000-8000-000000000001"
    assert order.keep_thread
    assert order.end_time == "2026-12-31T23:00:00Z"


def test_a_slot_on_a_day_that_is_not_meant_is_no_run() -> None:
    """The last day of the month: the CronJob also fires on the 28th to the 30th, and nothing tells of it."""
    world = World(schedule="0 10-12 L * *")
    world.reconcile("10:30")
    assert world.cron_job
    assert world.cron_job["spec"]["schedule"] == "0 10-12 28,29,30,31 * *"
    assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-31T10:00:00Z"
    skipped = Outcome("Skipped", "NotOnThisDay", "the 1st").to_json()
    world.fire("11:00", "Complete", skipped)
    world.fire("12:00", "Complete")  # its pod left no word
    told = len(world.told)
    world.reconcile("12:30")
    status = world.graphcron["status"]
    assert not status.get("history")
    assert "lastScheduleTime" not in status
    assert len(world.told) == told
    assert status["nextRunTimes"][0] == "2026-12-31T10:00:00Z"


def test_a_skip_by_day_leaves_no_history_after_the_schedule_has_changed() -> None:
    world = World(schedule="0 * L * *")
    world.reconcile("10:30")
    world.fire("11:00", "Complete", Outcome("Skipped", "NotOnThisDay", "the 1st").to_json())
    world.edit(schedule="0 * * * *")
    world.reconcile("11:30")
    world.reconcile("11:31")
    assert not world.graphcron["status"].get("history")
