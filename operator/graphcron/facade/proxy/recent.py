"""The cache of what the Agent Server has shown a moment ago."""

import time
from collections.abc import Callable, Hashable

from cachetools import TLRUCache

ENTRIES = 4096


class Recent:
    """Keys that count for some seconds from when they were asked for, by the clock of `now`, in seconds."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._asked: TLRUCache[Hashable, float] = TLRUCache(ENTRIES, lambda _, asked, __: asked + seconds, now)
        self._forgotten = float("-inf")

    def found(self, key: Hashable, asked: float) -> None:
        """It was there, by the answer to a request that was sent at that time."""
        if asked > self._forgotten:
            self._asked[key] = asked

    def holds(self, key: Hashable) -> bool:
        """Whether it still counts."""
        return key in self._asked

    def forget(self) -> None:
        """Drops all keys, also those whose requests are still in flight."""
        self._asked.clear()
        self._forgotten = self.now()

    def __len__(self) -> int:
        return len(self._asked)
