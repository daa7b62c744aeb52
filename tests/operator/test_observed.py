"""What is observed of a GraphCron, and the facts that follow."""

import pytest

from graphcron.operator.observed import Observed, owns
from tests.support.world import World, at


def observed(world: World) -> Observed:
    return Observed(world.graphcron, world.cron_job, tuple(world.jobs), tuple(world.pods))


def test_a_status_that_cannot_be_read_counts_as_none(world: World) -> None:
    world.graphcron["status"] = {"history": "of another version"}
    found = observed(world)
    assert (found.history, found.is_current) == ([], False)


@pytest.mark.parametrize(
    ("references", "owned"),
    [([], False), ([{"uid": "u"}], False), ([{"uid": "x"}, {"uid": "u", "controller": True}], True)],
)
def test_an_object_is_owned_by_what_controls_it(references: list[dict[str, object]], owned: bool) -> None:
    assert owns({"metadata": {"uid": "u"}}, {"metadata": {"ownerReferences": references}}) is owned


def test_it_last_fired_when_its_cronjob_says_so_and_before_that_when_it_was_created(world: World) -> None:
    assert observed(world).last_fired is None
    world.reconcile("10:05")
    assert observed(world).last_fired == at("10:05")
    world.fire("11:00")
    assert observed(world).last_fired == at("11:00")
