"""Slots that made no Job: counted and told once, and only where it is proved."""

import json
from typing import Any

import pytest

from tests.support.world import World

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"})


def history(world: World) -> list[tuple[Any, ...]]:
    """Outcome, reason, first and last minute, and number of each entry, newest first."""
    return [
        (
            entry["outcome"],
            entry["reason"],
            entry["scheduledTime"][11:16],
            entry.get("lastScheduledTime", entry["scheduledTime"])[11:16],
            entry.get("count", 1),
        )
        for entry in world.graphcron["status"].get("history", [])
    ]


def look_each_minute(world: World, first: str, last: str) -> None:
    """As often as the operator is woken while a slot is late."""
    start, until = (int(text[:2]) * 60 + int(text[3:]) for text in (first, last))
    for minute in range(start, until + 1):
        world.reconcile(f"{minute // 60:02}:{minute % 60:02}")


class TestMissed:
    def test_a_run_is_missed_when_its_starting_deadline_has_passed_without_a_job(self, world: World) -> None:
        world.reconcile("10:05")
        world.reconcile("12:00")
        assert history(world) == []
        assert world.decide("12:00").wake_at is not None
        world.reconcile("12:01")
        assert history(world) == [("Missed", "StartingDeadlinePassed", "11:00", "11:00", 1)]
        assert world.graphcron["status"]["firings"]["missed"] == 1
        message = world.graphcron["status"]["history"][0]["message"]
        assert "no Job within startingDeadlineSeconds (3600)" in message
        assert "kubectl describe cronjob" in message
        assert world.events == ["Warning StartingDeadlinePassed"]

    def test_it_is_recorded_once(self, world: World) -> None:
        world.reconcile("10:05")
        world.reconcile("12:01")
        world.writes.clear()
        world.reconcile("12:02")
        assert world.writes == []

    def test_many_in_a_row_are_one_entry_that_counts_them(self, world: World) -> None:
        world.reconcile("10:05")
        for hour in range(12, 20):
            world.reconcile(f"{hour}:01")
        assert history(world) == [("Missed", "StartingDeadlinePassed", "11:00", "18:00", 8)]
        assert world.graphcron["status"]["firings"]["missed"] == 8
        assert "8 firings until 2026-12-01T18:00:00Z" in world.graphcron["status"]["history"][0]["message"]
        assert world.events == ["Warning StartingDeadlinePassed"]

    def test_an_operator_that_slept_records_them_too(self, world: World) -> None:
        world.reconcile("10:05")
        world.reconcile("19:01")
        assert history(world) == [("Missed", "StartingDeadlinePassed", "11:00", "18:00", 8)]

    def test_a_run_in_between_begins_another_entry(self, world: World) -> None:
        world.reconcile("10:05")
        world.reconcile("13:01")
        world.fire("14:00", "Complete", SUCCEEDED)
        world.reconcile("14:01")
        world.reconcile("16:01")
        assert [(entry[0], entry[2], entry[4]) for entry in history(world)] == [
            ("Missed", "15:00", 1),
            ("Succeeded", "14:00", 1),
            ("Missed", "11:00", 2),
        ]
        assert world.graphcron["status"]["firings"] == {
            "succeeded": 1,
            "failed": 0,
            "skipped": 0,
            "missed": 3,
        }

    def test_firings_that_an_operator_slept_through_are_not_missed_though_their_jobs_are_gone(
        self, world: World
    ) -> None:
        world.reconcile("10:05")
        for hour in range(11, 20):
            world.fire(f"{hour}:00", "Complete", SUCCEEDED)
        del world.jobs[:-1]
        world.reconcile("19:05")
        assert history(world) == [("Succeeded", "RunSucceeded", "19:00", "19:00", 1)]

    def test_what_was_due_while_it_was_suspended_is_not_missed(self, world: World) -> None:
        world.edit(enabled=False)
        world.reconcile("10:05")
        world.reconcile("14:30")
        world.edit(enabled=True)
        world.reconcile("15:30")
        world.reconcile("16:59")
        assert history(world) == []

    def test_what_was_due_before_an_edit_is_not_missed(self, world: World) -> None:
        world.reconcile("10:05")
        world.edit(schedule="30 * * * *")
        world.reconcile("11:10")
        world.reconcile("12:29")
        assert history(world) == []

    def test_what_lies_outside_of_start_and_end_is_not_missed(self, world: World) -> None:
        world.edit(startTime="2026-12-01T12:30:00Z", endTime="2026-12-01T14:00:00Z")
        world.reconcile("12:29")
        world.reconcile("18:00")
        assert history(world) == [("Missed", "StartingDeadlinePassed", "13:00", "13:00", 1)]
        assert world.condition("Ready")["reason"] == "Expired"

    def test_the_last_one_is_recorded_before_it_expires(self, world: World) -> None:
        world.edit(endTime="2026-12-01T11:30:00Z")
        world.reconcile("10:05")
        world.reconcile("12:00")
        assert world.condition("Ready")["reason"] == "Scheduled"
        world.reconcile("12:01")
        assert world.condition("Ready")["reason"] == "Expired"
        assert history(world) == [("Missed", "StartingDeadlinePassed", "11:00", "11:00", 1)]

    def test_a_day_that_is_not_meant_is_not_missed(self, world: World) -> None:
        world.edit(schedule="0 * L * *")
        world.reconcile("10:05")
        world.reconcile("20:00")
        assert history(world) == []

    def test_a_long_outage_is_counted_in_portions(self, world: World) -> None:
        world.edit(schedule="* * * * *")
        world.reconcile("00:00")
        world.reconcile("20:00")
        assert world.graphcron["status"]["firings"]["missed"] == 999
        world.reconcile("20:01")
        assert world.graphcron["status"]["firings"]["missed"] == 19 * 60


