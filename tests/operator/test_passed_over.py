"""Scheduled times that the CronJob controller passed over since a later one was due by then: recorded where proved."""

import json

import pytest

from tests.support.world import World

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"})


@pytest.fixture
def world() -> World:
    """An hourly GraphCron whose run of 11:00 is over."""
    world = World()
    world.reconcile("10:05")
    world.fire("11:00", "Complete", SUCCEEDED)
    world.reconcile("11:01")
    return world


def missed(world: World) -> list[tuple[str, str, int]]:
    """Reason, first minute and number of what is recorded as missed."""
    history = world.graphcron["status"].get("history", [])
    return [
        (entry["reason"], entry["scheduledTime"][11:16], entry.get("count", 1))
        for entry in history
        if entry["outcome"] == "Missed"
    ]


def test_times_between_two_firings_are_recorded_when_the_later_one_begins(world: World) -> None:
    world.fire("14:00")
    world.reconcile("14:01")
    assert missed(world) == [("PassedOver", "12:00", 2)]
    assert world.graphcron["status"]["firings"] == {"succeeded": 1, "failed": 0, "skipped": 0, "missed": 2}
    message = world.graphcron["status"]["history"][0]["message"]
    assert "2026-12-01T14:00:00Z was due" in message
    assert world.events == ["Warning PassedOver"]


def test_they_are_recorded_once(world: World) -> None:
    world.fire("14:00")
    world.reconcile("14:01")
    world.writes.clear()
    world.reconcile("14:02")
    assert world.writes == []
    world.job_ends(1, "14:10")
    world.reconcile("14:11")
    world.fire("15:00")
    world.reconcile("15:01")
    assert missed(world) == [("PassedOver", "12:00", 2)]


def test_the_first_firing_of_all_may_be_passed_over() -> None:
    world = World()
    world.reconcile("10:05")
    world.fire("12:00")
    world.reconcile("12:01")
    assert missed(world) == [("PassedOver", "11:00", 1)]


def test_what_is_recorded_by_its_deadline_is_not_recorded_again(world: World) -> None:
    world.reconcile("13:01")
    assert missed(world) == [("StartingDeadlinePassed", "12:00", 1)]
    world.fire("13:00")
    world.reconcile("13:02")
    assert missed(world) == [("StartingDeadlinePassed", "12:00", 1)]


def test_nothing_is_proved_by_a_missing_job_once_as_many_later_ones_have_ended_as_are_kept(world: World) -> None:
    """Then its Job may have been there, and be deleted by now: the operator slept."""
    world.fire("14:00", "Complete", SUCCEEDED)
    world.reconcile("14:01")
    assert missed(world) == []
    world.edit(successfulRunsHistoryLimit=3, failedRunsHistoryLimit=3)
    world.reconcile("14:30")
    world.fire("17:00", "Complete", SUCCEEDED)
    world.reconcile("17:01")
    assert missed(world) == [("PassedOver", "15:00", 2)]


def test_where_no_job_is_kept_nothing_is_proved() -> None:
    world = World(successfulRunsHistoryLimit=0)
    world.reconcile("10:05")
    world.fire("12:00")
    world.reconcile("12:01")
    assert missed(world) == []


def test_a_replaced_firing_may_have_had_a_job(world: World) -> None:
    world.edit(concurrencyPolicy="Replace")
    world.reconcile("11:30")
    world.fire("14:00")
    world.reconcile("14:01")
    assert missed(world) == []


def test_under_forbid_a_run_that_was_in_the_way_is_the_reason() -> None:
    world = World(concurrencyPolicy="Forbid")
    world.reconcile("10:05")
    world.fire("11:00")
    world.reconcile("11:01")
    world.job_ends(0, "13:30")
    world.fire("13:00")
    world.reconcile("13:31")
    history = world.graphcron["status"]["history"]
    assert [(entry["outcome"], entry["reason"]) for entry in history if "jobName" not in entry] == [
        ("Skipped", "StillRunning")
    ]


def test_where_runs_may_overlap_none_was_in_the_way(world: World) -> None:
    world.fire("12:00")
    world.reconcile("12:01")
    world.fire("14:00")
    world.reconcile("14:01")
    assert missed(world) == [("PassedOver", "13:00", 1)]


def test_what_was_due_before_an_edit_or_while_suspended_was_not_passed_over(world: World) -> None:
    world.edit(enabled=False)
    world.reconcile("11:30")
    world.edit(enabled=True)
    world.reconcile("12:30")
    world.fire("14:00")
    world.reconcile("14:01")
    assert missed(world) == [("PassedOver", "13:00", 1)]


def test_a_job_that_was_observed_and_is_deleted_by_hand_was_not_passed_over(world: World) -> None:
    world.fire("12:00")
    world.reconcile("12:01")
    del world.jobs[1]
    world.fire("13:00")
    world.reconcile("13:01")
    assert missed(world) == []


def test_a_job_whose_event_is_still_on_the_way_is_waited_for(world: World) -> None:
    """The CronJob and its Jobs are watched separately, and after an outage either watch can be the first to be back."""
    world.fire("14:00")
    job = world.jobs.pop()
    assert world.cron_job
    world.cron_job["status"]["active"] = [{"kind": "Job", "name": job["metadata"]["name"]}]
    world.reconcile("14:01")
    assert missed(world) == []
    assert world.graphcron["status"]["lastScheduleTime"] == "2026-12-01T11:00:00Z"
    world.jobs.append(job)
    world.reconcile("14:01")
    assert missed(world) == [("PassedOver", "12:00", 2)]
    assert world.graphcron["status"]["lastScheduleTime"] == "2026-12-01T14:00:00Z"
