"""The decision of one reconciliation: from what was observed to what is to be done. Pure.

`decide` says which CronJob to apply; `conclude` turns what came of it into the status. The shell gathers an
`Observed`, calls the one, acts, calls the other, and writes at most twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time, parse_time
from graphcron.operator import missed_runs
from graphcron.operator.conditions import READY, Verdict, condition_of, late_at, new_conditions
from graphcron.operator.cronjob import Timing, cron_job, installation, is_a_run, not_before
from graphcron.operator.drift import in_sync
from graphcron.operator.events import Event, events_of
from graphcron.operator.history import HISTORY_LIMIT, added, count, failures_in_a_row, is_over, job_of
from graphcron.operator.missed_runs import deadline_of, lost_slots, timed_runs
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import (
    EXPIRED,
    IN_POD_NOT_ALLOWED,
    INVALID_SCHEDULE,
    INVALID_TIMEZONE,
    MAX_FAILURES,
    NOT_STARTED,
    PAUSED,
    SCHEDULED,
    SUSPENDING,
    TOO_FREQUENT,
)
from graphcron.operator.run_pod import RunPods, refusal
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec import DEFAULT_TIMEZONE, GraphCronSpec, read_spec
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.frequency import too_frequent
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to do. `apply` is None when nothing is to be applied; `wake_at` is when to look again unasked."""

    verdict: Verdict
    apply: dict[str, Any] | None = None
    next_run_times: tuple[datetime, ...] = ()
    enabled: bool | None = None
    timezone: str | None = None
    wake_at: datetime | None = None
    lost: tuple[missed_runs.Lost, ...] = ()
    """Slots that made no Job, the oldest first, those that the history has not."""


def decide(seen: Observed, pods: RunPods, now: datetime, least: timedelta = timedelta()) -> Plan:
    """What is to be done for one GraphCron, at `now` (aware). `least` is the least time between two of its firings that
    the installation allows."""
    try:
        spec = read_spec(seen.graphcron.get("spec"))
        schedule, zone = read_when(spec, seen.graphcron["metadata"]["uid"])
        pending = _pending(spec, schedule, zone, seen.cron_job, now)
        if complaint := refusal(spec, pods):
            # An image that was taken off the list: what fires is stopped, and nothing is made of a new GraphCron.
            if seen.cron_job is None:
                raise InvalidGraphCron(IN_POD_NOT_ALLOWED, complaint)
            verdict = Verdict(False, IN_POD_NOT_ALLOWED, f"Suspended: {complaint}")
        else:
            verdict = _verdict(spec, schedule, zone, pending, seen, now, least)
        timing = _timing(spec, schedule, verdict, seen, now)
        wanted = cron_job(seen.graphcron, spec, timing, pods, installation(pods, least))
    except InvalidGraphCron as invalid:
        return Plan(_stalled(invalid.reason, invalid.message, seen))
    fires = verdict.reason in (SCHEDULED, NOT_STARTED)
    return Plan(
        verdict=verdict,
        apply=None if seen.cron_job and in_sync(wanted, seen.cron_job) else wanted,
        next_run_times=_coming(spec, schedule, zone, timing, now) if fires else (),
        enabled=fires,
        timezone=spec.timezone or DEFAULT_TIMEZONE,
        wake_at=min(filter(None, (_wake_at(spec, verdict, pending, now), _late_start(seen, now))), default=None),
        lost=tuple(lost_slots(spec, schedule, zone, timing, seen, now)),
    )


def read_when(spec: GraphCronSpec, uid: str) -> tuple[Schedule, ZoneInfo]:
    """Schedule and zone of a GraphCron with that uid. Raises InvalidGraphCron."""
    try:
        return read(spec.schedule, uid), read_timezone(spec.timezone)
    except InvalidSchedule as invalid:
        raise InvalidGraphCron(INVALID_SCHEDULE, str(invalid)) from None
    except InvalidTimezone as invalid:
        raise InvalidGraphCron(INVALID_TIMEZONE, str(invalid)) from None


