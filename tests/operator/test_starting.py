"""Firings without a running pod: told in the cluster's words, recorded, and ended in time."""

import json
from datetime import timedelta

import pytest

from graphcron.operator.observed import CreateFailure
from tests.support.world import RUNNING, World, at, pod, terminated

QUOTA = 'pods "hello-" is forbidden: failed quota: compute: must specify limits.cpu for: run'
SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1"})
UNREACHABLE = json.dumps({"outcome": "Failed", "reason": "AgentServerUnreachable", "message": "connection refused"})
WAITS = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "agent-key" not found'}}


def job(world: World) -> str:
    return str(world.jobs[-1]["metadata"]["name"])


def stuck(world: World, due: str = "11:00") -> None:
    """A Job without a pod."""
    world.fire(due)
    world.pods = [pod for pod in world.pods if not pod["metadata"]["name"].startswith(job(world))]


def refused(world: World, moment: str = "11:00:02", uid: str = "") -> None:
    """The Job controller says why it could not make the pod of the last Job."""
    world.create_failures[uid or job(world)] = CreateFailure(at(moment), QUOTA)


def ready(world: World) -> tuple[str, str]:
    condition = world.condition("Ready")
    return condition["status"], condition["reason"]


def history(world: World) -> list[tuple[str, str, str, int]]:
    return [
        (entry["outcome"], entry["reason"], entry["scheduledTime"][11:16], entry.get("count", 1))
        for entry in world.graphcron["status"].get("history", [])
    ]


@pytest.fixture
def made(world: World) -> World:
    world.reconcile("10:05")
    return world


class TestNotStarting:
    def test_a_job_without_a_pod_for_a_minute_says_why(self, made: World) -> None:
        stuck(made)
        refused(made)
        made.reconcile("11:00:30")
        assert ready(made) == ("True", "Scheduled")
        assert made.asked == 0, "most pods are made in time"
        assert made.decide("11:00:30").wake_at == at("11:01:01")
        made.reconcile("11:01:01")
        assert ready(made) == ("False", "NotStarting")
        assert QUOTA in made.condition("Ready")["message"]
        assert made.condition("RunsStarting")["reason"] == "FailedCreate"
        assert made.condition("RunsStarting")["message"] == f"Job {job(made)}: {QUOTA}"
        assert "Stalled" not in made.conditions, "its spec is all right"
        assert made.events == ["Warning FailedCreate"]
        made.writes.clear()
        made.reconcile("11:02")
        assert made.writes == [], "it is told once"

    def test_one_of_which_no_event_tells_points_at_the_controllers(self, made: World) -> None:
        stuck(made)
        refused(made, "09:00:00")  # of another Job, long ago
        made.reconcile("11:01:01")
        assert made.condition("RunsStarting")["reason"] == "NoPod"
        assert "controller manager" in made.condition("RunsStarting")["message"]

    def test_a_pod_that_cannot_start_says_why(self, made: World) -> None:
        stuck(made)
        made.pods = [pod(job(made), "11:00", run=WAITS)]
        made.reconcile("11:01:01")
        assert ready(made) == ("False", "NotStarting")
        assert 'secret "agent-key" not found' in made.condition("Ready")["message"]
        assert made.asked == 0, "the pod's status says it"

    def test_a_pod_without_a_node_says_why(self, made: World) -> None:
        stuck(made)
        waits = pod(job(made), "11:00")
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
        waits["status"] = {"phase": "Pending", "conditions": [scheduled]}
        made.pods = [waits]
        made.reconcile("11:01:01")
        assert made.condition("RunsStarting")["reason"] == "Unschedulable"
        assert "0/3 nodes" in made.condition("Ready")["message"]

    def test_the_two_reasons_of_an_image_that_cannot_be_pulled_are_told_once(self, made: World) -> None:
        stuck(made)
        for moment, reason in (("11:01:05", "ErrImagePull"), ("11:02", "ImagePullBackOff"), ("11:03", "ErrImagePull")):
            waiting = {"waiting": {"reason": reason, "message": f"{reason}: access denied"}}
            made.pods = [pod(job(made), "11:00", run=waiting)]
            made.reconcile(moment)
        assert made.events == ["Warning ErrImagePull"]
        assert made.writes.count("status") == 2, "the first, and this"

    def test_an_init_container_that_somebody_injected_is_named(self, made: World) -> None:
        stuck(made)
        waits = pod(job(made), "11:00", run={"waiting": {"reason": "PodInitializing"}})
        waits["status"] |= {"phase": "Pending", "initContainerStatuses": [{"name": "istio-init", "state": RUNNING}]}
        made.pods = [waits]
        made.reconcile("11:01:01")
        assert made.condition("RunsStarting")["reason"] == "PodInitializing"
        assert "istio-init" in made.condition("RunsStarting")["message"]

    def test_it_stays_so_until_a_run_starts(self, made: World) -> None:
        """Also between two firings: an alert must outlast the start timeout."""
        stuck(made)
        refused(made)
        made.reconcile("11:01:01")
        made.reconcile("11:10:01")
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
        assert ready(made) == ("False", "NotStarting")
        assert "RunsStarting" not in made.conditions, "no firing is under way"
        made.reconcile("11:50")
        stuck(made, "12:00")
        made.pods = [pod(job(made), "12:00", run={"waiting": {"reason": "ContainerCreating"}})]
        made.reconcile("12:00:02")
        assert ready(made) == ("False", "NotStarting")
        made.pods = [pod(job(made), "12:00", run=RUNNING)]
        made.reconcile("12:00:03")
        assert ready(made) == ("True", "Scheduled")
        assert made.events[-1] == "Normal Scheduled"

    def test_an_edit_gives_it_the_benefit_of_the_doubt(self, made: World) -> None:
        stuck(made)
        refused(made)
        made.reconcile("11:01:01")
        made.reconcile("11:10:01")
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
        made.edit(template={"resources": {"limits": {"cpu": "1"}}})
        made.reconcile("11:20")
        assert ready(made) == ("True", "Scheduled")
        made.reconcile("11:21")
        assert ready(made) == ("True", "Scheduled")

    def test_a_pause_is_a_pause_whatever_waits(self, made: World) -> None:
        stuck(made)
        made.edit(enabled=False)
        made.reconcile("11:05")
        assert ready(made) == ("True", "Paused")
        assert "RunsStarting" in made.conditions

    def test_the_time_between_a_failed_pod_and_the_next_is_none_of_it(self, made: World) -> None:
        stuck(made)
        failed = pod(job(made), "11:00", run=terminated(75, "11:05:00", UNREACHABLE))
        failed["status"]["phase"] = "Failed"
        made.pods = [failed]
        made.reconcile("11:06:09")
        assert ready(made) == ("True", "Scheduled")
        made.reconcile("11:06:10")
        assert ready(made) == ("False", "NotStarting")

    def test_a_drained_pod_that_is_gone_counts_until_it_was_deleted(self, made: World) -> None:
        stuck(made)
        gone = pod(job(made), "11:00", run=RUNNING)
        made.pods = [gone | {"deletedAt": "2026-12-01T11:30:00Z"}]
        made.reconcile("11:31")
        assert ready(made) == ("True", "Scheduled")
        made.reconcile("11:31:10")
        assert ready(made) == ("False", "NotStarting")

    def test_a_job_that_is_about_to_end_does_not_wait(self, made: World) -> None:
        stuck(made)
        made.pods = [pod(job(made), "11:00", run=terminated(0, "11:00:30", SUCCEEDED))]
        made.reconcile("11:40")
        assert ready(made) == ("True", "Scheduled")


