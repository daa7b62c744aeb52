"""How what is due becomes messages: those that were sent before again, single ones, and one summary. Pure."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.notifier.cron import Name
from graphcron.notifier.due import Due

MINUTE = timedelta(minutes=1)
GATHER = timedelta(seconds=2)
"""For which a summary waits for more of the same storm."""


@dataclass(frozen=True)
class Waiting:
    """One thing that is due."""

    cron: Name
    due: Due
    since: datetime
    """When it was first found to be due."""


@dataclass(frozen=True)
class Planned:
    """One message: a single one, or a summary."""

    id: str
    parts: tuple[Waiting, ...]
    repeated: bool = False
    summed_up: bool = False


@dataclass(frozen=True)
class Plan:
    """The messages to send now, and when to plan anew."""

    messages: tuple[Planned, ...]
    again_at: datetime | None = None


def plan(waiting: Iterable[Waiting], sent: Sequence[datetime], limit: int, now: datetime, channel: str = "") -> Plan:
    """`sent` is when messages went through the channel, of which a minute has `limit` at most. The last of them sums up
    all that is left. `channel` is its uid."""
    recent = sorted(moment for moment in sent if moment > now - MINUTE)
    room = limit - len(recent)
    free_at = recent[len(recent) - limit] + MINUTE if room <= 0 else None
    again: dict[str, list[Waiting]] = {}
    fresh: list[Waiting] = []
    for one in waiting:
        if one.due.is_repeat and one.due.record.id:
            again.setdefault(one.due.record.id, []).append(one)
        else:
            fresh.append(one)
    repeats = [Planned(name, tuple(parts), True, _is_summary(name, parts)) for name, parts in again.items()]
    messages = repeats[: max(room, 0)]
    room -= len(messages)
    fresh.sort(key=lambda one: (one.since, one.cron))
    if room <= 0:
        return Plan(tuple(messages), (free_at or now + MINUTE) if fresh or len(again) > len(messages) else None)
    if len(fresh) <= room and (room > 1 or len(fresh) == 1):
        singles, rest = fresh, []
    else:
        singles, rest = fresh[: room - 1], fresh[room - 1 :]
    messages += [Planned(one.due.record.id or "", (one,)) for one in singles]
    if not rest:
        return Plan(tuple(messages))
    gathered = rest[0].since + GATHER
    if now < gathered:
        return Plan(tuple(messages), gathered)
    return Plan((*messages, Planned(_summary_id(channel, rest), tuple(rest), summed_up=True)))


def _is_summary(identity: str, parts: Sequence[Waiting]) -> bool:
    """A summary's id has a version of its own, so that a repeat is known as one, however few parts are left of it."""
    return len(parts) > 1 or uuid.UUID(identity).version == _VERSION


_VERSION = 8


def _summary_id(channel: str, parts: Sequence[Waiting]) -> str:
    """Of one channel: how many records have it is the number that the summary says."""
    named = uuid.uuid5(uuid.NAMESPACE_OID, " ".join([channel, *sorted(part.due.record.id or "" for part in parts)]))
    return str(uuid.UUID(int=(named.int & ~(0xF << 76)) | (_VERSION << 76)))
