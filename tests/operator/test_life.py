"""When a GraphCron begins and gives up: startTime, maxFailures, jitterSeconds; and the limits of the installation."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.schemas import CronPatch
from graphcron.facade.translation import next_run_date
from graphcron.facade.update import update
from graphcron.firing.order import ORDER_ANNOTATION, Order
from graphcron.operator.cronjob import not_before
from tests.support.world import World, at


def types(world: World) -> list[str]:
    return [condition["type"] for condition in world.graphcron["status"]["conditions"]]


def suspended(world: World) -> bool:
    assert world.cron_job
    return bool(world.cron_job["spec"]["suspend"])


def order(world: World) -> Order:
    assert world.cron_job
    annotations = world.cron_job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"]
    return Order.from_json(annotations[ORDER_ANNOTATION])


class TestStartTime:
    def test_until_then_the_cronjob_is_suspended_and_the_status_says_when_it_starts(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z")
        world.reconcile("10:05")
        assert suspended(world)
        assert world.graphcron["status"]["enabled"] is True
        assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T14:00:00Z"
        message = "Starts at 2026-12-01T14:00:00Z; its first run is due at 2026-12-01T14:00:00Z."
        for kind in ("Ready", "Suspended"):
            condition = world.condition(kind)
            assert (condition["status"], condition["reason"], condition["message"]) == ("True", "NotStarted", message)
        assert world.decide("10:05").wake_at == at("13:58")

    def test_it_is_resumed_a_little_before_and_nothing_due_from_then_on_is_too_old(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z")
        world.reconcile("10:05")
        world.reconcile("13:58")
        assert not suspended(world)
        assert not_before(world.cron_job or {}) is None
        assert order(world).start_time == "2026-12-01T14:00:00Z"
        assert "Suspended" not in types(world)
        assert world.condition("Ready")["reason"] == "Scheduled"

    @pytest.mark.parametrize(
        ("start", "reason"), [("0001-01-01T00:00:00Z", "Scheduled"), ("9999-12-31T23:59:59Z", "Expired")]
    )
    def test_it_may_be_at_either_end_of_the_calendar(self, world: World, start: str, reason: str) -> None:
        world.edit(startTime=start)
        world.reconcile("10:05")
        assert world.condition("Ready")["reason"] == reason

    def test_the_calendar_may_end_before_five_firings(self) -> None:
        world = World(schedule="0 0 29 2 fri#5", startTime="9960-01-01T00:00:00Z")
        world.reconcile("10:05")
        assert world.graphcron["status"]["nextRunTimes"] == ["9980-02-29T00:00:00Z"]

    def test_an_operator_that_slept_through_it_lets_the_first_run_come_late(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z")
        world.reconcile("10:05")
        world.reconcile("14:20")
        assert not suspended(world)
        assert not_before(world.cron_job or {}) is None

    def test_what_it_then_does_hangs_on_no_reason_that_another_version_wrote(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z")
        world.reconcile("10:05")
        for condition in world.graphcron["status"]["conditions"]:
            condition["reason"] = "OfAnotherAge"
        world.reconcile("14:20")
        assert not_before(world.cron_job or {}) is None

    def test_a_cronjob_suspended_by_hand_catches_up_on_nothing(self, world: World) -> None:
        world.edit(startTime="2026-12-01T09:00:00Z")
        world.reconcile("10:05")
        assert world.cron_job
        world.cron_job["spec"]["suspend"] = True
        world.reconcile("14:20")
        assert not suspended(world)
        assert not_before(world.cron_job) == at("14:20")

    def test_an_edit_after_it_leaves_past_times_alone(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z")
        world.reconcile("10:05")
        world.edit(schedule="30 * * * *")
        world.reconcile("14:40")
        assert not_before(world.cron_job or {}) == at("14:40")

    def test_resuming_after_it_leaves_past_times_alone(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z", enabled=False)
        world.reconcile("10:05")
        world.edit(enabled=True)
        world.reconcile("14:40")
        assert not_before(world.cron_job or {}) == at("14:40")

    def test_with_no_firing_before_it_nothing_has_to_be_suspended(self, world: World) -> None:
        """Then the first firing is on time though the operator is down."""
        world.edit(schedule="0 14 * * *", startTime="2026-12-01T13:30:00Z")
        world.reconcile("10:05")
        assert not suspended(world)
        assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T14:00:00Z"

    def test_one_that_is_past_changes_nothing(self, world: World) -> None:
        world.edit(startTime="2026-12-01T09:00:00Z")
        world.reconcile("10:05")
        assert not suspended(world)
        assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T11:00:00Z"

    def test_nothing_between_start_and_end_is_expired(self, world: World) -> None:
        world.edit(startTime="2026-12-01T14:10:00Z", endTime="2026-12-01T14:50:00Z")
        world.reconcile("10:05")
        assert suspended(world)
        assert [world.condition(kind)["reason"] for kind in ("Ready", "Suspended", "Expired")] == ["Expired"] * 3

    @pytest.mark.parametrize("end", ["2026-12-01T14:00:00Z", "2026-12-01T15:00:00+01:00", "2026-12-01T13:00:00Z"])
    def test_it_must_be_before_the_end(self, world: World, end: str) -> None:
        world.edit(startTime="2026-12-01T14:00:00Z", endTime=end)
        world.reconcile("10:05")
        assert world.condition("Ready")["message"] == "spec: startTime must be before endTime"

    def test_the_rest_api_has_the_first_run_after_it(self) -> None:
        spec: dict[str, Any] = {"schedule": "0 * * * *", "startTime": "2026-12-01T14:00:00Z"}
        assert next_run_date({"metadata": {}, "spec": spec}, at("10:05")) == "2026-12-01T14:00:00+00:00"
        ended = spec | {"endTime": "2026-12-01T14:00:00Z"}
        assert next_run_date({"metadata": {}, "spec": ended}, at("10:05")) is None


def failed(world: World, due: str) -> None:
    world.fire(due, "Failed", json.dumps({"outcome": "Failed", "reason": "RunError", "message": "no"}))


def succeeded(world: World, due: str) -> None:
    world.fire(due, "Complete", json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"}))


class TestMaxFailures:
    @pytest.fixture
    def given_up(self, world: World) -> World:
        """Two failures in a row, and two are the limit."""
        world.edit(maxFailures=2)
        world.reconcile("10:05")
        failed(world, "11:00")
        world.reconcile("11:01")
        assert not suspended(world)
        failed(world, "12:00")
        world.reconcile("12:01")
        return world

    def test_suspends_after_so_many_failures_in_a_row_and_says_what_to_do(self, given_up: World) -> None:
        assert suspended(given_up)
        assert given_up.graphcron["status"]["consecutiveFailures"] == 2
        assert given_up.graphcron["status"]["nextRunTimes"] == []
        assert given_up.graphcron["status"]["enabled"] is False
        for kind, value in (("Ready", "False"), ("Stalled", "True"), ("Suspended", "True")):
            assert (given_up.condition(kind)["status"], given_up.condition(kind)["reason"]) == (
                value,
                "MaxFailuresReached",
            )
        assert "Any change of the spec resumes it" in given_up.condition("Ready")["message"]
        assert given_up.events.count("Warning MaxFailuresReached") == 1

    def test_the_rest_api_has_no_next_run(self, given_up: World) -> None:
        assert next_run_date(given_up.graphcron, at("12:30")) is None
        given_up.edit(input={"mended": True})
        assert next_run_date(given_up.graphcron, at("12:30")) is not None

    def test_enabling_it_by_rest_resumes_it_whenever_it_was_suspended(self, given_up: World) -> None:
        """It is enabled already, so nothing of its spec changes."""
        given_up.graphcron["spec"]["enabled"] = True
        for hour in (13, 15):
            resumed = update(given_up.graphcron, CronPatch(enabled=True), at(f"{hour}:00")).draft.manifest
            assert resumed["spec"] == given_up.graphcron["spec"]
            given_up.graphcron["metadata"] = resumed["metadata"]
            assert next_run_date(given_up.graphcron, at(f"{hour}:00")) is not None
            given_up.reconcile(f"{hour}:01")
            assert not suspended(given_up)
            assert next_run_date(given_up.graphcron, at(f"{hour}:01")) is not None
            for due in (f"{hour}:30", f"{hour}:40"):
                failed(given_up, due)
                given_up.reconcile(f"{due[:-1]}5")
            assert suspended(given_up)
            assert next_run_date(given_up.graphcron, at(f"{hour}:50")) is None

    def test_stays_so_when_the_jobs_are_gone_and_the_operator_was_restarted(self, given_up: World) -> None:
        given_up.jobs.clear()
        given_up.pods.clear()
        given_up.writes.clear()
        given_up.reconcile("13:00")
        assert suspended(given_up)
        assert given_up.writes == []

    def test_a_change_of_the_spec_resumes_it_and_catches_up_on_nothing(self, given_up: World) -> None:
        given_up.edit(input={"mended": True})
        given_up.reconcile("13:30")
        assert not suspended(given_up)
        assert not_before(given_up.cron_job or {}) == at("13:30")
        assert "consecutiveFailures" not in given_up.graphcron["status"]
        failed(given_up, "14:00")
        given_up.reconcile("14:01")
        assert not suspended(given_up), "the count began anew"

    def test_a_run_by_hand_that_succeeds_resumes_it(self, given_up: World) -> None:
        succeeded(given_up, "13:30")
        given_up.jobs[-1]["metadata"]["name"] = "by-hand"
        given_up.pods[-1]["metadata"]["labels"]["batch.kubernetes.io/job-name"] = "by-hand"
        given_up.reconcile("13:31")
        assert not suspended(given_up)

    def test_a_success_in_between_starts_the_count_anew(self, world: World) -> None:
        world.edit(maxFailures=2)
        world.reconcile("10:05")
        for due, end in (("11:00", failed), ("12:00", succeeded), ("13:00", failed)):
            end(world, due)
            world.reconcile(due[:3] + "01")
        assert not suspended(world)
        assert world.graphcron["status"]["consecutiveFailures"] == 1

    def test_a_skipped_firing_is_no_failure_and_no_success(self, world: World) -> None:
        world.edit(maxFailures=2)
        world.reconcile("10:05")
        failed(world, "11:00")
        world.fire("12:00", "Complete", json.dumps({"outcome": "Skipped", "reason": "ScheduledBeforeChange"}))
        world.reconcile("12:01")
        assert world.graphcron["status"]["consecutiveFailures"] == 1

    def test_without_it_nothing_gives_up(self, world: World) -> None:
        world.reconcile("10:05")
        for hour in range(11, 23):
            failed(world, f"{hour}:00")
            world.reconcile(f"{hour}:01")
        assert not suspended(world)
        assert world.graphcron["status"]["consecutiveFailures"] == 12


class TestCounts:
    def test_each_firing_counts_once(self, world: World) -> None:
        world.reconcile("10:05")
        assert "firings" not in world.graphcron["status"]
        for hour in range(11, 24):
            (failed if hour % 4 == 0 else succeeded)(world, f"{hour}:00")
            world.reconcile(f"{hour}:01")
            world.reconcile(f"{hour}:02")
        counts = {"succeeded": 10, "failed": 3, "skipped": 0, "missed": 0}
        assert world.graphcron["status"]["firings"] == counts
        world.jobs[:] = world.jobs[:1]  # kept longer than the history reaches
        world.writes.clear()
        world.reconcile("23:30")
        assert (world.graphcron["status"]["firings"], world.writes) == (counts, [])

    def test_many_that_ended_while_the_operator_slept_count_too(self, world: World) -> None:
        world.reconcile("10:05")
        for minute in range(10, 30):
            succeeded(world, f"11:{minute}")
        world.reconcile("11:31")
        assert world.graphcron["status"]["firings"]["succeeded"] == 20
        assert len(world.graphcron["status"]["history"]) == 10


def test_jitter_and_deadline_go_to_the_run_pods_and_the_jobs_own_deadline_comes_later(world: World) -> None:
    world.edit(jitterSeconds=300, activeDeadlineSeconds=600)
    world.reconcile("10:05")
    assert order(world).jitter_seconds == 300
    assert order(world).deadline_seconds == 600
    assert world.cron_job
    assert world.cron_job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 600 + 300 + 60


@pytest.mark.parametrize(
    ("own", "seconds"), [({}, 600), ({"activeDeadlineSeconds": 60}, 60), ({"jitterSeconds": 5}, 605)]
)
def test_who_names_no_deadline_has_that_of_the_installation(world: World, own: dict[str, Any], seconds: int) -> None:
    world.run_pods = replace(world.run_pods, active_deadline_seconds=600)
    world.edit(**own)
    world.reconcile("10:05")
    assert world.cron_job
    assert order(world).deadline_seconds == own.get("activeDeadlineSeconds", 600)
    assert world.cron_job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == seconds + 60


class TestTheLeastInterval:
    @pytest.fixture
    def dense(self, world: World) -> World:
        """Hourly, and the administrator then allows no more than one in two hours."""
        world.reconcile("10:05")
        assert not suspended(world)
        world.least = timedelta(hours=2)
        world.reconcile("10:06")
        return world

    def test_a_denser_schedule_is_suspended_in_the_words_of_the_facade(self, dense: World) -> None:
        assert suspended(dense)
        assert dense.graphcron["status"]["nextRunTimes"] == []
        for kind, value in (("Ready", "False"), ("Stalled", "True"), ("Suspended", "True")):
            assert (dense.condition(kind)["status"], dense.condition(kind)["reason"]) == (value, "TooFrequent")
        with pytest.raises(RestError) as refused:
            Quota(interval=7200).check_schedule(
                update(dense.graphcron, CronPatch(enabled=True), at("10:06")).draft, at("10:06")
            )
        assert dense.condition("Ready")["message"] == f"Suspended: {refused.value.detail}"
        assert dense.events.count("Warning TooFrequent") == 1
        assert next_run_date(dense.graphcron, at("10:06")) is None

    def test_it_stays_so_and_writes_nothing_more(self, dense: World) -> None:
        dense.writes.clear()
        dense.reconcile("11:30")
        assert dense.writes == []

    def test_a_rarer_one_resumes_it_and_catches_up_on_nothing(self, dense: World) -> None:
        dense.edit(schedule="0 */2 * * *")
        dense.reconcile("12:30")
        assert not suspended(dense)
        assert not_before(dense.cron_job or {}) == at("12:30")

    def test_one_that_is_disabled_is_left_in_peace(self, world: World) -> None:
        world.least = timedelta(hours=2)
        world.edit(enabled=False)
        world.reconcile("10:05")
        assert world.condition("Ready")["reason"] == "Paused"
