"""What is computed of all GraphCrons, for those who ask at the same time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from graphcron.console.minutely import KEPT, Minutely
from graphcron.kube.resources import Manifest
from tests.support.console_source import NOW, cron


async def test_those_who_ask_for_the_same_at_once_share_one_computation() -> None:
    made = 0

    def compute(graphcrons: Sequence[Manifest], now: datetime) -> list[str]:
        nonlocal made
        made += 1
        return [one["metadata"]["name"] for one in graphcrons]

    results, crons = Minutely(compute), [cron("a")]
    found = await asyncio.gather(*(results.of(crons, NOW) for _ in range(10)))
    assert (made, found[0]) == (1, ["a"])
    assert all(one is found[0] for one in found)
    edited = cron("a", metadata={"generation": 2})
    assert await results.of([edited], NOW) is not found[0]
    assert await results.of(crons, NOW + timedelta(minutes=1)) is not found[0]
    assert made == 3
    assert await results.of([cron("b")], NOW) == ["b"], "nobody sees what another viewer sees"
    for minute in range(KEPT + 1):
        await results.of(crons, NOW + timedelta(minutes=minute))
    assert await results.of(crons, NOW) is not found[0], "what is kept is bounded"
