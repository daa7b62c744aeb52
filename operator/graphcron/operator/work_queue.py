"""The work queue: each key is processed by one worker at a time, and requeued when it was added meanwhile.

It is client-go's workqueue: any number of `add`s of a waiting key are one, and a failing key is requeued after a
growing delay (exponential back-off) while the others go on.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 60.0

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)


class WorkQueue(Generic[Key]):
    """`run` works until it is cancelled; `add` may be called before, and from handlers."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, on_retry: Callable[[], object] = lambda: None
    ) -> None:
        self._clock = clock
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._count = itertools.count()
        self._alarm = asyncio.Event()
        self._on_retry = on_retry

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: object) -> bool:
        """Whether the key waits for a worker."""
        return key in self._waiting

    def add(self, key: Key) -> None:
        """Have the key worked on as soon as a worker is free."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key worked on after that time; of several such requests the earliest counts."""
        due = self._clock() + max(0.0, seconds)
        if self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._later, (due, next(self._count), key))
        if self._later[0][2] == key:  # else the alarm is set for an earlier one
            self._alarm.set()

    def due_in(self, key: Key) -> float | None:
        """Seconds until the key is requeued by `add_after`, None when it is not."""
        return self._due[key] - self._clock() if key in self._due else None

    async def run(self, work: Callable[[Key], Awaitable[None]], workers: int) -> None:
        """Work with that many workers at once. An exception of `work` is logged, and the key retried."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ring())
            for _ in range(workers):
                group.create_task(self._serve(work))

    async def _serve(self, work: Callable[[Key], Awaitable[None]]) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._working.add(key)
            try:
                await work(key)
            except Exception as error:
                self._retry(key, error)
            else:
                self._failures.pop(key, None)
            finally:
                self._working.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)
            # Thousands of keys that wait for nothing, as after a start, would keep all else waiting: Lease, probes.
            await asyncio.sleep(0)

    def _retry(self, key: Key, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        # The exponent is bounded first: 2 ** 2000 would be computed before `min` could cut it.
        delay = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10))
        delay *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        log.warning("%s: attempt %d failed, next in %.1f s: %s", key, failures, delay, error or type(error).__name__)
        log.debug("%s", key, exc_info=error)
        self.add_after(key, delay)
        self._on_retry()

    async def _ring(self) -> None:
        """Move keys whose time has come to the ready ones."""
        while True:
            self._alarm.clear()
            now = self._clock()
            while self._later and self._later[0][0] <= now:
                due, _, key = heapq.heappop(self._later)
                if self._due.get(key) == due:
                    del self._due[key]
                    self.add(key)
            wait = self._later[0][0] - now if self._later else None
            # Not `wait_for`: in Python 3.11 it forgets that it was cancelled when the alarm has rung as well.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._alarm.wait()
