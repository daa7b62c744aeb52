"""`spec.maxRuns`: how many runs the schedule has started, and when the last one is due that it may start. Pure.

Two things hold the bound. The CronJob is suspended as soon as the Job of the last run is seen. And its order ends
before the time after the last one, counted from what is known: so while the operator is down, the run pods of later
times skip.

A firing counts from the moment at which its Job is seen, unless it ends without a run: skipped on purpose, missed, or
never started. Scheduled times between two Jobs of which nobody knows what became count, too: their Jobs were made,
ended and were deleted while the operator was down. So the count can be too high then, and not too low, unless somebody
deletes Jobs that the operator has not seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from graphcron.firing.formats import parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.kube.resources import CRON_JOBS
from graphcron.operator.history import added
from graphcron.operator.inputs import Inputs
from graphcron.operator.missed_runs import MissedRun
from graphcron.operator.observed import Observed, controller_of
from graphcron.operator.reasons import NOT_STARTING
from graphcron.resource.status import HistoryEntry, ScheduledRuns
from graphcron.schedule.next_runs import next_times


def bounded(inputs: Inputs, not_before: datetime | None, missed: Sequence[MissedRun]) -> Inputs:
    """The inputs with what has run, and the end that follows. Scheduled times before `not_before` start nothing;
    `missed` are not in the history."""
    if inputs.spec.max_runs is None:
        return inputs
    runs = _counted(inputs, missed)
    remaining = inputs.spec.max_runs - runs.count
    if remaining <= 0:
        return replace(inputs, runs=runs, remaining=0)
    after = max(runs.until, not_before - timedelta(seconds=1)) if not_before else runs.until
    times = next_times(
        inputs.schedule, inputs.zone, after, remaining + 1, start=inputs.spec.start_time, end=inputs.spec.end_time
    )
    return replace(
        inputs, runs=runs, remaining=remaining, runs_end=times[remaining] if len(times) > remaining else None
    )


def _counted(inputs: Inputs, missed: Sequence[MissedRun]) -> ScheduledRuns:
    """The runs up to the last scheduled time of which anything is known; those under way among them."""
    observed = inputs.observed
    before = observed.status.scheduled_runs or _beginning(observed, inputs.now)
    entries = [entry for entry in observed.firings if entry.trigger is None and _last(entry) > before.since]
    running = {due for due in _under_way(observed) if due > before.since}
    ran = {entry.scheduled_time for entry in entries if _started(entry)}
    idle = {due for entry in entries if not _started(entry) for due in (entry.scheduled_time, _last(entry))}
    idle |= {one.due for one in missed}
    until = max([before.until, *running, *ran, *idle])
    after = max(before.until, observed.not_before - timedelta(seconds=1)) if observed.not_before else before.until
    gaps = [entry for entry in entries if entry.count]
    unknown = {
        due
        for due in (inputs.times_after(after, inputs.spec.max_runs or 0, until=until) if until > after else ())
        if due not in idle and not any(gap.scheduled_time < due < _last(gap) for gap in gaps)
    }
    new = {due for due in running | ran | unknown if due > before.until}
    # They counted while they were under way.
    gone = [entry for entry in added(observed.history, observed.firings) if entry in entries and not _started(entry)]
    less = sum(_last(entry) <= before.until for entry in gone)
    return ScheduledRuns(count=max(0, before.count + len(new) - less), since=before.since, until=until)


def _beginning(observed: Observed, now: datetime) -> ScheduledRuns:
    """What counts begins with the GraphCron, or after what the status had when maxRuns was set."""
    since = parse_time(observed.graphcron["metadata"].get("creationTimestamp") or now.isoformat())
    recorded = [observed.status.last_schedule_time, *map(_last, observed.history)]
    since = max([since, *(moment for moment in recorded if moment)])
    return ScheduledRuns(count=0, since=since, until=since)


def _last(entry: HistoryEntry) -> datetime:
    return entry.last_scheduled_time or entry.scheduled_time


def _started(entry: HistoryEntry) -> bool:
    return entry.outcome not in ("Skipped", "Missed") and entry.reason != NOT_STARTING


def _under_way(observed: Observed) -> Iterator[datetime]:
    over = {entry.job_name for entry in observed.firings}
    for job in observed.runs():
        name = job["metadata"]["name"]
        by_schedule = (controller_of(job) or {"kind": CRON_JOBS.kind})["kind"] == CRON_JOBS.kind
        if by_schedule and name not in over and (due := scheduled_time_of(name)):
            yield due
