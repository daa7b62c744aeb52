"""Each failed firing is told, whatever dies: the notifier is killed at random, and the receiver is away half the time.

A notifier as a process, a small apiserver and a receiver on real sockets.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from graphcron.firing.formats import format_time
from tests.support.apiserver_fake import FakeApiserver
from tests.support.notifier_process import channel, cron, fail, kill, secret, start_notifier
from tests.support.receiver import Got, WebhookReceiver, webhook_receiver
from tests.support.until import until

CHANNELS, CRONS, FIRINGS = 6, 30, 300
KILLS = 8


def number_told(got: list[Got]) -> Counter[str]:
    """Failures by GraphCron; a repeat counts once."""
    told: dict[str, tuple[str, int]] = {}
    for one in got:
        data = one.event["data"]
        said = (data["name"], data["count"])
        assert told.setdefault(one.event["id"], said) == said, "a repeat says the same"
    counted: Counter[str] = Counter()
    for name, count in told.values():
        counted[name] += count
    return counted


async def failures(server: FakeApiserver, chance: random.Random) -> Counter[str]:
    """Each for another cause, so that each is told at once."""
    happened: Counter[str] = Counter()
    for number in range(FIRINGS):
        name = f"cron-{chance.randrange(CRONS)}"
        happened[name] += 1
        await fail(server, name, format_time(datetime.now(UTC)), f"Cause{number}")
        await asyncio.sleep(0.07)
    return happened


async def disturb(receiver: WebhookReceiver, chance: random.Random) -> None:
    """Half of the time it does not take anything, each way."""
    while True:
        receiver.mode = "ok"
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        receiver.mode = chance.choice(("fail", "hang", "lose", "away"))
        if receiver.mode == "away":
            await receiver.stop()
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        if receiver.mode == "away":
            await receiver.start()


async def test_300_failures_are_told_under_kills_with_the_receiver_away_half_the_time(tmp_path: Path) -> None:
    chance = random.Random(20261201)
    server = FakeApiserver()
    async with server.serving() as url, webhook_receiver() as receiver:
        await server.put("secrets", secret("receiver", url=receiver.url))
        for number in range(CHANNELS):
            await server.put("graphcronchannels", channel(f"channel-{number}", messagesPerMinute=60))
        for number in range(CRONS):
            rule = {"events": ["Failed"], "channel": f"channel-{number % CHANNELS}"}
            await cron(server, f"cron-{number}", notify=[rule])
        process = await start_notifier(url, tmp_path)
        receiver.lose_next = 3  # they are sent again
        disturbing = asyncio.create_task(disturb(receiver, chance))
        happening = asyncio.create_task(failures(server, chance))
        try:
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(1.5, 3.5))
                await kill(process)
                process = await start_notifier(url, tmp_path)
            happened = await happening
            disturbing.cancel()
            await asyncio.gather(disturbing, return_exceptions=True)
            receiver.mode = "ok"
            await receiver.stop()
            await receiver.start()
            await kill(process)
            process = await start_notifier(url, tmp_path)
            await until(lambda: sum(number_told(receiver.accepted).values()) >= FIRINGS, 60)
        finally:
            happening.cancel()
            disturbing.cancel()
            await kill(process)
        assert number_told(receiver.accepted) == happened
        assert len(receiver.accepted) > len({got.event["id"] for got in receiver.accepted}), "some were sent twice"
        log = (tmp_path / "notifier.log").read_text()
        assert "Traceback" not in log
