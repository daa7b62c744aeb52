"""The assessor: keeps the records of each GraphCron right, and puts what is due into the outboxes.

All writes of one GraphCron's records go through `revise`, one after another: each builds on the one before it.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, NotFound, NotLeading
from graphcron.notifier.book import Book
from graphcron.notifier.cron import Name
from graphcron.notifier.due import Due, Records, Timing, assess
from graphcron.notifier.outbox import Outbox
from graphcron.notifier.plan import MINUTE

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
"""After the apiserver did not do what was asked; twice as long each further time, up to the longest."""
LONGEST_RETRY_SECONDS = 60.0
WORKERS = 8
LOCKS = 509
"""Each for the GraphCrons of one hash."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Assessor:
    """`on_due` is called with the name of a channel that has something to send. Nothing is written while `leads` is
    false."""

    def __init__(
        self,
        kube: Kube,
        book: Book,
        leads: Callable[[], bool],
        on_due: Callable[[Name], object],
        clock: Callable[[], datetime] = utc_now,
        timing: Timing = Timing(),  # noqa: B008
    ) -> None:
        self.outboxes: defaultdict[Name, Outbox] = defaultdict(Outbox)
        self._kube = kube
        self._book = book
        self._leads = leads
        self._on_due = on_due
        self._clock = clock
        self._timing = timing
        self._dirty: dict[Name, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Name, asyncio.TimerHandle] = {}
        self._failures: dict[Name, int] = {}
        """How often in a row the records of a GraphCron were not written."""
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]
        self._places: dict[Name, set[Name]] = {}
        """The outboxes in which something of a GraphCron waits."""

    def add(self, names: Iterable[Name]) -> None:
        """Assess them soon."""
        self._dirty.update(dict.fromkeys(names))
        self._wake.set()

    def start(self) -> None:
        """This process leads: assess all GraphCrons. What was sent within the last minute counts."""
        now, known = self._clock(), set[str]()
        self.outboxes.clear()
        self._places.clear()
        for cron in self._book.crons():
            for record in cron.records.values():
                if record.id and record.id not in known and record.at and now - MINUTE < record.at <= now:
                    known.add(record.id)
                    namespace, _, name = record.channel.rpartition("/")
                    self.outboxes[namespace or cron.name[0], name].remember(record.at)
        self.add(self._book.names())

    def __len__(self) -> int:
        """How many are to be assessed."""
        return len(self._dirty)

    async def run(self) -> None:
        """Without end."""
        await asyncio.gather(*(self._work() for _ in range(WORKERS)))

    async def _work(self) -> None:
        while True:
            while not (self._dirty and self._leads()):
                self._wake.clear()
                await self._wake.wait()
            name = next(iter(self._dirty))
            del self._dirty[name]
            await asyncio.sleep(0)  # most need no write: all of them at once would stop the leader election
            try:
                await self.revise(name)
                self._failures.pop(name, None)
            except NotLeading:
                self.add([name])
                self._wake.clear()
                await asyncio.sleep(RETRY_SECONDS)
            except KubeError as error:
                log.info("GraphCron %s/%s: its notifications were not recorded: %s", *name, error.message)
                self._failures[name] = failures = self._failures.get(name, 0) + 1
                self._later(name, min(RETRY_SECONDS * 2 ** min(failures - 1, 10), LONGEST_RETRY_SECONDS))
            except Exception:
                log.exception("GraphCron %s/%s cannot be assessed", *name)
                self._later(name, 60.0)

    async def revise(self, name: Name, change: Callable[[Records], Records] = lambda records: records) -> bool:
        """Change the records of a GraphCron, assess it, and write them if they differ. False when it is gone. Raises
        KubeError."""
        async with self._locks[hash(name) % LOCKS]:
            return await self._revise(name, change)

    async def _revise(self, name: Name, change: Callable[[Records], Records]) -> bool:
        cron = self._book.cron(name)
        if cron is None:
            self._put(name, [])
            return False
        now = self._clock()
        before = cron.records
        cron = replace(cron, revised=change(dict(before)))
        found = assess(cron, self._book.defaults(name[0]), now, self._timing)
        if found.records != before:
            written = [record.to_dict() for record in found.records.values()]
            try:
                answer = await self._kube.patch_notifications(*name, cron.metadata["uid"], written or None)
            except NotFound:
                self._book.drop(name, cron.metadata["uid"])
                self._put(name, [])
                return False
            self._book.put(answer)
            # It also has what happened since the last watch event, whose own event then says nothing new.
            self.add([name])
        self._put(name, found.due)
        if found.wake_at:
            self._later(name, (found.wake_at - now).total_seconds())
        return True

    def _put(self, name: Name, dues: list[Due]) -> None:
        by_channel: dict[Name, list[Due]] = {}
        for due in dues:
            by_channel.setdefault(due.rule.channel, []).append(due)
        now = self._clock()
        for channel in self._places.pop(name, set()) - by_channel.keys():
            self.outboxes[channel].put(name, [], now)
        for channel, these in by_channel.items():
            if self.outboxes[channel].put(name, these, now):
                self._on_due(channel)
        if by_channel:
            self._places[name] = set(by_channel)

    def _later(self, name: Name, seconds: float) -> None:
        if known := self._timers.pop(name, None):
            known.cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(max(0.0, seconds), self._due, name)

    def _due(self, name: Name) -> None:
        self._timers.pop(name, None)
        self.add([name])