def _stalled(reason: str, message: str, seen: Observed) -> Verdict:
    if seen.cron_job and not seen.cron_job["spec"].get("suspend"):
        message += " Until then its CronJob fires as before the change."
    return Verdict(False, reason, message)


def _timing(spec: GraphCronSpec, schedule: Schedule, verdict: Verdict, seen: Observed, now: datetime) -> Timing:
    """Whether it fires, and which slots are too old."""
    live = seen.cron_job
    timing = Timing(schedule, verdict.reason in SUSPENDING, not_before(live) if live else None)
    if live and _fires_anew(timing, spec, live) and not _has_only_waited(seen):
        # Kubernetes would catch up on a slot that lies before the change (kubernetes/kubernetes#130838).
        timing = replace(timing, not_before=now.replace(microsecond=0))
    return timing


def _has_only_waited(seen: Observed) -> bool:
    """Whether it was suspended until its startTime and nothing was changed since: then what was due from startTime on,
    while the operator slept, was promised."""
    ready = condition_of(seen.old, READY)
    generation = seen.graphcron["metadata"]["generation"]
    return ready is not None and (ready.reason, ready.observed_generation) == (NOT_STARTED, generation)


def _wake_at(spec: GraphCronSpec, verdict: Verdict, pending: datetime | None, now: datetime) -> datetime | None:
    """When this must be looked at again, though no event tells."""
    if verdict.reason == NOT_STARTED and spec.start_time:
        return spec.start_time - SOONER
    if verdict.reason != SCHEDULED or pending is None:
        return None
    # An event tells when a slot's Job is made. When none is made, because the slot is late or was passed over, nothing
    # does, and yet the next firing is another one, or the last before endTime is over.
    return pending + A_LITTLE_LATER if pending > now else now + LATER


def _late_start(seen: Observed, now: datetime) -> datetime | None:
    """When the next pod counts as one that cannot start. Nothing happens then, so no event tells."""
    late = (late_at(pod) for pod in seen.pods)
    return min((moment for moment in late if moment and moment > now), default=None)


NEXT_TIMES = 5

SOONER = timedelta(minutes=2)
"""Before startTime the CronJob is resumed, so that the first firing is on time. Slots before it are skipped by the run
pods."""


A_LITTLE_LATER = timedelta(seconds=30)
"""After a slot: a stock controller manager makes about 8.5 Jobs a second, so a look any sooner would often be early."""

LATER = timedelta(seconds=60)
"""Between looks at what no event tells of: a slot without a Job, a refusal that may have ended."""


def _fires_anew(timing: Timing, spec: GraphCronSpec, live: Manifest) -> bool:
    """Whether this change makes Kubernetes look at past slots: another schedule or zone, or a resumed one."""
    before = live["spec"]
    resumed = bool(before.get("suspend")) and not timing.suspend
    zone = spec.timezone or DEFAULT_TIMEZONE
    return resumed or before.get("schedule") != timing.schedule.kubernetes or before.get("timeZone") != zone


def _pending(
    spec: GraphCronSpec, schedule: Schedule, zone: ZoneInfo, live: Manifest | None, now: datetime
) -> datetime | None:
    """The first slot that has not fired yet and still may, None when none is left before endTime.

    Slots that are due but not fired count while they are within the starting deadline: the controller manager may be
    late, and suspending the CronJob under it would lose the last firing. Until it counts as missed, it is waited for.
    """
    since = now - deadline_of(spec) - missed_runs.GRACE if live else now
    if live:
        fired = live.get("status", {}).get("lastScheduleTime") or live["metadata"].get("creationTimestamp")
        since = max(since, parse_time(fired)) if fired else since
        since = max(since, not_before(live) or since)
    return next(iter(next_times(schedule, zone, since, 1, start=spec.start_time, end=spec.end_time)), None)


def _coming(
    spec: GraphCronSpec, schedule: Schedule, zone: ZoneInfo, timing: Timing, now: datetime
) -> tuple[datetime, ...]:
    after = max(now, timing.not_before or now)
    return tuple(next_times(schedule, zone, after, NEXT_TIMES, start=spec.start_time, end=spec.end_time))


