"""The records of a GraphCron are written one after another, and again when the apiserver failed."""

import asyncio

from graphcron.kube.errors import Unavailable
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
        await until(lambda: world.record("hello").get("state") == "Delivered", assessor.RETRY_SECONDS * 10)
    assert world.heard.attempts == 1


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
