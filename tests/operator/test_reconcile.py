"""The decision: what is applied and what the status says, over the life of a GraphCron."""

from typing import Any

import pytest

from graphcron.firing.order import ORDER_ANNOTATION, Order
from graphcron.operator.cronjob import not_before
from tests.support.world import World, at


def test_a_new_graphcron_costs_two_writes_and_the_next_reconciliation_none(world: World) -> None:
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
    fields: dict[str, Any] = {"f:spec": {"f:concurrencyPolicy": {}}}
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}
    world.cron_job["metadata"]["managedFields"].append(edit)
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
def test_an_edit_of_the_time_makes_past_times_too_old(world: World, edit: dict[str, Any]) -> None:
    world.reconcile("10:05")
    assert world.cron_job
    assert not_before(world.cron_job) is None
    world.edit(**edit)
    world.reconcile("10:40")
    assert not_before(world.cron_job) == at("10:40")
    world.reconcile("10:50")
    assert not_before(world.cron_job) == at("10:40"), "a later look must not move it"


def test_an_edit_of_the_input_leaves_past_times_alone(world: World) -> None:
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


def test_a_scheduled_time_without_a_job_is_noticed(world: World) -> None:
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
    assert world.events == [f"Warning {reason}"]


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
    assert world.events == ["Warning InvalidTimezone", "Normal Scheduled"]


def test_a_spec_that_is_no_object_stalls_too(world: World) -> None:
    world.graphcron["spec"] = None
    world.reconcile("10:05")
    assert world.condition("Ready")["reason"] == "InvalidSpec"


def test_an_unreadable_status_is_written_anew(world: World) -> None:
    world.graphcron["status"] = {"conditions": "from another age"}
    world.reconcile("10:05")
    assert world.condition("Ready")["status"] == "True"


def test_the_order_has_what_the_spec_says() -> None:
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
        "config": {"tags": ["a"], "configurable": {"user": "u", "cron_id": uid, "graphcron_cron": uid}},
        "metadata": {"team": "blue"},
    }
    assert order.thread_id == "0191d9c4-0000-7000-8000-000000000001"
    assert order.keep_thread
    assert order.end_time == "2026-12-31T23:00:00Z"
