"""The decision on one backfill: one Job for each scheduled time, and a status that says so."""

import pytest

from graphcron.firing.order import TRIGGER_ANNOTATION
from graphcron.operator.pauses import Pause
from tests.support.backfill_world import BackfillWorld, slot

HOURS = [f"{hour:02}:00" for hour in range(3, 9)]

PAUSE = Pause("The annotation", "Budget is spent")


def test_each_scheduled_time_gets_one_job_the_oldest_first() -> None:
    world = BackfillWorld()
    world.run()
    assert world.created == [slot(time) for time in HOURS]
    assert world.status["progress"] == "6/6"
    assert world.counts == {"slots": 6, "succeeded": 6}
    assert (world.status["phase"], world.complete["status"], world.complete["reason"]) == (
        "Complete", "True", "Completed",
    )  # fmt: skip
    assert [firing["scheduledTime"][11:16] for firing in world.status["firings"]] == HOURS[::-1]
    assert world.status["firings"][0]["runId"] == f"run of {slot('08:00')}"
    assert world.events[-2:] == ["Normal Running", "Normal Completed"]


def test_the_status_says_whose_turn_it_is_before_its_job_is_created() -> None:
    """Killed in between, the next decision creates it, and nothing else."""
    world = BackfillWorld()
    plan = world.plan()
    (active,) = plan.status["active"]
    assert (active["jobName"], [job["metadata"]["name"] for job in plan.create]) == (slot("03:00"), [slot("03:00")])
    world.backfill["status"] = plan.status
    again = world.plan()
    assert again.status == plan.status
    assert again.create == plan.create


def test_a_job_that_is_there_is_not_created_again() -> None:
    world = BackfillWorld()
    world.step()
    for _ in range(3):
        assert world.step().create == ()
    assert world.status["active"][0]["jobUid"] == "uid-1"
    assert world.complete["message"] == "0 of 6 scheduled times are over."


def test_newest_first_begins_at_the_end() -> None:
    world = BackfillWorld({"order": "NewestFirst"})
    world.run()
    assert world.created == [slot(time) for time in HOURS[::-1]]


def test_no_more_run_at_once_than_parallelism_says_and_it_may_change() -> None:
    world = BackfillWorld({"parallelism": 2})
    assert len(world.step().create) == 2
    world.backfill["spec"]["parallelism"] = 4
    world.backfill["metadata"]["generation"] = 2
    assert [job["metadata"]["name"] for job in world.step().create] == [slot("05:00"), slot("06:00")]
    assert world.status["observedGeneration"] == 2
    world.backfill["spec"]["parallelism"] = 1
    world.end(slot("03:00"))
    assert world.step().create == ()


@pytest.mark.parametrize("policy", ["Forbid", "Replace"])
def test_with_another_policy_than_allow_it_waits_for_other_runs_and_has_one(policy: str) -> None:
    world = BackfillWorld({"parallelism": 5}, concurrencyPolicy=policy)
    world.fire("12:00")
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "StillRunning")
    assert policy in world.complete["message"]
    assert world.created == []
    world.job_ends(0, "12:03")
    world.step()
    assert world.created == [slot("03:00")]


def test_with_allow_it_waits_for_no_other_run() -> None:
    world = BackfillWorld()
    world.fire("12:00")
    world.step()
    assert world.created == [slot("03:00")]


def test_its_job_is_the_cronjobs_but_for_owner_and_trigger() -> None:
    world = BackfillWorld()
    (job,) = world.plan().create
    assert world.cron_job
    template = world.cron_job["spec"]["jobTemplate"]["spec"]
    assert job["spec"]["podFailurePolicy"] == template["podFailurePolicy"]
    pod, theirs = job["spec"]["template"], template["template"]
    assert pod["spec"] == theirs["spec"]
    assert pod["metadata"]["annotations"] == theirs["metadata"]["annotations"] | {TRIGGER_ANNOTATION: "Backfill"}
    assert job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-12-01T03:00:00Z"
    for labels in (job["metadata"]["labels"], pod["metadata"]["labels"]):
        assert labels["graphcron.dev/backfill"] == "again"
        assert labels["graphcron.dev/graphcron"] == "hello"
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == (
        "GraphCronBackfill", "again", "uid of again", True,
    )  # fmt: skip


