"""What is to be told of a GraphCron: what is so against what was told. Pure.

Nothing depends on having seen a change: each assessment compares the status with the records in it. A record names how
many firings were told (`told`). Before a message is sent, the record gets its id and how many firings it is about, and
keeps them until it is delivered: so a repeat is the same message, and a firing that comes meanwhile is in the next one.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from graphcron.notifier import facts
from graphcron.notifier.cron import Cron, DefaultChannel, Rule
from graphcron.resource.status import Notification


class Timing(NamedTuple):
    """How often one thing is told again."""

    repeat: timedelta = timedelta(minutes=10)
    """Least time between two messages about one thing. Of a row of failures each is twice as far from the first."""
    longest: timedelta = timedelta(days=1)
    skew: timedelta = timedelta(minutes=1)
    """By which the clock of a process before may have been ahead."""
    fresh: timedelta = timedelta(hours=1)
    """Firings that ended so long before a rule is first seen are told; older ones are history."""


@dataclass(frozen=True)
class Due:
    """What is to be told through one channel. `record` is that of the message, Pending and with its id."""

    rule: Rule
    record: Notification
    ends: tuple[tuple[str, str], ...] = ()
    """Keys of the records whose end it tells."""

    @property
    def is_repeat(self) -> bool:
        """Whether it was sent before."""
        return bool(self.record.attempts)


@dataclass
class Assessment:
    """`records` is what the status should hold as long as nothing is sent, `wake_at` when to assess anew."""

    records: "Records" = field(default_factory=dict)
    due: list[Due] = field(default_factory=list)
    wake_at: datetime | None = None

    def wake(self, moment: datetime) -> None:
        """Assess anew at that time at the latest."""
        self.wake_at = min(self.wake_at or moment, moment)


def assess(cron: Cron, defaults: Sequence[DefaultChannel], now: datetime, timing: Timing = Timing()) -> Assessment:  # noqa: B008
    """What to tell of a GraphCron."""
    found = Assessment()
    rules = cron.rules(defaults)
    keys = {rule.key for rule in rules}
    for rule in rules:
        record = cron.records.get(rule.key)
        if record and record.at and record.at > now + timing.skew:
            record = record.model_copy(update={"at": now.replace(microsecond=0)})  # written by hand: it would silence
        if record and record.state != "Delivered" and not record.id:
            # It only says that it waits. Of firings it has how many were told before.
            plain = Notification(event=rule.event, channel=rule.path, state="Delivered", told=record.told)
            record = plain if rule.event in facts.OUTCOMES else None
        if record:
            found.records[rule.key] = record
        if rule.muted(now) and rule.muted_until:
            found.wake(rule.muted_until)
        elif record and record.id and record.state != "Delivered":
            found.due.append(Due(rule, record))
        elif rule.event in facts.OUTCOMES:
            _firings(cron, rule, record, found, now, timing)
        elif rule.event == "Stalled" and (rule.path, "Suspended") in keys and facts.fact(cron.status, "Suspended"):
            pass  # what suspends a GraphCron mostly stalls it, too: one message says both
        elif rule.event != "Recovered":
            _condition(cron, rule, record, found, now, timing)
    for rule in rules:
        if rule.event == "Recovered" and not rule.muted(now):
            _recovery(cron, rule, found)
    for due in found.due:
        known = cron.records.get(due.rule.key)
        if known and known.state != "Delivered":
            found.records[due.rule.key] = known  # it goes on saying so
    return found


def _firings(
    cron: Cron, rule: Rule, record: Notification | None, found: Assessment, now: datetime, timing: Timing
) -> None:
    status = cron.status
    total = facts.total(status, rule.event)
    if record is None:
        past = 0 if rule.from_start else total - (_since(cron, rule, now - timing.fresh, total))
        record = Notification(event=rule.event, channel=rule.path, state="Delivered", told=past)
    elif record.told > total:  # somebody else changed one of them
        record = record.model_copy(update={"told": total})
    new = total - record.told
    if rule.muted_until and new and (record.at is None or record.at < rule.muted_until):
        holds = (status.consecutive_failures or 0) if rule.event == "Failed" else 0
        new = min(new, max(_since(cron, rule, rule.muted_until, new), holds))
        if new < total - record.told:
            record = record.model_copy(update={"told": total - new, "at": now})
    found.records[rule.key] = record
    count = new
    if rule.event == "Failed" and rule.after > 1:
        row = facts.in_a_row(status, new)
        count = min(new, row) if row >= rule.after else 0
    if not count:
        return
    last = next(iter(facts.entries(status, rule.event)), None)
    reason, since = last.reason if last else "", None
    if rule.event in facts.REPEATED:
        goes_on = record.since is not None and facts.same_row(status, rule.event, record.since)
        since = record.since if goes_on else facts.row_began(status, rule.event) or now
        if goes_on and record.at and record.since and reason == record.reason:
            pause = min(max(record.at - record.since, timing.repeat), timing.longest)
            if now < record.at + pause:
                found.wake(record.at + pause)
                return
    message = Notification(
        event=rule.event,
        channel=rule.path,
        id=_id(cron, f"{rule.event} {total}"),
        state="Pending",
        reason=reason,
        since=since,
        count=count,
        told=total - count,
    )
    found.due.append(Due(rule, message))


def _since(cron: Cron, rule: Rule, moment: datetime, most: int) -> int:
    number = facts.number_since(cron.status, rule.event, moment)
    return most if number is None else min(number, most)


def _condition(
    cron: Cron, rule: Rule, record: Notification | None, found: Assessment, now: datetime, timing: Timing
) -> None:
    fact = facts.fact(cron.status, rule.event)
    if fact is None or (record and (record.since, record.reason) == (fact.since, fact.reason)):
        return
    if record and record.at and now < record.at + timing.repeat:
        found.wake(record.at + timing.repeat)
        return
    message = Notification(
        event=rule.event,
        channel=rule.path,
        id=_id(cron, f"{rule.event} {fact.since.isoformat()} {fact.reason}"),
        state="Pending",
        reason=fact.reason,
        since=fact.since,
        told=0,
    )
    found.due.append(Due(rule, message))


def _recovery(cron: Cron, rule: Rule, found: Assessment) -> None:
    if any(due.rule.key == rule.key for due in found.due):
        return  # an earlier one is under way
    over = [
        record
        for record in found.records.values()
        if record.channel == rule.path
        and record.state == "Delivered"
        and record.since
        and facts.is_over(cron.status, record.event, record.since)
    ]
    if not over:
        return
    named = sorted(f"{record.event} {record.since.isoformat()}" for record in over if record.since)
    message = Notification(
        event="Recovered",
        channel=rule.path,
        id=_id(cron, f"Recovered {' '.join(named)}"),
        state="Pending",
        reason=", ".join(record.event for record in over),
        told=0,
    )
    found.due.append(Due(rule, message, tuple(record.key for record in over)))


def _id(cron: Cron, what: str) -> str:
    """The same whenever and by whomever it is made."""
    return str(uuid.uuid5(uuid.UUID(_NAMESPACE), f"{cron.metadata['uid']} {what}"))


_NAMESPACE = "6d1f0f0e-6a3b-5d0c-9a37-6d3a5f0b8c11"


Records = dict[tuple[str, str], Notification]


def sending(records: Records, due: Due, identity: str, now: datetime) -> Records:
    """The records before a message is sent: with its id, and without what it ends."""
    record = due.record.model_copy(
        update={"id": identity, "attempts": (due.record.attempts or 0) + 1, "at": now.replace(microsecond=0)}
    )
    ended = {key: records[key].model_copy(update={"since": None}) for key in due.ends if key in records}
    return records | ended | {record.key: record}


def delivered(record: Notification, now: datetime) -> Notification:
    """The record of a message that arrived."""
    counted = record.told + (record.count or 0)
    return record.model_copy(
        update={"state": "Delivered", "at": now.replace(microsecond=0), "told": counted, "message": None}
    )


def failed(record: Notification, why: str, now: datetime) -> Notification:
    """The record of a message that did not."""
    return record.model_copy(update={"state": "Failed", "at": now.replace(microsecond=0), "message": why})


def held(records: Records, due: Due, state: Literal["Pending", "Failed"], why: str, now: datetime) -> Records:
    """The records while nothing can be sent through the channel. What was sent before stays that message."""
    known = records.get(due.record.key)
    if known and known.state != "Delivered" and (state == "Pending" or (known.state, known.message) == (state, why)):
        return records  # it says so already
    identity = due.record.id if due.is_repeat else None
    update = {"id": identity, "state": state, "message": why, "at": now.replace(microsecond=0)}
    return records | {due.record.key: due.record.model_copy(update=update)}
