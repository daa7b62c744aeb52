"""What a backfill says of itself: one condition, and an Event whenever its reason is another one."""

from graphcron.operator.backfill_progress import Progress
from graphcron.operator.backfill_verdict import BackfillVerdict, held_up, stalled, status_of, summary
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.status import Condition
from tests.support.backfill_world import backfill
from tests.support.world import World, at

RUNNING = BackfillVerdict("Running", "Running", "1 of 2 scheduled times are over.")


def conditions(status: dict[str, object]) -> dict[str, dict[str, str]]:
    found = status["conditions"]
    assert isinstance(found, list)
    return {one["type"]: one for one in found}


def test_only_another_reason_is_an_event() -> None:
    status, events = status_of(backfill({}), {}, (), RUNNING, at("12:00"))
    assert [(event.type, event.reason) for event in events] == [("Normal", "Running")]
    old = [Condition.model_validate(one) for one in status["conditions"]]
    further = BackfillVerdict("Running", "Running", "2 of 2 scheduled times are over.")
    status, events = status_of(backfill({}), {}, old, further, at("12:05"))
    assert events == []
    complete = conditions(status)["Complete"]
    assert (complete["message"], complete["lastTransitionTime"]) == (further.message, "2026-12-01T12:00:00Z")


def test_what_cannot_go_on_is_stalled_and_says_what_to_do() -> None:
    verdict = stalled(InvalidGraphCron("TooManySlots", "too many"))
    status, events = status_of(backfill({}), {"progress": "0/0"}, (), verdict, at("12:00"))
    assert {name: one["status"] for name, one in conditions(status).items()} == {"Complete": "False", "Stalled": "True"}
    assert status["progress"] == "0/0"
    assert [(event.type, event.message) for event in events] == [
        ("Warning", "too many. Delete the backfill, and create another.")
    ]


def test_a_graphcron_that_fires_or_is_paused_or_does_not_start_holds_nothing_up() -> None:
    world = World()
    assert held_up(world.observed()) == ("GraphCronPending", "The GraphCron's last change is not carried out yet.")
    world.reconcile("10:30")
    assert held_up(world.observed()) is None
    world.edit(enabled=False)
    world.reconcile("10:31")
    assert held_up(world.observed()) is None


def test_one_that_cannot_run_holds_it_up_with_its_own_words() -> None:
    world = World(schedule="0 0 31 2 *")
    world.reconcile("10:30")
    obstacle = held_up(world.observed())
    assert obstacle
    assert (obstacle[0], "InvalidSchedule" in obstacle[1]) == ("GraphCronStalled", True)


def test_the_end_is_summed_up() -> None:
    assert summary(Progress()).reason == "NothingToRun"
    assert summary(Progress(slots=2, ended={"succeeded": 2})).message == "All 2 scheduled times are over."
    failed = summary(Progress(slots=3, ended={"succeeded": 2, "failed": 1}))
    assert (failed.phase, failed.message) == ("Complete", "All 3 scheduled times are over, and 1 of them failed.")
    gone = summary(Progress(slots=3, ended={"succeeded": 2}), deleted=True)
    assert (gone.phase, gone.message) == (
        "Ended", "The GraphCron was deleted when 2 of 3 scheduled times were over.",
    )  # fmt: skip