def test_a_failure_is_shown_and_stops_nothing() -> None:
    world = BackfillWorld()
    world.step()
    world.end(slot("03:00"), "Failed", "RunError")
    world.step()
    assert world.status["firings"][0]["reason"] == "RunError"
    world.run()
    assert world.counts == {"slots": 6, "succeeded": 5, "failed": 1}
    assert (world.status["phase"], world.complete["reason"]) == ("Complete", "CompletedWithFailures")
    assert world.events[-1] == "Warning CompletedWithFailures"


def test_what_a_run_pod_skips_and_what_waits_for_input_are_counted_so() -> None:
    world = BackfillWorld({"parallelism": 2})
    world.step()
    world.end(slot("03:00"), "Skipped", "NotOnThisDay")
    world.end(slot("04:00"), "WaitingForInput", "Interrupted")
    world.run()
    assert world.counts == {"slots": 6, "succeeded": 4, "skipped": 1, "waiting": 1}


def test_the_outcome_of_a_pod_that_is_not_observed_yet_is_waited_for() -> None:
    world = BackfillWorld()
    world.step()
    world.end(slot("03:00"))
    late = world.their_pods.pop()
    plan = world.step("12:01")
    assert plan.wake_at
    assert world.counts["active"] == 1
    world.their_pods.append(late)
    world.step("12:01")
    assert world.status["firings"][0]["reason"] == "RunSucceeded"


def test_an_outcome_that_never_comes_is_not_waited_for_any_longer() -> None:
    world = BackfillWorld()
    world.step()
    world.end(slot("03:00"))
    world.their_pods.clear()
    world.step("12:02")
    assert world.status["firings"][0]["reason"] == "NoOutcome"


def test_a_job_that_somebody_deletes_failed_and_is_not_created_again() -> None:
    world = BackfillWorld()
    world.step()
    world.step()
    world.made[0]["deletedAt"] = "2026-12-01T12:00:30Z"
    world.step()
    assert world.status["firings"][0]["reason"] == "JobDeleted"
    world.run()
    assert len(world.created) == len(set(world.created)) == 6


def test_a_job_that_is_missing_is_asked_for_before_it_counts_as_deleted() -> None:
    """Each resource has a watch of its own, and that of the Jobs can be the later one."""
    world = BackfillWorld()
    world.step()
    world.step()
    hidden, world.made = world.made, []
    plan = world.step()
    assert (plan.missing, plan.create) == ((slot("03:00"),), ())
    assert world.counts["active"] == 1
    world.made = hidden
    assert world.step().missing == ()
    world.made, world.absent = [], {slot("03:00")}
    world.step()
    assert world.status["firings"][0]["reason"] == "JobDeleted"
    assert slot("03:00") not in world.created[1:]


def test_jobs_are_kept_as_the_history_limits_say_and_only_once_they_are_recorded() -> None:
    world = BackfillWorld({"parallelism": 3})
    world.step()
    for time in HOURS[:3]:
        world.end(slot(time))
    plan = world.step()
    assert len(plan.expire) == 2, "one is kept, and the recorded others go"


def test_a_job_whose_turn_has_not_come_by_an_old_status_is_not_removed() -> None:
    """By a newer one it has, and its outcome may not be recorded there."""
    old = BackfillWorld()
    old.step()
    world = BackfillWorld({"parallelism": 3})
    world.step()
    for time in HOURS[:3]:
        world.end(slot(time))
    world.backfill = old.backfill
    plan = world.plan()
    assert plan.status["counts"]["succeeded"] == 1
    assert plan.expire == ()


def test_a_stalled_graphcron_is_waited_for() -> None:
    world = BackfillWorld()
    world.edit(timezone="Mars/Base")
    world.step()
    assert world.complete["reason"] == "GraphCronPending", "its status is about the spec before"
    world.reconcile("12:00")
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "GraphCronStalled")
    assert "Mars/Base" in world.complete["message"]
    world.edit(timezone="Etc/UTC")
    world.reconcile("12:00")
    world.run()
    assert len(world.created) == 6


