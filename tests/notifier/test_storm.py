"""A storm of failures makes few messages with the right numbers, and one failure among thousands is told soon."""

from datetime import timedelta

from tests.support.notifier_memory import NotifierWorld
from tests.support.until import until

RULE = {"events": ["Failed"], "channel": "team"}


async def test_10000_that_fail_at_once_are_told_within_the_bound_and_each_is_counted() -> None:
    world = NotifierWorld(speed=20)
    world.channel("team")
    for number in range(10_000):
        world.cron(f"cron-{number}", notify=[RULE])
    async with world.leading():
        await until(lambda: world.kube.writes > 10_000 and not len(world.notifier.assessor), 60)
        for number in range(10_000):
            world.fail(f"cron-{number}")

        def told() -> int:
            return sum(text.data.get("number", 1) for text in world.heard.texts)

        await until(lambda: told() >= 10_000 and not world.notifier.pending(), 60)
    assert told() == 10_000
    named = [text for text in world.heard.texts if text.kind == "Summary"]
    assert named
    assert f"{named[-1].data['number']} more" in named[-1].title
    times = sorted(world.heard.times)
    for first, later in zip(times, times[10:], strict=False):
        assert later - first >= timedelta(seconds=59)
    assert all(
        record["state"] == "Delivered" and record["told"] == 1
        for cron in world.kube.crons.values()
        for record in cron["status"]["notifications"]
    )


async def test_one_that_fails_among_10000_is_told_soon() -> None:
    world = NotifierWorld()
    world.channel("team")
    for number in range(10_000):
        world.cron(f"cron-{number}", notify=[RULE])
    async with world.leading():
        await until(lambda: world.kube.writes > 10_000 and not len(world.notifier.assessor), 60)
        before = world.clock()
        world.fail("cron-4711")
        await until(lambda: world.heard.texts, 60)
    assert [text.data["name"] for text in world.heard.texts] == ["cron-4711"]
    assert world.heard.times[0] - before < timedelta(seconds=5)


async def test_steady_state_writes_nothing_and_a_restart_neither() -> None:
    world = NotifierWorld()
    world.channel("team")
    for number in range(20):
        world.cron(f"cron-{number}", notify=[RULE])
    async with world.leading():
        await until(lambda: world.kube.writes >= 21 and not len(world.notifier.assessor))
    written = world.kube.writes
    async with world.leading():
        world.fail("cron-1")
        await until(lambda: world.heard.texts and not world.notifier.pending())
    assert world.kube.writes - written == 3, "before and after the message, and the channel's status"
