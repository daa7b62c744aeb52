"""Missed runs: scheduled times that made no Job, and never will; recorded only where CronJob and Jobs prove it.

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
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.operator.cronjob import Timing
from graphcron.operator.history import ended_at
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import DEADLINE_PASSED, STILL_RUNNING
from graphcron.resource.spec import DEFAULT_STARTING_DEADLINE_SECONDS, GraphCronSpec
from graphcron.resource.status import HistoryEntry
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times


def deadline_of(spec: GraphCronSpec) -> timedelta:
    return timedelta(seconds=spec.starting_deadline_seconds or DEFAULT_STARTING_DEADLINE_SECONDS)


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


LOST_LIMIT = 1000
"""Slots that one look goes through; the next look goes on."""


def lost_slots(
    spec: GraphCronSpec, schedule: Schedule, zone: ZoneInfo, timing: Timing, seen: Observed, now: datetime
) -> list[Lost]:
    """Slots that made no Job, as far as the history has them not. Those before a change, or while it was suspended,
    were not due."""
    live = seen.cron_job
    if live is None or live["spec"].get("suspend"):
        return []
    runs, forbid = timed_runs(seen), live["spec"].get("concurrencyPolicy") == "Forbid"
    last = parse_time(live.get("status", {}).get("lastScheduleTime") or live["metadata"]["creationTimestamp"])
    told = [entry.last_scheduled_time or entry.scheduled_time for entry in seen.history if entry.job_name is None]
    after = max([since(runs, last, forbid=forbid), *told])
    if timing.not_before:
        after = max(after, timing.not_before - timedelta(seconds=1))  # a slot at that very moment is none of the past
    if after + deadline_of(spec) > now and not forbid:
        return []  # the usual case, without walking through the schedule
    slots = next_times(schedule, zone, after, LOST_LIMIT, start=spec.start_time, end=spec.end_time, until=now)
    if len(slots) < LOST_LIMIT:
        slots += next_times(schedule, zone, max(now, after), 1)
    return lost(slots, runs, last, deadline_of(spec), now, forbid=forbid)


def timed_runs(seen: Observed) -> list[Run]:
    """What is known of the Jobs that the schedule made, in order, also of those that are gone."""
    runs = {}
    for entry in seen.history:
        if entry.job_name and entry.finished_at and (due := scheduled_time_of(entry.job_name)):
            runs[due] = Run(due, entry.started_at or due, entry.finished_at)
    for job in seen.jobs:
        if due := scheduled_time_of(job["metadata"]["name"]):
            ended = ended_at(job)
            runs[due] = Run(due, parse_time(job["metadata"]["creationTimestamp"]), ended)
    return [runs[due] for due in sorted(runs)]
