"""Slots that made no Job, and never will: told only where CronJob and Jobs prove it.

The CronJob controller passes over a slot in three ways, and leaves at most an event that is gone in an hour: it comes
to it later than startingDeadlineSeconds; the Job of an earlier slot still runs and concurrencyPolicy is Forbid; a later
slot is due by then, and of several late ones it takes the last. What an operator that was down has not seen is no
proof: the Jobs of old firings are deleted. So a slot without a Job counts

- when it is later than lastScheduleTime, and its deadline has passed;
- when, under Forbid, the run of an earlier slot lasted until the slot after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from graphcron.firing.formats import format_time
from graphcron.resource.status import HistoryEntry

STILL_RUNNING = "StillRunning"
"""Skipped: the run of an earlier slot was not over, and concurrencyPolicy is Forbid."""
DEADLINE_PASSED = "StartingDeadlinePassed"
"""Missed: no Job was made within startingDeadlineSeconds."""

GRACE = timedelta(seconds=60)
"""How much later than certain a slot is given up: clocks differ, and news of a Job takes its time."""


@dataclass(frozen=True)
class Run:
    """The Job of one slot: when it was due, was made, and ended; None while it runs."""

    due: datetime
    made: datetime
    ended: datetime | None = None

    def lasted(self, moment: datetime) -> bool:
        """Whether it ran at this moment."""
        return self.made <= moment and (self.ended is None or self.ended > moment)


@dataclass(frozen=True)
class Lost:
    """A slot without a Job, and why."""

    due: datetime
    outcome: Literal["Skipped", "Missed"]
    reason: str
    message: str


def since(runs: Sequence[Run], last: datetime, *, forbid: bool) -> datetime:
    """The moment after which slots can be proved lost. `runs` are in order, `last` is lastScheduleTime, or what stands
    for it. What older runs held up was told in their time."""
    return min([last, *(run.due for run in runs[-3:] if forbid)])


def lost(
    slots: Sequence[datetime], runs: Sequence[Run], last: datetime, deadline: timedelta, now: datetime, *, forbid: bool
) -> list[Lost]:
    """Those of `slots` (in order, the one that follows them included) that made no Job."""
    fired = {run.due for run in runs}
    found = []
    for slot, following in pairwise(slots):
        if slot in fired:
            continue
        holding = next((run for run in runs if forbid and run.due < slot and run.lasted(slot)), None)
        too_late = slot > last and slot + deadline + GRACE <= now
        if holding and (too_late or _passed_over(slot, following, holding, fired, now)):
            running = f"the run due at {format_time(holding.due)} was still running, and concurrencyPolicy is Forbid"
            found.append(Lost(slot, "Skipped", STILL_RUNNING, running))
        elif too_late:
            seconds = int(deadline.total_seconds())
            late = (
                f"the cluster made no Job within startingDeadlineSeconds ({seconds}): its controller manager was down "
                "or behind, or could not make one (kubectl describe cronjob)"
            )
            found.append(Lost(slot, "Missed", DEADLINE_PASSED, late))
    return found


def _passed_over(slot: datetime, following: datetime, holding: Run, fired: Iterable[datetime], now: datetime) -> bool:
    """Whether the run that was in the way lasted until the next slot, which then was the one to fire. Jobs in between
    prove that the policy was another one at that time."""
    until = now - GRACE if holding.ended is None else holding.ended
    return until >= following and not any(holding.due < due < slot for due in fired)


def entries(old: Sequence[HistoryEntry], found: Iterable[Lost], runs: Sequence[Run]) -> list[HistoryEntry]:
    """The history with what was lost since its last entry of that kind, newest first. Slots in a row that were lost
    alike are one entry, which counts them, so that a history of ten still shows the runs."""
    history = list(old)
    gaps = [entry for entry in history if entry.job_name is None]
    for slot in found:
        before = max(gaps, key=_last, default=None)
        if before and before.reason == slot.reason and not any(_last(before) < run.due < slot.due for run in runs):
            longer = _entry(slot, before)
            history[history.index(before)] = longer
            gaps[gaps.index(before)] = longer
        else:
            new = _entry(slot, None)
            history.append(new)
            gaps.append(new)
    return sorted(history, key=lambda entry: entry.scheduled_time, reverse=True)


def _last(gap: HistoryEntry) -> datetime:
    return gap.last_scheduled_time or gap.scheduled_time


def _entry(slot: Lost, before: HistoryEntry | None) -> HistoryEntry:
    if before is None:
        return HistoryEntry(
            scheduled_time=slot.due, outcome=slot.outcome, reason=slot.reason, message=f"no run: {slot.message}"
        )
    count = (before.count or 1) + 1
    text = f"{count} firings until {format_time(slot.due)} without a run: {slot.message}"
    return before.model_copy(update={"last_scheduled_time": slot.due, "count": count, "message": text})
