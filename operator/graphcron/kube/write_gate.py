"""Write gate: refuses a write unless the lease is valid at the moment of sending.

A process can be stopped for minutes between any two of its steps without noticing. So the time until which it may write
is set when the lease is renewed, and every write compares the clock with it.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from graphcron.kube.errors import NotLeading


def steady_clock() -> float:
    """Seconds; it never goes back, and on Linux goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class WriteGate:
    """Closed at first. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = steady_clock) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._shut = False
        self._in_flight = 0
        self._answered = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._until

    def open_until(self, moment: float) -> None:
        """Let writes pass until that time of `clock`. No effect after `shut`."""
        if not self._shut:
            self._until = moment

    def close(self) -> None:
        """Another replica leads."""
        self._until = float("-inf")

    def shut(self) -> None:
        """Close it for good: this process is about to end."""
        self._shut = True
        self.close()

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """One write, from just before it is sent until it is answered. Raises NotLeading while the gate is closed."""
        if not self.is_open:
            raise NotLeading(0, "this operator does not lead")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._answered.set()

    async def drained(self) -> None:
        """Returns when no write is in flight."""
        while self._in_flight:
            self._answered.clear()
            await self._answered.wait()
