"""The beginning of a backfill: what it waits for, and which scheduled times are its own."""

from tests.support.backfill_world import BackfillWorld, backfill, slot

SUCCEEDED = {"outcome": "Succeeded", "reason": "RunSucceeded"}


def test_what_is_known_to_have_succeeded_is_left_out_unless_rerun() -> None:
    entries = [
        {"scheduledTime": "2026-12-01T05:00:00Z", **SUCCEEDED},
        {"scheduledTime": "2026-12-01T06:00:00Z", "outcome": "Failed", "reason": "RunError"},
        {"scheduledTime": "2026-12-01T07:00:00Z", "trigger": "Manual", **SUCCEEDED},
    ]
    world = BackfillWorld()
    world.graphcron["status"]["history"] = entries
    world.run()
    assert slot("05:00") not in world.created
    assert len(world.created) == 5
    assert [(group["reason"], group["count"]) for group in world.status["leftOut"]] == [("AlreadySucceeded", 1)]
    again = BackfillWorld({"rerun": True})
    again.graphcron["status"]["history"] = entries
    again.run()
    assert len(again.created) == 6


def test_what_an_earlier_backfill_did_is_left_out_and_what_failed_in_it_runs() -> None:
    world = BackfillWorld()
    world.step()
    world.end(slot("03:00"), "Failed", "RunError")
    world.run()
    second = BackfillWorld({"to": "2026-12-01T11:00:00Z"})
    second.others = [world.backfill]
    second.run()
    assert second.created == [slot("03:00"), slot("09:00"), slot("10:00")]


def test_backfills_of_one_graphcron_run_one_after_the_other() -> None:
    world = BackfillWorld(created="11:00")
    first = backfill({}, "10:00", "first")
    world.others = [first]
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "EarlierBackfill")
    assert "first" in world.complete["message"]
    for harmless in ({"spec": first["spec"] | {"dryRun": True}}, {"status": {"phase": "Complete"}}):
        world.others = [first | harmless]
        assert world.plan().create
    world.others = [backfill({}, "12:00", "later")]
    assert world.plan().create


def test_a_job_of_the_schedule_that_runs_is_left_out() -> None:
    world = BackfillWorld({"to": "2026-12-01T13:00:00Z"}, created="12:30")
    world.fire("12:00")
    world.step("12:30")
    assert [(group["reason"], group["count"]) for group in world.status["leftOut"]] == [("StillRunning", 1)]
    assert world.counts["slots"] == 9


def test_what_the_schedule_may_still_fire_is_its_own() -> None:
    """Its Job would be there twice, or be missed."""
    world = BackfillWorld({"to": "2026-12-01T20:00:00Z"}, created="12:01")
    assert world.cron_job
    world.cron_job["status"] = {"lastScheduleTime": "2026-12-01T11:00:00Z"}
    world.step("12:01")
    assert (world.status["lastSlots"][-1], world.counts["slots"]) == ("2026-12-01T11:00:00Z", 9)
    (group,) = world.status["leftOut"]
    assert (group["reason"], group["count"], group["first"]) == ("NotDue", 8, "2026-12-01T12:00:00Z")


def test_a_paused_graphcron_is_backfilled_up_to_the_moment() -> None:
    world = BackfillWorld({"to": "2026-12-01T20:00:00Z"}, created="12:01", enabled=False)
    world.step("12:01")
    assert world.status["lastSlots"][-1] == "2026-12-01T12:00:00Z"
    assert world.created == [slot("03:00")]


def test_without_a_graphcron_it_waits_for_one() -> None:
    world = BackfillWorld()
    world.there = False
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Waiting", "GraphCronNotFound")
    world.there = True
    world.run()
    assert len(world.created) == 6


def test_a_dry_run_lists_and_makes_nothing_until_it_is_none() -> None:
    world = BackfillWorld({"dryRun": True})
    plan = world.step()
    assert plan.create == ()
    assert (world.status["phase"], world.complete["status"]) == ("DryRun", "False")
    assert (world.status["firstSlots"][0], world.status["lastSlots"][-1]) == (
        "2026-12-01T03:00:00Z", "2026-12-01T08:00:00Z",
    )  # fmt: skip
    assert world.counts == {"slots": 6, "remaining": 6}
    assert world.step().status == plan.status
    world.backfill["spec"]["dryRun"] = False
    world.backfill["metadata"]["generation"] = 2
    world.run()
    assert len(world.created) == 6


def test_more_than_ten_thousand_scheduled_times_are_refused() -> None:
    world = BackfillWorld({"from": "2026-11-01T00:00:00Z"}, schedule="* * * * *")
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Stalled", "TooManySlots")
    assert "split" in world.complete["message"]
    assert world.created == []


def test_nothing_to_run_is_complete_at_once() -> None:
    world = BackfillWorld({"from": "2026-12-01T03:01:00Z", "to": "2026-12-01T03:59:00Z"})
    world.step()
    assert (world.status["phase"], world.complete["reason"]) == ("Complete", "NothingToRun")
    assert world.status["progress"] == "0/0"
