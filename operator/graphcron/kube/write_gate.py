"""Write gate: refuses a write unless the lease is valid at the moment of sending.

A process can be stopped for minutes between any two of its steps, and knows nothing of it when it goes on. So the
moment until which it may write is fixed beforehand, and it looks at the clock in the step that hands the bytes to the
kernel.
"""

import asyncio
import time
from collections.abc import Callable


def steady_clock() -> float:
    """Seconds; it never goes back, and on Linux goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class FenceClosed(Exception):
    """This process does not lead, or not any more."""


class Fence:
    """Closed at first. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = steady_clock) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._shut = False
        self._inside = 0
        self._left = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._clock() < self._until

    def open_until(self, moment: float) -> None:
        if not self._shut:
            self._until = moment

    def close(self) -> None:
        self._until = float("-inf")

    def shut(self) -> None:
        """Close it for good: this process is about to end."""
        self._shut = True
        self.close()

    def check(self) -> None:
        """Raises FenceClosed."""
        if not self.is_open:
            raise FenceClosed("this operator does not lead")

    def __enter__(self) -> None:
        """To be entered around a write, until it is answered. Raises FenceClosed instead of letting it start."""
        self.check()
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        self._inside -= 1
        self._left.set()

    async def emptied(self) -> None:
        """Returns when no write is under way any more."""
        while self._inside:
            self._left.clear()
            await self._left.wait()
