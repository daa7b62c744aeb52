"""How far a backfill is: read from its status, moved on, and written back. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from graphcron.operator.reasons import JOB_DELETED, JOB_NAME_TAKEN
from graphcron.operator.spending import Sums
from graphcron.resource.backfill import (
    FIRINGS_LIMIT,
    SLOTS_LIMIT,
    STATUS_UNREADABLE,
    ActiveFiring,
    BackfillCounts,
    BackfillFiring,
    BackfillStatus,
    LeftOut,
)
from graphcron.resource.backfill_plan import SlotPlan, ends
from graphcron.resource.fields import InvalidGraphCron, clipped
from graphcron.resource.slots import read_slots, write_slots
from graphcron.resource.status import FiringCounts, HistoryEntry

MESSAGE_LIMIT = 256
"""Characters of the message of a firing, and of its answer: a hundred of them are written with each step."""
FAILURES_LIMIT = 80
"""Firings that did not succeed, of those that a status describes."""
SHOWN_SLOTS = 5


@dataclass
class Progress:
    """Of one backfill. It is begun when it knows its scheduled times; a dry run never is."""

    graph_cron_uid: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    first: list[datetime] = field(default_factory=list)
    last: list[datetime] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    remaining: list[datetime] = field(default_factory=list)
    """The oldest first."""
    active: list[ActiveFiring] = field(default_factory=list)
    firings: list[BackfillFiring] = field(default_factory=list)
    succeeded: list[datetime] = field(default_factory=list)
    slots: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """By the name of a count."""
    spent: Sums = field(default_factory=Sums)

    @classmethod
    def of(cls, status: BackfillStatus) -> "Progress":
        """Raises InvalidGraphCron when it is not to be known how far it is."""
        counts = status.counts or BackfillCounts()
        try:
            remaining = read_slots(status.remaining or "", SLOTS_LIMIT)
            succeeded = read_slots(status.succeeded or "", SLOTS_LIMIT)
        except ValueError as error:
            raise InvalidGraphCron(STATUS_UNREADABLE, f"status: {error}") from None
        return cls(
            graph_cron_uid=status.graph_cron_uid,
            started_at=status.started_at,
            finished_at=status.finished_at,
            first=status.first_slots or [],
            last=status.last_slots or [],
            left_out=status.left_out or [],
            remaining=remaining,
            active=list(status.active or ()),
            firings=list(status.firings or ()),
            succeeded=succeeded,
            slots=counts.slots,
            ended={name: getattr(counts, name) for name in _ENDED},
            spent=Sums.spent(status.spent),
        )

    @property
    def begun(self) -> bool:
        return self.graph_cron_uid is not None

    @property
    def over(self) -> int:
        """How many scheduled times are over."""
        return sum(self.ended.values())

    def list_slots(self, plan: SlotPlan) -> None:
        """As a dry run does, and each backfill when it begins."""
        self.slots, self.left_out = len(plan.slots), plan.left_out
        self.first, self.last = ends(plan.slots, SHOWN_SLOTS)

    def begin(self, plan: SlotPlan, graph_cron_uid: str, now: datetime) -> None:
        self.list_slots(plan)
        self.remaining, self.graph_cron_uid, self.started_at = list(plan.slots), graph_cron_uid, now

    def take(self, number: int, name_of: str, *, newest: bool) -> None:
        """It is the turn of the next ones. `name_of` is the name of the CronJob."""
        for _ in range(min(number, len(self.remaining))):
            slot = self.remaining.pop(-1 if newest else 0)
            self.active.append(ActiveFiring(scheduled_time=slot, job_name=job_name(name_of, slot)))

    def made(self, firing: ActiveFiring, uid: str) -> None:
        """Its Job was observed: were it gone later, somebody deleted it."""
        self.active[self.active.index(firing)] = firing.model_copy(update={"job_uid": uid})

    def ends_as(self, firing: ActiveFiring, entry: HistoryEntry) -> None:
        """Its Job ended."""
        outcome = "Failed" if entry.outcome == "Missed" else entry.outcome
        self._end(
            firing,
            BackfillFiring(
                scheduled_time=firing.scheduled_time,
                outcome=outcome,
                reason=entry.reason,
                message=clipped(entry.message, MESSAGE_LIMIT) if entry.message else None,
                job_name=firing.job_name,
                run_id=entry.run_id,
                thread_id=entry.thread_id,
                started_at=entry.started_at,
                finished_at=entry.finished_at,
                duration_seconds=entry.duration_seconds,
                usage=entry.usage,
                cost=entry.cost,
                cost_incomplete=entry.cost_incomplete,
                answer=clipped(entry.answer, MESSAGE_LIMIT) if entry.answer else None,
                trace_url=entry.trace_url,
            ),
        )

    def lost(self, firing: ActiveFiring, now: datetime) -> None:
        """Somebody deleted its Job while nobody watched."""
        self._fail(firing, JOB_DELETED, "somebody deleted its Job; its run may go on, or be over", now)

    def name_taken(self, firing: ActiveFiring, now: datetime) -> None:
        message = f"a Job {firing.job_name} that belongs to somebody else is there: delete it, and run this time again"
        self._fail(firing, JOB_NAME_TAKEN, message, now)

    def give_back(self, firing: ActiveFiring) -> None:
        """No Job was made of it."""
        self.active.remove(firing)
        self.remaining = sorted([*self.remaining, firing.scheduled_time])

    def _fail(self, firing: ActiveFiring, reason: str, message: str, now: datetime) -> None:
        failed = BackfillFiring(
            scheduled_time=firing.scheduled_time,
            outcome="Failed",
            reason=reason,
            message=message,
            job_name=firing.job_name,
            finished_at=now,
        )
        self._end(firing, failed)

    def _end(self, firing: ActiveFiring, ended: BackfillFiring) -> None:
        self.active.remove(firing)
        name = _COUNTED.get(ended.outcome) or FiringCounts.name_of(ended.outcome)
        self.ended[name] = self.ended.get(name, 0) + 1
        if ended.outcome in ("Succeeded", "WaitingForInput"):
            self.succeeded.append(firing.scheduled_time)
        self.spent = self.spent.plus(Sums.of(ended))
        self.firings = _bounded([ended, *self.firings])

    def counts(self) -> BackfillCounts:
        left_out = sum(group.count for group in self.left_out)
        remaining = len(self.remaining) if self.begun else self.slots
        return BackfillCounts(
            slots=self.slots, remaining=remaining, active=len(self.active), left_out=left_out, **self.ended
        )

    def fields(self) -> dict[str, object]:
        """The fields of the status that it is kept in."""
        return {
            "graph_cron_uid": self.graph_cron_uid,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "progress": f"{self.over}/{self.slots}",
            "counts": self.counts(),
            "spent": self.spent.fields() if any(self.spent) else None,
            "first_slots": self.first or None,
            "last_slots": self.last or None,
            "left_out": self.left_out or None,
            "active": self.active or None,
            "firings": self.firings or None,
            "remaining": write_slots(self.remaining) or None,
            "succeeded": write_slots(self.succeeded) or None,
        }


_ENDED = ("succeeded", "failed", "skipped", "waiting")
_COUNTED = {"Replaced": "failed"}
"""A backfill's firing is replaced when another run cancelled its own: it did not succeed."""


def _bounded(firings: list[BackfillFiring]) -> list[BackfillFiring]:
    """The newest of them, and of the others those that somebody has to see."""
    if len(firings) <= FIRINGS_LIMIT:
        return firings
    newest, older = firings[: FIRINGS_LIMIT - FAILURES_LIMIT], firings[FIRINGS_LIMIT - FAILURES_LIMIT :]
    failed = [firing for firing in older if firing.outcome != "Succeeded"]
    others = [firing for firing in older if firing.outcome == "Succeeded"]
    kept = {id(firing) for firing in [*failed[:FAILURES_LIMIT], *others][:FAILURES_LIMIT]}
    return newest + [firing for firing in older if id(firing) in kept]


def job_name(cron_job: str, slot: datetime) -> str:
    """As the CronJob controller names the Job of a scheduled time."""
    return f"{cron_job}-{int(slot.timestamp()) // 60}"


def succeeded_slots(statuses: Iterable[BackfillStatus]) -> set[datetime]:
    """Of other backfills; one whose status cannot be read says nothing."""
    found: set[datetime] = set()
    for status in statuses:
        try:
            found.update(read_slots(status.succeeded or "", SLOTS_LIMIT))
        except ValueError:
            continue
    return found