class TestWithoutAJob:
    """A quota on Jobs, or a webhook: only the CronJob's Events tell."""

    def test_a_firing_that_is_late_by_a_minute_says_why(self, made: World) -> None:
        refused(made, uid="cj")
        made.reconcile("11:00:30")
        assert made.asked == 0
        made.reconcile("11:01:00")
        assert ready(made) == ("False", "NotStarting")
        assert made.condition("RunsStarting")["message"] == f"CronJob hello: {QUOTA}"
        assert made.decide("11:01:00").wake_at == at("11:02:00"), "it is tried again, and no event tells of success"

    def test_one_that_is_only_late_is_no_trouble(self, made: World) -> None:
        """A stock controller manager makes some 8.5 Jobs a second."""
        made.reconcile("11:05:00")
        assert ready(made) == ("True", "Scheduled")
        assert "RunsStarting" not in made.conditions

    def test_what_is_missed_has_the_reason(self, world: World) -> None:
        world.edit(startingDeadlineSeconds=10)
        world.reconcile("10:05")
        refused(world, uid="cj")
        world.reconcile("11:01:30")
        assert history(world) == [("Missed", "NotStarting", "11:00", 1)]
        assert QUOTA in world.graphcron["status"]["history"][0]["message"]
        assert ready(world) == ("False", "NotStarting")
        world.reconcile("11:40")
        assert ready(world) == ("False", "NotStarting")

    def test_a_cause_of_before_explains_nothing(self, world: World) -> None:
        world.edit(startingDeadlineSeconds=10)
        world.reconcile("10:05")
        refused(world, "10:00:02", uid="cj")
        world.reconcile("11:01:30")
        assert history(world) == [("Missed", "StartingDeadlinePassed", "11:00", 1)]


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
        busy.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        busy.reconcile("11:11")
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
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
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
        stuck(made)
        refused(made)
        made.reconcile("11:01:01")
        made.reconcile("11:10:01")
        said = json.dumps({"outcome": "Failed", "reason": "PodStopped", "message": "told to stop", "run_id": "r1"})
        made.pods = [pod(job(made), "11:10", run=terminated(75, "11:10:05", said))]
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
        entry = made.graphcron["status"]["history"][0]
        assert (entry["reason"], entry["runId"]) == ("NotStarting", "r1")
        assert "run r1 may go on" in entry["message"]

    def test_one_that_succeeded_in_that_very_moment_succeeded(self, made: World) -> None:
        stuck(made)
        refused(made)
        made.reconcile("11:01:01")
        made.reconcile("11:10:01")
        made.pods = [pod(job(made), "11:10", run=terminated(0, "11:10:05", SUCCEEDED))]
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
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
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
        assert history(made) == [("Succeeded", "RunSucceeded", "11:00", 1)]
        assert "RunsEnding" not in made.conditions

    def test_an_attempt_that_no_other_can_follow_is_what_became_of_the_firing(self, made: World) -> None:
        self.keep(made, 75, UNREACHABLE)
        made.reconcile("11:01:30")
        assert history(made) == []
        made.reconcile("11:10:30")
        made.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
        made.reconcile("11:11")
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
