"""The status says why firings do not start, and for how long."""

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
        overdue(made)
        ended(made)
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
        overdue(made)
        ended(made)
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
