"""Single flight: concurrent calls with one key share one request that starts after they were made."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Answers that nobody need have alone. Nobody gets one to a question that was put before they asked: an answer
    under way may be older than what they know. So they wait for it to come, and share the next."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[T]] = {}
        self._to_come: dict[Hashable, asyncio.Future[T]] = {}

    async def answer(self, about: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` says, called after this was. All who ask about the same share its errors too; who is cancelled
        takes it from nobody."""
        if about not in self._to_come:
            self._to_come[about] = asyncio.ensure_future(self._in_turn(about, ask))
        return await asyncio.shield(self._to_come[about])

    async def _in_turn(self, about: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        if (before := self._under_way.get(about)) is not None:
            await asyncio.wait([before])
        self._under_way[about] = mine = self._to_come.pop(about)  # it begins now: who comes later needs a later one
        try:
            return await ask()
        finally:
            if self._under_way[about] is mine:
                del self._under_way[about]


class Recent:
    """What was found to be so, for that many seconds from when it was asked."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._asked: OrderedDict[Hashable, float] = OrderedDict()
        self._since = float("-inf")

    def now(self) -> float:
        """By the clock of `found`."""
        return self._clock()

    def found(self, about: Hashable, asked: float) -> None:
        """It is so, by an answer to what was asked at that time."""
        while self._asked and next(iter(self._asked.values())) <= self._clock() - self._seconds:
            self._asked.popitem(last=False)
        if asked > self._since:
            self._asked[about] = asked
            self._asked.move_to_end(about)

    def holds(self, about: Hashable) -> bool:
        return self._clock() - self._seconds < self._asked.get(about, float("-inf"))

    def forget(self) -> None:
        """All that was asked until now."""
        self._asked.clear()
        self._since = self._clock()
