"""The records of a GraphCron are written one after another, and again when the apiserver failed."""

import asyncio

import pytest

from graphcron.kube.errors import Refused, Unavailable
from graphcron.kube.resources import Manifest
from graphcron.notifier import assessor
from tests.support.notifier_memory import NotifierWorld
from tests.support.until import until

RULE = {"events": ["Failed"], "channel": "team"}


async def test_a_write_that_failed_is_tried_again() -> None:
    world = NotifierWorld()
    world.channel("team")
    world.cron("hello", notify=[RULE])
    world.kube.fail = [Unavailable(0, "no answer"), Unavailable(0, "no answer")]
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.record("hello").get("told") == 1, assessor.RETRY_SECONDS * 10)
    assert world.heard.attempts == 1


async def test_what_happens_while_records_are_written_is_told() -> None:
    """The answer to the write has it already, so its watch event says nothing new."""
    world = NotifierWorld()
    world.channel("team")
    world.cron("hello", notify=[RULE])
    late: list[Manifest] = []
    world.kube.before_write = [lambda: late.append(world.fail_unseen("hello"))]
    async with world.leading():
        await until(lambda: late)
        world.announce(late[0])
        await until(lambda: world.record("hello").get("told") == 1, 5)
    assert world.heard.attempts == 1


async def test_records_that_are_never_taken_are_written_more_and_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessor, "RETRY_SECONDS", 0.01)
    world = NotifierWorld()
    world.cron("hello", notify=[RULE])
    world.kube.fail = [Refused(422, "too large")] * 1000
    async with world.leading():
        await until(lambda: len(world.kube.fail) <= 995)
        await asyncio.sleep(0.3)
        assert len(world.kube.fail) >= 990
        world.kube.fail = []
        await until(lambda: world.kube.writes)


async def test_thousands_that_need_no_write_leave_room_for_all_else() -> None:
    world = NotifierWorld()
    for number in range(1000):
        world.cron(f"cron-{number}", notify=[RULE])
    rounds = 0
    async with world.leading():
        while len(world.notifier.assessor):
            rounds += 1
            await asyncio.sleep(0)
    assert rounds > 100


async def test_changes_of_one_cron_at_once_lose_nothing() -> None:
    world = NotifierWorld()
    channels = [f"c{number}" for number in range(8)]
    for name in channels:
        world.channel(name)
    world.cron("hello", notify=[{"events": ["Failed"], "channel": name} for name in channels])
    async with world.leading():
        for number in range(10):
            world.fail("hello", f"Cause{number}")
            await asyncio.sleep(0.01)

        def told() -> list[int]:
            records = world.kube.crons["team", "hello"]["status"].get("notifications", [])
            return [record["told"] for record in records]

        await until(lambda: told() == [10] * 8)
    assert len({(text.id, text.data["channel"]) for text in world.heard.texts}) == len(world.heard.texts)
    assert sum(text.data["count"] for text in world.heard.texts) == 80


async def test_a_cron_that_is_deleted_waits_for_nothing() -> None:
    world = NotifierWorld()
    world.cron("hello", notify=[RULE])
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.notifier.pending() == 1)
        uid = world.kube.crons.pop(("team", "hello"))["metadata"]["uid"]
        world.notifier.book.drop(("team", "hello"), uid)
        world.notifier.observed(("team", "hello"))
        await until(lambda: world.notifier.pending() == 0)
