"""What is computed of all GraphCrons of a viewer, at most once a minute."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from graphcron.kube.resources import Manifest

KEPT = 16
"""Results, each good for one minute and one set of GraphCrons."""

Result = TypeVar("Result")


class Minutely(Generic[Result]):
    """Computes in a thread, one after another: of ten thousand GraphCrons it takes a second, and those who ask for the
    same meanwhile get it, too."""

    def __init__(self, compute: Callable[[Sequence[Manifest], datetime], Result]) -> None:
        self._compute = compute
        self._known: dict[tuple[datetime, int], Result] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, graphcrons: Sequence[Manifest], now: datetime) -> Result:
        """The result for these. What their statuses say in it is up to a minute old."""
        specs = hash(tuple((one["metadata"]["uid"], one["metadata"].get("generation")) for one in graphcrons))
        key = (now.replace(second=0, microsecond=0), specs)
        async with self._one_at_a_time:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(self._compute, graphcrons, now)
                while len(self._known) > KEPT:
                    del self._known[next(iter(self._known))]
            return self._known[key]