def _verdict(
    spec: GraphCronSpec,
    schedule: Schedule,
    zone: ZoneInfo,
    pending: datetime | None,
    seen: Observed,
    now: datetime,
    least: timedelta,
) -> Verdict:
    if spec.enabled is False:
        because = f": {spec.pause_reason}" if spec.pause_reason else ""
        return Verdict(True, PAUSED, f"Paused{because}. Set spec.enabled to true to resume.")
    if pending is None:
        # A schedule that never fires was refused before: only endTime leaves none.
        end = f" before endTime {format_time(spec.end_time)}" if spec.end_time else ""
        return Verdict(True, EXPIRED, f"No firing is left{end}; it stays suspended.")
    if complaint := too_frequent(spec.schedule, schedule, least, now):
        return Verdict(False, TOO_FREQUENT, f"Suspended: {complaint}")
    if spec.max_failures and (failures := _failures(seen)) >= spec.max_failures:
        return Verdict(
            False,
            MAX_FAILURES,
            f"Suspended: the last {failures} runs failed, and maxFailures is {spec.max_failures}. Mend what "
            "LastRunSucceeded tells; any change of the spec then resumes it, and so does a run by hand that succeeds "
            f"(kubectl create job --from=cronjob/{seen.graphcron['metadata']['name']} NAME).",
        )
    if spec.start_time and _waits(spec.start_time, schedule, zone, now):
        start = format_time(spec.start_time)
        return Verdict(True, NOT_STARTED, f"Starts at {start}; its first run is due at {format_time(pending)}.")
    return Verdict(True, SCHEDULED, f"Fires at '{schedule.kubernetes}' in {zone.key}.")


def _waits(start: datetime, schedule: Schedule, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the CronJob is better suspended until its startTime: only when it would fire before."""
    return now + SOONER < start and bool(next_times(schedule, zone, now, 1, end=start))


def _failures(seen: Observed) -> int:
    """Failed firings in a row, since the spec was last changed."""
    changed = seen.old.observed_generation != seen.graphcron["metadata"]["generation"]
    before = 0 if changed else seen.old.consecutive_failures or 0
    return failures_in_a_row(before, added(seen.history, seen.firings))


def conclude(seen: Observed, plan: Plan, now: datetime) -> tuple[dict[str, Any], list[Event]]:
    """The status after the plan was carried out, and what is to be told.

    `seen.cron_job` is the CronJob as it is now, `plan.verdict` what came of it. A status equal to the present one is
    to be left alone.
    """
    old, metadata = seen.old, seen.graphcron["metadata"]
    job_status = seen.cron_job.get("status", {}) if seen.cron_job else {}
    past = missed_runs.entries(seen.firings, plan.lost, timed_runs(seen))
    fired = job_status.get("lastScheduleTime")
    if fired and seen.cron_job and not is_a_run(seen.cron_job, parse_time(fired)):
        fired = None
    running = [job["metadata"]["name"] for job in seen.jobs if not is_over(job)]
    waiting = [pod for pod in seen.pods if job_of(pod) in running]
    succeeded = next((entry.finished_at for entry in past if entry.outcome == "Succeeded"), None)
    conditions = new_conditions(plan.verdict, past, waiting, metadata["generation"], old.conditions or [], now)
    history, counts = past[:HISTORY_LIMIT], count(old.firings, seen.history, past)
    # As `GraphCronStatus.to_dict` would write it: to validate what is right already costs a third more.
    told = {
        "observedGeneration": metadata["generation"],
        "conditions": conditions,
        "cronJobName": seen.cron_job["metadata"]["name"] if seen.cron_job else None,
        "timezone": plan.timezone,
        "enabled": plan.enabled,
        "nextRunTimes": [format_time(moment) for moment in plan.next_run_times],
        "lastScheduleTime": fired or _written(old.last_schedule_time),
        "lastSuccessfulTime": _written(succeeded or old.last_successful_time),
        "active": len(job_status.get("active", [])),
        "history": [entry.to_dict() for entry in history],
        "firings": counts.to_dict() if counts else None,
        "consecutiveFailures": _failures(seen) or None,
    }
    events = events_of(old, conditions, history)
    return {name: value for name, value in told.items() if value is not None}, events


def _written(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
