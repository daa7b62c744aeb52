"""Firings without a running pod: what they hold up is recorded, and they are ended in time."""

import json
from datetime import timedelta

import pytest

from graphcron.operator.starting import to_touch
from tests.support.stuck_jobs import (
    QUOTA,
    SUCCEEDED,
    UNREACHABLE,
    WAITS,
    ended,
    history,
    job,
    overdue,
    ready,
    refused,
    stuck,
)
from tests.support.world import RUNNING, World, at, pod, terminated


class TestForbid:
    @pytest.fixture
    def busy(self, world: World) -> World:
        world.edit(schedule="*/2 * * * *", concurrencyPolicy="Forbid")
        world.reconcile("10:59:30")
        stuck(world)
        refused(world)
        for minute in range(1, 8):
            world.reconcile(f"11:0{minute}:05")
        return world

    def test_what_a_firing_that_does_not_start_holds_up_is_missed_for_that_reason(self, busy: World) -> None:
        assert history(busy) == [("Missed", "NotStarting", "11:02", 2)]
        assert QUOTA in busy.graphcron["status"]["history"][0]["message"]
        assert busy.graphcron["status"]["firings"]["missed"] == 2
        assert busy.graphcron["status"]["firings"]["skipped"] == 0

    def test_all_of_it_is_recorded_when_the_firing_has_been_ended(self, busy: World) -> None:
        busy.reconcile("11:10:05")
        assert busy.ended == [job(busy)]
        ended(busy)
        assert history(busy) == [("Missed", "NotStarting", "11:02", 4), ("Failed", "NotStarting", "11:00", 1)]


class TestReplace:
    def test_one_that_is_replaced_before_it_started_says_why(self, world: World) -> None:
        world.edit(concurrencyPolicy="Replace")
        world.reconcile("10:05")
        stuck(world)
        world.pods = [pod(job(world), "11:00", run=WAITS)]
        world.reconcile("11:02")
        world.jobs[0]["deletedAt"] = "2026-12-01T12:00:00Z"
        world.reconcile("12:00")
        assert history(world) == [("Replaced", "NotStarting", "11:00", 1)]
        assert 'secret "agent-key" not found' in world.graphcron["status"]["history"][0]["message"]
        assert ready(world) == ("False", "NotStarting")
        assert world.events[-1] == "Warning NotStarting"


class TestEnd:
    def test_a_firing_that_does_not_start_in_time_is_ended_and_recorded(self, made: World) -> None:
        stuck(made)
        refused(made)
        made.reconcile("11:01:01")
        assert made.decide("11:09").wake_at == at("11:10:01")
        made.reconcile("11:10:00")
        assert made.ended == []
        made.reconcile("11:10:01")
        assert made.ended == [job(made)]
        made.reconcile("11:10:02")
        assert made.ended == [job(made)], "once"
        ended(made)
        assert history(made) == [("Failed", "NotStarting", "11:00", 1)]
        entry = made.graphcron["status"]["history"][0]
        assert QUOTA in entry["message"]
        assert "600 s" in entry["message"]
        assert made.graphcron["status"]["consecutiveFailures"] == 1
        assert made.condition("LastRunSucceeded")["reason"] == "NotStarting"

    def test_a_pod_whose_image_is_not_pulled_is_no_trouble_until_then(self, made: World) -> None:
        stuck(made)
        made.pods = [pod(job(made), "11:00", run={"waiting": {"reason": "ContainerCreating"}})]
        made.reconcile("11:09")
        assert ready(made) == ("True", "Scheduled")
        made.reconcile("11:10:01")
        assert made.ended == [job(made)]

    def test_without_a_timeout_it_waits_for_ever(self, made: World) -> None:
        made.start_timeout = timedelta()
        stuck(made)
        made.reconcile("11:01:01")
        made.reconcile("23:00")
        assert made.ended == []

    def test_the_oldest_goes_first_and_each_in_its_turn(self, made: World) -> None:
        for due in ("11:00", "11:02"):
            stuck(made, due)
        made.reconcile("11:03:02")
        made.reconcile("11:30")
        made.reconcile("11:30")
        assert made.ended == [job["metadata"]["name"] for job in made.jobs]

    def test_one_that_runs_is_never_ended(self, made: World) -> None:
        made.fire("11:00")
        made.reconcile("23:00")
        assert made.ended == []

    def test_a_job_that_somebody_holds_back_is_told_and_not_ended(self, made: World) -> None:
        """Kueue suspends Jobs, which wait there for hours."""
        stuck(made)
        suspended = {"type": "Suspended", "status": "True", "lastTransitionTime": "2026-12-01T11:00:01Z"}
        made.jobs[0]["status"]["conditions"] = [suspended | {"message": "Job suspended"}]
        made.reconcile("11:02")
        assert made.condition("RunsStarting")["reason"] == "JobSuspended"
        made.reconcile("15:00")
        assert made.ended == []

    def test_a_replacement_after_a_drain_has_its_own_time_though_the_operator_was_moved_too(self, made: World) -> None:
        """A new operator does not know the pod that is gone; its run may go on."""
        stuck(made)
        made.reconcile("15:00")
        assert made.ended == []
        made.pods = [pod(job(made), "15:00", run={"waiting": {"reason": "ContainerCreating"}})]
        made.reconcile("15:01")
        assert made.ended == []

    def test_a_pod_that_started_in_that_very_moment_names_its_run(self, made: World) -> None:
        overdue(made)
        said = json.dumps({"outcome": "Failed", "reason": "PodStopped", "message": "told to stop", "run_id": "r1"})
        made.pods = [pod(job(made), "11:10", run=terminated(75, "11:10:05", said))]
        ended(made)
        entry = made.graphcron["status"]["history"][0]
        assert (entry["reason"], entry["runId"]) == ("NotStarting", "r1")
        assert "run r1 may go on" in entry["message"]

    def test_one_that_succeeded_in_that_very_moment_succeeded(self, made: World) -> None:
        overdue(made)
        made.pods = [pod(job(made), "11:10", run=terminated(0, "11:10:05", SUCCEEDED))]
        ended(made)
        assert history(made)[0][:2] == ("Succeeded", "RunSucceeded")


