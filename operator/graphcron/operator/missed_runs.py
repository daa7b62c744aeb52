"""Missed runs: scheduled times that made no Job, and never will; recorded only where CronJob and Jobs prove it. Pure.

The CronJob controller passes over a scheduled time in three ways, and leaves at most an Event that expires in an hour:
it is later than startingDeadlineSeconds; the Job of an earlier time still runs and concurrencyPolicy is Forbid; a later
time is due by then, and of several late ones it takes the last. That a Job is missing proves nothing when the operator
was down: the Jobs of old firings are deleted. So a scheduled time without a Job counts

- when it is later than lastScheduleTime, and its deadline has passed;
- when, under Forbid, the run of an earlier time lasted until the time after it;
- when it is later than the last one in the status, and earlier than one that has fired, and fewer Jobs have ended since
  than Kubernetes keeps: its own, had there been one, would be kept (`passed_over`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.operator.history import ended_at, newest_first
from graphcron.operator.inputs import GRACE, Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.pod_status import final_outcome, job_of
from graphcron.operator.reasons import DEADLINE_PASSED, NOT_STARTING, PASSED_OVER, SIDECAR_RUNNING, STILL_RUNNING
from graphcron.operator.starting import Waiting
from graphcron.resource.status import HistoryEntry
from graphcron.schedule.next_runs import next_times


@dataclass(frozen=True)
class JobTimes:
    """When the Job of one scheduled time was due, was made, and ended; None while it runs."""

    due: datetime
    made: datetime
    ended: datetime | None = None
    trouble: tuple[str, str] | None = None
    """Reason and message of one that was not at work."""
    run_ended: datetime | None = None
    """When its run ended, after which only containers of others kept the Job."""

    def lasted(self, moment: datetime) -> bool:
        """Whether it ran at this moment."""
        return self.made <= moment and (self.ended is None or self.ended > moment)


@dataclass(frozen=True)
class MissedRun:
    """A scheduled time without a Job, and why."""

    due: datetime
    outcome: Literal["Skipped", "Missed"]
    reason: str
    message: str

    @property
    def unexplained(self) -> bool:
        """Whether no more is known than that there is no Job."""
        return self.reason == DEADLINE_PASSED


def missed_runs(inputs: Inputs, not_before: datetime | None, waiting: Sequence[Waiting] = ()) -> list[MissedRun]:
    """Scheduled times that made no Job and are not in the history, the oldest first. Those before `not_before`, or
    while the CronJob was suspended, were not due. `waiting` are the Jobs without a running container."""
    live, last, now = inputs.live, inputs.observed.last_fired, inputs.now
    if live is None or last is None or live["spec"].get("suspend"):
        return []
    runs, forbid = job_times(inputs.observed, waiting), live["spec"].get("concurrencyPolicy") == "Forbid"
    recorded = [_last(entry) for entry in inputs.observed.history if entry.job_name is None]
    if not_before:
        recorded.append(not_before - timedelta(seconds=1))  # a time at that very moment was due
    found = passed_over(inputs, runs, recorded)
    after = max([since(runs, last, forbid=forbid), *recorded])
    if after + inputs.deadline > now and not forbid:
        return found  # the usual case, without walking through the schedule
    times = inputs.times_after(after, TIMES_LIMIT, until=now)
    if len(times) < TIMES_LIMIT:
        times += next_times(inputs.schedule, inputs.zone, max(now, after), 1)
    found += among(times, runs, last, inputs.deadline, now, forbid=forbid)
    return sorted((_explained(missed, inputs) for missed in found), key=lambda missed: missed.due)


def _explained(missed: MissedRun, inputs: Inputs) -> MissedRun:
    """With the cause, where the CronJob controller said why it could not make a Job."""
    words = inputs.no_job_because(missed.due) if missed.reason == DEADLINE_PASSED else None
    if words is None:
        return missed
    return replace(missed, reason=NOT_STARTING, message=f"the cluster could not make its Job: {words}")


def passed_over(inputs: Inputs, runs: Sequence[JobTimes], since: Iterable[datetime]) -> list[MissedRun]:
    """Scheduled times without a Job between the last one in the status, or the last of `since`, and the last that
    fired. Not under Replace: the Job of a replaced firing is deleted."""
    observed, live, last = inputs.observed, inputs.live, inputs.observed.last_schedule_time
    if live is None or last is None or observed.awaits_a_job:
        return []
    policy = live["spec"].get("concurrencyPolicy")
    begin = observed.status.last_schedule_time or parse_time(live["metadata"]["creationTimestamp"])
    begin = max([begin, *since])
    if begin >= last or policy == "Replace":
        return []
    kept = min(live["spec"].get(f"{kind}JobsHistoryLimit", 0) for kind in ("successful", "failed"))
    fired = {run.due for run in runs}
    message = (
        f"the cluster made no Job before the firing of {format_time(last)} was due, and then only that one's: its "
        "controller manager was down or behind, or could not make one"
    )
    return [
        MissedRun(due, "Missed", PASSED_OVER, message)
        for due in inputs.times_after(begin, TIMES_LIMIT, until=last)
        if due not in fired
        and sum(run.due > due and run.ended is not None for run in runs) < kept
        and not any(policy == "Forbid" and run.due < due and run.lasted(due) for run in runs)
    ]


TIMES_LIMIT = 1000
"""Scheduled times that one reconciliation goes through; the next one goes on."""


def since(runs: Sequence[JobTimes], last: datetime, *, forbid: bool) -> datetime:
    """The moment after which missed runs can be proved. `runs` are in order, `last` is when it last fired. What older
    runs held up was recorded then."""
    return min([last, *(run.due for run in runs[-3:] if forbid)])


def among(
    times: Sequence[datetime],
    runs: Sequence[JobTimes],
    last: datetime,
    deadline: timedelta,
    now: datetime,
    *,
    forbid: bool,
) -> list[MissedRun]:
    """Those of `times` (in order, the one that follows them included) that made no Job."""
    fired = {run.due for run in runs}
    found = []
    for due, following in pairwise(times):
        if due in fired:
            continue
        holding = next((run for run in runs if forbid and run.due < due and run.lasted(due)), None)
        too_late = due > last and due + deadline + GRACE <= now
        if holding and (too_late or _passed_over(due, following, holding, fired, now)):
            found.append(_held_up(due, holding))
        elif too_late:
            seconds = int(deadline.total_seconds())
            late = (
                f"the cluster made no Job within startingDeadlineSeconds ({seconds}): its controller manager was down "
                "or behind, or could not make one (kubectl describe cronjob)"
            )
            found.append(MissedRun(due, "Missed", DEADLINE_PASSED, late))
    return found


def _held_up(due: datetime, holding: JobTimes) -> MissedRun:
    """By the Job of an earlier firing, under Forbid. Only while that one was at work it is as its user wants it."""
    earlier = format_time(holding.due)
    reason, words = holding.trouble or (None, "")
    if reason is None and holding.run_ended and due > holding.run_ended:
        reason, words = SIDECAR_RUNNING, "a container that others put into its pod went on"
    if reason is None:
        running = f"the run due at {earlier} was still running, and concurrencyPolicy is Forbid"
        return MissedRun(due, "Skipped", STILL_RUNNING, running)
    what = "was kept after its run" if reason == SIDECAR_RUNNING else "did not start"
    return MissedRun(
        due, "Missed", reason, f"the Job due at {earlier} {what}, and concurrencyPolicy is Forbid: {words}"
    )


def _passed_over(
    due: datetime, following: datetime, holding: JobTimes, fired: Iterable[datetime], now: datetime
) -> bool:
    """Whether the run that was in the way lasted until the next scheduled time, which then was the one to fire. Jobs in
    between prove that the policy was another one at that time."""
    until = now - GRACE if holding.ended is None else holding.ended
    return until >= following and not any(holding.due < other < due for other in fired)


def entries(old: Sequence[HistoryEntry], found: Iterable[MissedRun], runs: Sequence[JobTimes]) -> list[HistoryEntry]:
    """The history with the missed runs, newest first. Those in a row with one outcome are one entry, which counts them,
    so that a history of ten still shows the runs."""
    history = list(old)
    gaps = [entry for entry in history if entry.job_name is None]
    for missed in found:
        before = max(gaps, key=_last, default=None)
        if (
            before
            and (before.outcome, before.reason) == (missed.outcome, missed.reason)
            and not any(_last(before) < run.due < missed.due for run in runs)
        ):
            longer = _entry(missed, before)
            history[history.index(before)] = longer
            gaps[gaps.index(before)] = longer
        else:
            new = _entry(missed, None)
            history.append(new)
            gaps.append(new)
    return newest_first(history)


def _last(gap: HistoryEntry) -> datetime:
    return gap.last_scheduled_time or gap.scheduled_time


def _entry(missed: MissedRun, before: HistoryEntry | None) -> HistoryEntry:
    if before is None:
        return HistoryEntry(
            scheduled_time=missed.due, outcome=missed.outcome, reason=missed.reason, message=f"no run: {missed.message}"
        )
    count = (before.count or 1) + 1
    text = f"{count} firings until {format_time(missed.due)} without a run: {missed.message}"
    return before.model_copy(update={"last_scheduled_time": missed.due, "count": count, "message": text})


def job_times(observed: Observed, waiting: Sequence[Waiting] = ()) -> list[JobTimes]:
    """The Jobs that the schedule made, in order, also those that are deleted."""
    runs = {}
    troubles = {entry.job_name: (NOT_STARTING, entry.message or "") for entry in observed.firings if _did_not(entry)}
    for one in waiting:
        if one.trouble:
            reason = SIDECAR_RUNNING if one.kept else NOT_STARTING
            words = one.trouble[1] if one.kept else f"{one.trouble[0]}: {one.trouble[1]}"
            troubles[one.job["metadata"]["name"]] = (reason, words)
    for entry in observed.history:
        if entry.job_name and entry.finished_at and (due := scheduled_time_of(entry.job_name)):
            made = entry.started_at or due
            runs[due] = JobTimes(due, made, entry.finished_at, troubles.get(entry.job_name))
    for job in observed.jobs:
        name = job["metadata"]["name"]
        if due := scheduled_time_of(name):
            made = parse_time(job["metadata"]["creationTimestamp"])
            final = final_outcome([pod for pod in observed.pods if job_of(pod) == name])
            run_ended = parse_time(final[1]) if final and final[1] else None
            runs[due] = JobTimes(due, made, ended_at(job), troubles.get(name), run_ended)
    return [runs[due] for due in sorted(runs)]


def _did_not(entry: HistoryEntry) -> bool:
    """Whether the firing of an entry with a Job did not start."""
    return entry.job_name is not None and entry.reason == NOT_STARTING