def test_one_that_stalls_meanwhile_gets_no_further_job() -> None:
    world = BackfillWorld()
    world.step()
    world.edit(timezone="Mars/Base")
    world.reconcile("12:00")
    world.end(slot("03:00"))
    world.step()
    assert world.complete["reason"] == "GraphCronStalled"
    assert len(world.created) == 1


def test_while_an_administrator_pauses_it_no_job_is_created_and_then_it_goes_on() -> None:
    world = BackfillWorld()
    world.pause = PAUSE
    world.reconcile("12:00")
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "PausedByAdministrator")
    assert world.complete["message"] == PAUSE.sentence
    assert world.events[-1] == "Normal PausedByAdministrator"
    world.pause = None
    world.reconcile("12:00")
    world.run()
    assert len(world.created) == 6


def test_a_pause_by_an_administrator_comes_between_its_jobs_and_ends_none() -> None:
    """Also before the GraphCron's status says so."""
    world = BackfillWorld()
    world.step()
    world.pause = PAUSE
    plan = world.step()
    assert (plan.create, plan.end) == ((), ())
    assert world.complete["reason"] == "Running", "its Job is under way"
    world.end(slot("03:00"))
    world.step()
    assert (len(world.created), world.complete["reason"]) == (1, "PausedByAdministrator")


@pytest.mark.parametrize("namesake", [False, True])
def test_when_its_graphcron_is_deleted_it_ends_its_jobs_and_itself(namesake: bool) -> None:
    world = BackfillWorld()
    world.step()
    world.step()
    world.there = namesake
    world.graphcron["metadata"]["uid"] = "another"
    plan = world.step()
    assert [end.job["metadata"]["name"] for end in plan.end] == [slot("03:00")]
    world.made[0]["metadata"]["annotations"] = {"graphcron.dev/ended": plan.end[0].because}
    assert world.step().end == ()
    ended = {
        "type": "Failed",
        "status": "True",
        "reason": "DeadlineExceeded",
        "lastTransitionTime": "2026-12-01T12:00:05Z",
    }
    world.made[0]["status"] = {"conditions": [ended]}
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Ended", "GraphCronDeleted")
    assert world.complete["status"] == "False"
    assert world.status["firings"][0]["reason"] == "GraphCronDeleted"
    assert world.counts == {"slots": 6, "remaining": 5, "failed": 1}
    assert world.step().create == ()
    assert len(world.created) == 1


def test_a_turn_without_a_job_is_given_back_when_its_graphcron_is_deleted() -> None:
    world = BackfillWorld()
    world.backfill["status"] = world.plan().status
    world.there = False
    world.step()
    assert world.counts == {"slots": 6, "remaining": 6}


def test_what_the_cluster_refuses_is_said_and_tried_again() -> None:
    world = BackfillWorld({"parallelism": 2})
    plan = world.plan()
    world.backfill["status"] = plan.status
    world.obstacles = {slot("03:00"): ("JobRefused", "The cluster refused Job x: exceeded quota")}
    refused = world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "JobRefused")
    assert refused.wake_at
    assert world.events[-1] == "Warning JobRefused"
    world.obstacles = {}
    world.run()
    assert sorted(set(world.created)) == sorted(slot(time) for time in HOURS)


def test_a_name_that_somebody_elses_job_has_fails_its_scheduled_time_alone() -> None:
    world = BackfillWorld()
    world.backfill["status"] = world.plan().status
    world.obstacles = {slot("03:00"): ("JobNameTaken", "")}
    world.run()
    assert world.counts == {"slots": 6, "succeeded": 5, "failed": 1}
    assert world.status["firings"][-1]["reason"] == "JobNameTaken"


def test_a_firing_that_does_not_start_is_said_in_the_clusters_words() -> None:
    world = BackfillWorld()
    world.step()
    stuck = {"reason": "ImagePullBackOff", "message": "no such image"}
    world.their_pods = [
        {
            "metadata": {
                "name": "p",
                "creationTimestamp": "2026-12-01T12:00:00Z",
                "labels": {"batch.kubernetes.io/job-name": slot("03:00")},
            },
            "status": {
                "phase": "Pending",
                "containerStatuses": [{"name": "run", "state": {"waiting": stuck}}],
            },
        }
    ]
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "NotStarting")
    assert "ImagePullBackOff" in world.complete["message"]
