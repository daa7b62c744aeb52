"""What the operator's tests stand on: a GraphCron in a world of plain data."""

import pytest

from tests.support.controller_bench import Bench
from tests.support.world import World


@pytest.fixture
def world() -> World:
    """An hourly GraphCron made at 10:00, not reconciled yet."""
    return World()


@pytest.fixture
def made(world: World) -> World:
    """The same, reconciled: its CronJob is made."""
    world.reconcile("10:05")
    return world


@pytest.fixture
def bench() -> Bench:
    return Bench()
