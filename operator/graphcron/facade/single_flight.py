"""Single flight: concurrent calls with one key share one request that starts after they were made."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Shares requests. A call that comes while a request is in flight waits for it and shares the next one: the answer
    in flight may be older than what the caller knows."""

    def __init__(self) -> None:
        self._in_flight: dict[Hashable, asyncio.Future[T]] = {}
        self._next: dict[Hashable, asyncio.Future[T]] = {}

    async def run(self, key: Hashable, request: Callable[[], Awaitable[T]]) -> T:
        """The result of a `request` that starts after this call. All calls that share it get its error, too; cancelling
        one call leaves the others alone."""
        if key not in self._next:
            self._next[key] = asyncio.ensure_future(self._in_turn(key, request))
        return await asyncio.shield(self._next[key])

    async def _in_turn(self, key: Hashable, request: Callable[[], Awaitable[T]]) -> T:
        if (before := self._in_flight.get(key)) is not None:
            await asyncio.wait([before])
        self._in_flight[key] = mine = self._next.pop(key)  # it starts now: a later call needs a later one
        try:
            return await request()
        finally:
            if self._in_flight[key] is mine:
                del self._in_flight[key]
