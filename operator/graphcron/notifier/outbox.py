"""What waits for one channel, and how it does: the pure state of a channel's work."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from graphcron.notifier.channel import LASTING, pause
from graphcron.notifier.cron import Name
from graphcron.notifier.due import Due
from graphcron.notifier.plan import MINUTE, Plan, Waiting, plan

REMEMBERED = 200
"""Times of messages: a minute has 60 at most."""
REMEMBERED_REFUSALS = timedelta(hours=1)


class Outbox:
    """Of one channel, whether or not there is one of that name."""

    def __init__(self) -> None:
        self._waiting: dict[Name, dict[str, Waiting]] = {}
        self._sent: deque[datetime] = deque(maxlen=REMEMBERED)
        self.failures = 0
        """Attempts in a row that failed."""
        self.retry_at: datetime | None = None
        self._held: dict[str, datetime] = {}
        """Messages that were refused, by their ids, and until when all others go first."""

    def put(self, cron: Name, dues: Sequence[Due], now: datetime) -> bool:
        """All that is due of one GraphCron, in place of what was. Whether there is something new."""
        before = self._waiting.pop(cron, {})
        if not dues:
            return False
        self._waiting[cron] = {
            due.record.event: Waiting(cron, due, known.since if (known := before.get(due.record.event)) else now)
            for due in dues
        }
        return any(due.record.event not in before for due in dues)

    def remember(self, moment: datetime) -> None:
        """A message was sent at that time, perhaps by a process before this one."""
        self._sent.append(moment)

    def has_room(self, most: int, now: datetime) -> bool:
        """Whether less than that was sent within a minute."""
        return sum(moment > now - MINUTE for moment in self._sent) < most

    def plan(self, limit: int, now: datetime, channel: str) -> Plan:
        """The messages to send now: while the channel fails, one attempt at a time, and first of what was not refused.
        A receiver that takes all messages but one gets all others."""
        if self.retry_at and now < self.retry_at:
            return Plan((), self.retry_at)
        waiting = self.waiting()
        self._held = {one: until for one, until in self._held.items() if until > now - REMEMBERED_REFUSALS}
        ready = [one for one in waiting if not self.holds(one.due.record.id or "", now)]
        if self.failures:
            fresh = [one for one in ready if one.due.record.id not in self._held]
            ready = fresh or sorted(ready, key=lambda one: self._held[one.due.record.id or ""])
        found = plan(ready, self._sent, limit, now, channel)
        return Plan(found.messages[:1], found.again_at) if self.failures else found

    def hold(self, identity: str, until: datetime) -> None:
        """It was refused, and for its own sake, perhaps."""
        self._held[identity] = until

    def holds(self, identity: str, now: datetime) -> bool:
        """Whether all others go first."""
        return identity in self._held and now < self._held[identity]

    def attempted(self, now: datetime, identity: str, *, failed: bool, lasting: bool = False) -> None:
        """After a message was sent."""
        self._sent.append(now)
        again = lasting and identity in self._held  # which says nothing new of the channel
        self.failures = max(1, self.failures + (not again)) if failed else 0
        self.retry_at = now + pause(self.failures, lasting=lasting) if failed else None
        if lasting:
            self.hold(identity, now + timedelta(seconds=LASTING))

    def again(self) -> None:
        """Somebody has changed the channel: try at once."""
        self.retry_at = None
        self._held.clear()

    def __len__(self) -> int:
        """How much waits."""
        return sum(map(len, self._waiting.values()))

    def waiting(self) -> list[Waiting]:
        """All that waits."""
        return [one for place in self._waiting.values() for one in place.values()]

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest waits."""
        return min((one.since for place in self._waiting.values() for one in place.values()), default=None)

    def is_idle(self, now: datetime) -> bool:
        """Whether nothing of it matters any more."""
        return not self._waiting and not any(moment > now - MINUTE for moment in self._sent)