class TestSidecar:
    """A container of somebody else's that never ends keeps the Job."""

    @staticmethod
    def keep(world: World, code: int, said: str) -> None:
        world.fire("11:00")
        world.pods = [pod(job(world), "11:00", proxy=RUNNING, run=terminated(code, "11:00:30", said))]

    def test_it_is_named(self, made: World) -> None:
        self.keep(made, 0, SUCCEEDED)
        made.reconcile("11:01")
        assert "RunsEnding" not in made.conditions
        assert made.decide("11:01").wake_at == at("11:01:30")
        made.reconcile("11:01:30")
        condition = made.condition("RunsEnding")
        assert (condition["status"], condition["reason"]) == ("False", "SidecarRunning")
        assert condition["message"].endswith("it is kept by what others put into it: proxy")
        assert ready(made) == ("True", "Scheduled")
        assert made.events == ["Warning SidecarRunning"]

    def test_its_job_is_ended_and_the_outcome_stays(self, made: World) -> None:
        self.keep(made, 0, SUCCEEDED)
        made.reconcile("11:01:30")
        made.reconcile("11:10:30")
        assert made.ended == [job(made)]
        ended(made)
        assert history(made) == [("Succeeded", "RunSucceeded", "11:00", 1)]
        assert "RunsEnding" not in made.conditions

    def test_an_attempt_that_no_other_can_follow_is_what_became_of_the_firing(self, made: World) -> None:
        self.keep(made, 75, UNREACHABLE)
        made.reconcile("11:01:30")
        assert history(made) == []
        made.reconcile("11:10:30")
        ended(made)
        assert history(made) == [("Failed", "AgentServerUnreachable", "11:00", 1)]

    def test_what_it_holds_up_is_missed_and_names_it(self, world: World) -> None:
        world.edit(schedule="*/2 * * * *", concurrencyPolicy="Forbid")
        world.reconcile("10:59:30")
        self.keep(world, 0, SUCCEEDED)
        for minute in range(1, 8):
            world.reconcile(f"11:0{minute}:35")
        assert history(world)[0] == ("Missed", "SidecarRunning", "11:02", 2)
        assert "proxy" in world.graphcron["status"]["history"][0]["message"]
        world.job_ends(0, "11:09", "Failed", "DeadlineExceeded")
        world.fire("11:08")
        world.reconcile("11:09")
        assert history(world)[0] == ("Missed", "SidecarRunning", "11:02", 3), "also what nobody looked at before"
        assert world.graphcron["status"]["firings"]["skipped"] == 0


def test_a_spec_that_is_wrong_by_now_ends_firings_all_the_same(made: World) -> None:
    """Its CronJob fires as before the change."""
    stuck(made)
    refused(made)
    made.edit(schedule="nonsense")
    made.reconcile("11:01:01")
    assert made.condition("RunsStarting")["reason"] == "FailedCreate"
    made.reconcile("11:10:01")
    assert made.ended == [job(made)]


class TestTouch:
    """A Job whose pod came and went while the Job controller saw nothing."""

    @staticmethod
    def touched(world: World, now: str) -> list[str]:
        jobs = to_touch(world.observed(asked=True), at(now))
        for one in jobs:
            one["metadata"].setdefault("annotations", {})["graphcron.dev/touched"] = f"2026-12-01T{now}Z"
        return [one["metadata"]["name"] for one in jobs]

    def test_a_job_without_a_pod_is_touched_when_its_controller_waits_no_more(self, made: World) -> None:
        stuck(made)
        made.reconcile("11:01:01")
        assert made.decide("11:01:01").wake_at == at("11:05:31")
        assert self.touched(made, "11:05:30") == []
        assert self.touched(made, "11:05:31") == [job(made)]

    def test_it_is_touched_again_after_two_minutes(self, made: World) -> None:
        stuck(made)
        assert self.touched(made, "11:05:31") == [job(made)]
        assert made.decide("11:05:32").wake_at == at("11:07:31")
        assert self.touched(made, "11:07:30") == []
        assert self.touched(made, "11:07:31") == [job(made)]

    def test_one_whose_controller_says_why_is_left_to_it(self, made: World) -> None:
        stuck(made)
        refused(made)
        assert self.touched(made, "11:08:00") == []

    def test_one_with_a_pod_one_that_is_held_back_and_one_that_is_ended_are_left_alone(self, made: World) -> None:
        for due in ("11:00", "11:02", "11:04"):
            stuck(made, due)
        with_a_pod, held_back, ended = made.jobs
        made.pods = [pod(with_a_pod["metadata"]["name"], "11:00", run=WAITS)]
        suspended = {"type": "Suspended", "status": "True", "lastTransitionTime": "2026-12-01T11:00:01Z"}
        held_back["status"]["conditions"] = [suspended]
        ended["metadata"]["annotations"] = {"graphcron.dev/ended": "NotStarting: enough"}
        assert self.touched(made, "11:30:00") == []

    def test_nothing_is_touched_before_events_were_asked_for(self, made: World) -> None:
        stuck(made)
        assert to_touch(made.observed(), at("11:08")) == []
