"""The verdict: what counts first, and what is said of a GraphCron for which nothing can be applied."""

from graphcron.operator.phase import Phase
from graphcron.operator.verdict import COMPLAINT_LIMIT, held_up
from tests.support.world import World


def test_one_that_is_paused_is_so_whatever_else_it_is(world: World) -> None:
    world.edit(enabled=False, endTime="2026-12-01T10:30:00Z")
    world.reconcile("12:00")
    assert world.decide("12:00").verdict.phase is Phase.PAUSED


def test_what_ends_a_schedule_first_is_what_is_said(world: World) -> None:
    world.edit(maxRuns=1, endTime="2026-12-01T10:30:00Z")
    assert world.decide("10:05").verdict.phase is Phase.EXPIRED
    world.edit(endTime="2026-12-01T20:30:00Z")
    world.reconcile("10:05")
    world.fire("11:00")
    assert world.decide("11:00:05").verdict.phase is Phase.COMPLETED


def test_nothing_that_can_be_applied_says_what_its_cronjob_does_meanwhile(world: World) -> None:
    assert held_up("X", "It is wrong.", world.observed()).message == "It is wrong."
    world.reconcile("10:05")
    verdict = held_up("X", "It is wrong.", world.observed())
    assert (verdict.phase, verdict.reason) == (Phase.STALLED, "X")
    assert verdict.message == "It is wrong. Until then its CronJob fires as before the change."
    world.edit(enabled=False)
    world.reconcile("10:06")
    verdict = held_up("X", "It is wrong", world.observed())
    assert verdict.phase is Phase.HALTED
    assert verdict.message == "It is wrong. It is paused all the same: its CronJob is suspended."


def test_a_complaint_has_a_bounded_length(world: World) -> None:
    assert len(held_up("X", "x" * 5000, world.observed()).message) == COMPLAINT_LIMIT + 1