class TestForbid:
    @pytest.fixture
    def busy(self, world: World) -> World:
        """Every 10 minutes; the run due at 10:10 goes on."""
        world.edit(schedule="*/10 * * * *", concurrencyPolicy="Forbid")
        world.reconcile("10:05")
        world.fire("10:10")
        world.reconcile("10:11")
        return world

    def test_a_run_is_skipped_when_the_one_before_lasted_until_the_next(self, busy: World) -> None:
        look_each_minute(busy, "10:12", "10:30")
        assert history(busy) == []
        busy.reconcile("10:31")
        assert history(busy) == [("Skipped", "StillRunning", "10:20", "10:20", 1)]
        assert "the run due at 2026-12-01T10:10:00Z was still" in busy.graphcron["status"]["history"][0]["message"]
        assert busy.events == ["Normal StillRunning"]

    def test_all_are_counted_once_and_the_last_one_fires_late(self, busy: World) -> None:
        look_each_minute(busy, "10:12", "10:55")
        busy.job_ends(0, "10:55")
        busy.fire("10:50", "Complete", SUCCEEDED)
        look_each_minute(busy, "10:56", "11:00")
        assert [(entry[0], entry[2], entry[3], entry[4]) for entry in history(busy)] == [
            ("Succeeded", "10:50", "10:50", 1),
            ("Skipped", "10:20", "10:40", 3),
            ("Succeeded", "10:10", "10:10", 1),
        ]
        assert busy.graphcron["status"]["firings"] == {
            "succeeded": 2,
            "failed": 0,
            "skipped": 3,
            "missed": 0,
        }

    def test_the_same_comes_out_when_the_operator_slept_meanwhile(self, busy: World) -> None:
        busy.job_ends(0, "10:55")
        busy.fire("10:50", "Complete", SUCCEEDED)
        busy.reconcile("10:59")
        assert busy.graphcron["status"]["firings"] == {
            "succeeded": 2,
            "failed": 0,
            "skipped": 3,
            "missed": 0,
        }
        busy.writes.clear()
        busy.reconcile("10:59")
        assert busy.writes == []

    def test_one_that_outlasts_the_deadline_is_skipped_and_not_missed(self, world: World) -> None:
        world.edit(concurrencyPolicy="Forbid")
        world.reconcile("10:05")
        world.fire("11:00")
        look_each_minute(world, "11:01", "15:30")
        assert history(world) == [("Skipped", "StillRunning", "12:00", "14:00", 3)]

    def test_a_short_run_whose_job_is_forgotten_is_not_missed(self, world: World) -> None:
        world.edit(concurrencyPolicy="Forbid")
        world.reconcile("10:05")
        for due in ("11:00", "12:00", "13:00"):
            world.fire(due, "Complete", SUCCEEDED)
        del world.jobs[1]
        world.reconcile("13:30")
        assert [entry[2] for entry in history(world)] == ["13:00", "11:00"]

    def test_a_job_by_hand_holds_up_nothing(self, busy: World) -> None:
        busy.jobs[0]["metadata"]["name"] = "by-hand"
        busy.reconcile("10:31")
        assert history(busy) == []

    def test_where_runs_may_overlap_nothing_is_skipped(self, world: World) -> None:
        world.edit(schedule="*/10 * * * *")
        world.reconcile("10:05")
        for due in ("10:10", "10:20", "10:30"):
            world.fire(due)
            world.reconcile(due[:4] + "1")
        assert history(world) == []

    def test_a_policy_that_came_later_proves_nothing_about_the_jobs_of_before(self, world: World) -> None:
        world.edit(schedule="*/10 * * * *")
        world.reconcile("10:05")
        for due in ("10:10", "10:20", "10:30", "10:40"):
            world.fire(due)
        world.edit(concurrencyPolicy="Forbid")
        look_each_minute(world, "10:41", "10:45")
        del world.jobs[2]  # the run due at 10:30 was short, and is forgotten
        look_each_minute(world, "10:46", "10:49")
        assert history(world) == []
