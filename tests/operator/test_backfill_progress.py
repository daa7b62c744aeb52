"""How far a backfill is: what its status keeps of it is bounded, and what cannot be read is not guessed."""

from typing import Any

import pytest

from graphcron.operator.backfill import decide
from graphcron.operator.backfill_begin import Given
from graphcron.operator.backfill_progress import job_name, succeeded_slots
from graphcron.resource.backfill import BackfillStatus
from graphcron.resource.slots import write_slots
from tests.support.backfill_world import INSTALLATION, BackfillWorld, slot
from tests.support.world import at


@pytest.mark.parametrize("broken", [{"remaining": "?"}, {"counts": "many"}, {"remaining": "AAAA"}])
def test_a_status_that_cannot_be_read_runs_nothing_twice(broken: dict[str, Any]) -> None:
    world = BackfillWorld()
    world.step()
    world.backfill["status"] |= broken
    plan = decide(Given(world.backfill, world.observed()), INSTALLATION, at("12:00"))
    assert plan.create == ()
    assert plan.status["phase"] == "Stalled"
    assert plan.status["conditions"][0]["reason"] == "StatusUnreadable"


def test_its_status_stays_small_and_has_every_failure_that_there_is_room_for() -> None:
    world = BackfillWorld({"from": "2026-11-25T00:00:00Z", "parallelism": 100}, schedule="*/10 * * * *")
    for number in range(1000):
        world.step()
        if world.status["phase"] == "Complete":
            break
        for job in world.made:
            if not job["status"]:
                world.end(job["metadata"]["name"], *(("Failed", "RunError") if number == 0 else ()))
    assert world.counts["failed"] == 100
    outcomes = [firing["outcome"] for firing in world.status["firings"]]
    assert (len(outcomes), outcomes.count("Failed")) == (100, 80)
    assert len(str(world.status)) < 64 * 1024


def test_a_job_has_the_name_that_the_cronjob_controller_would_give_it() -> None:
    assert job_name("hello", at("03:00")) == slot("03:00")


def test_of_other_backfills_those_that_can_be_read_say_what_succeeded() -> None:
    known = BackfillStatus(succeeded=write_slots([at("03:00"), at("04:00")]))
    assert succeeded_slots([known, BackfillStatus(succeeded="?"), BackfillStatus()]) == {at("03:00"), at("04:00")}
