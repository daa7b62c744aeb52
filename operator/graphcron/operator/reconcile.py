"""The decision of one reconciliation: from what is observed to what is to be written. Pure.

`decide` says which CronJob to apply; `conclude` turns what came of it into the status. The controller gathers an
`Observed`, calls the one, acts, calls the other, and writes at most twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator import missed_runs
from graphcron.operator.conditions import READY, RUNS_STARTING, condition_of, new_conditions, steady_start
from graphcron.operator.cronjob import Installation, Timing, cron_job, is_a_run
from graphcron.operator.drift import in_sync
from graphcron.operator.events import Event, events_of, of_request
from graphcron.operator.history import HISTORY_LIMIT, added, count
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.phase import Phase, Verdict, stalled
from graphcron.operator.reasons import FAILED_CREATE, IN_POD_NOT_ALLOWED, NO_POD, NOT_STARTING
from graphcron.operator.requests import RunRequest, active_jobs, last_request
from graphcron.operator.run_pod import refusal
from graphcron.operator.starting import End, Waiting, has_a_started_run, to_end, waiting_jobs
from graphcron.operator.unchanged import unchanged_until
from graphcron.resource.fields import InvalidGraphCron
from graphcron.schedule.frequency import too_frequent
from graphcron.schedule.next_runs import next_times


@dataclass(frozen=True)
class Plan:
    """What to write. `apply` is None when no CronJob is to be applied; `wake_at` is when to requeue, event or not."""

    verdict: Verdict
    apply: Manifest | None = None
    next_run_times: tuple[datetime, ...] = ()
    enabled: bool | None = None
    timezone: str | None = None
    wake_at: datetime | None = None
    missed: tuple[missed_runs.MissedRun, ...] = ()
    """Missed runs that are not in the history, the oldest first."""
    refused: tuple[str, str] | None = None
    """Reason and message when no Job can be made."""
    end: End | None = None
    """The Job of a firing that is not waited for any longer."""
    asks: bool = False
    """Whether Events could say why something was not created. Decide again with them."""
    request: RunRequest | None = None
    """A request to run now that is new, with what came of it."""
    unchanged: bool = False
    """Nothing is to be written; the verdict is that of the status."""


def decide(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """What is to be written for one GraphCron, at `now` (aware)."""
    if until := unchanged_until(observed, installation.mark, now):
        return Plan(Verdict(Phase.SCHEDULED, ""), wake_at=until + A_LITTLE_LATER, unchanged=True)
    return decide_in_full(observed, installation, now)


def decide_in_full(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """As `decide`, without its first check."""
    waiting = waiting_jobs(observed, now)
    end, look_again = to_end(observed, waiting, installation.start_timeout, now)
    asks = observed.create_failures is None and any(one.trouble and one.trouble[0] == NO_POD for one in waiting)
    try:
        inputs = Inputs.read(observed, installation, now)
        verdict = _verdict(inputs)
        timing = Timing(inputs.schedule, verdict.phase.suspends, _not_before(inputs, verdict.phase))
        wanted = cron_job(observed.graphcron, inputs.spec, timing, installation.pods, installation.mark)
    except InvalidGraphCron as invalid:
        return Plan(_invalid(invalid, observed), wake_at=look_again, end=end, asks=asks)
    missed = missed_runs.missed_runs(inputs, timing.not_before, waiting)
    refused = None
    if verdict.phase is Phase.SCHEDULED:
        refused = _cannot_make_a_job(inputs, waiting)
        asks |= observed.create_failures is None and (inputs.is_late or any(one.unexplained for one in missed))
        if message := _not_starting(inputs, waiting, missed, refused):
            verdict = Verdict(Phase.NOT_STARTING, message)
    return Plan(
        verdict=verdict,
        apply=None if inputs.live and in_sync(wanted, inputs.live) else wanted,
        next_run_times=inputs.next_run_times(timing.not_before) if verdict.phase.enabled else (),
        enabled=verdict.phase.enabled,
        timezone=inputs.timezone,
        wake_at=min(filter(None, (_wake_at(inputs, verdict.phase), look_again)), default=None),
        missed=tuple(missed),
        refused=refused,
        end=end,
        asks=asks,
    )


def _trouble(observed: Observed, waiting: Sequence[Waiting]) -> tuple[str, str] | None:
    """Reason and message of the oldest Job that does not start."""
    trouble = next((one.trouble for one in waiting if one.trouble and not one.kept), None)
    return steady_start(trouble, condition_of(observed.status, RUNS_STARTING)) if trouble else None


def _cannot_make_a_job(inputs: Inputs, waiting: Sequence[Waiting]) -> tuple[str, str] | None:
    """Reason and message when the CronJob controller says why a firing that is due has no Job."""
    due = inputs.pending
    words = inputs.no_job_because(due) if due and inputs.is_late and not waiting else None
    return (FAILED_CREATE, f"CronJob {inputs.observed.graphcron['metadata']['name']}: {words}") if words else None


def _not_starting(
    inputs: Inputs,
    waiting: Sequence[Waiting],
    missed: Sequence[missed_runs.MissedRun],
    refused: tuple[str, str] | None,
) -> str | None:
    """Why the firings of a GraphCron do not start, None when they do. It stays so until one starts, or until the spec
    changes: between two firings nothing shows whether the next one will."""
    late = [one for one in waiting if inputs.now >= one.late_at]
    if trouble := _trouble(inputs.observed, late) or refused:
        return f"Its firings do not start: {trouble[0]}: {trouble[1]}"
    observed = inputs.observed
    if has_a_started_run(observed):
        return None
    lost = next((one.message for one in reversed(missed) if one.reason == NOT_STARTING), None)
    fired = [entry for entry in observed.firings if entry.job_name or entry.reason == NOT_STARTING]
    newest = max(fired, key=lambda entry: entry.last_scheduled_time or entry.scheduled_time, default=None)
    if lost is None and (newest is None or newest.reason != NOT_STARTING):
        return None
    ready = condition_of(observed.status, READY)
    if observed.is_current and ready and ready.reason == NOT_STARTING:
        return ready.message
    if lost is None and newest in added(observed.history, observed.firings):
        lost = newest.message
    return f"Its firings do not start: {lost}" if lost else None


def _invalid(invalid: InvalidGraphCron, observed: Observed) -> Verdict:
    message = invalid.message
    if observed.cron_job and not observed.cron_job["spec"].get("suspend"):
        message += " Until then its CronJob fires as before the change."
    return stalled(invalid.reason, message)


def _verdict(inputs: Inputs) -> Verdict:
    """The phase, by the first of these that holds. Raises InvalidGraphCron."""
    spec, failures = inputs.spec, inputs.observed.consecutive_failures
    if complaint := refusal(spec, inputs.installation.pods):
        # An image that was taken off the list: what fires is suspended, and nothing is created for a new GraphCron.
        if inputs.live is None:
            raise InvalidGraphCron(IN_POD_NOT_ALLOWED, complaint)
        return Verdict(Phase.IN_POD_NOT_ALLOWED, f"Suspended: {complaint}")
    if spec.enabled is False:
        because = f": {spec.pause_reason}" if spec.pause_reason else ""
        return Verdict(Phase.PAUSED, f"Paused{because}. Set spec.enabled to true to resume.")
    if inputs.pending is None:
        # A schedule that never fires was refused before: only endTime leaves none.
        end = f" before endTime {format_time(spec.end_time)}" if spec.end_time else ""
        return Verdict(Phase.EXPIRED, f"No firing is left{end}; it stays suspended.")
    if complaint := too_frequent(spec.schedule, inputs.schedule, inputs.installation.minimum_interval, inputs.now):
        return Verdict(Phase.TOO_FREQUENT, f"Suspended: {complaint}")
    if spec.max_failures and failures >= spec.max_failures:
        return Verdict(
            Phase.MAX_FAILURES,
            f"Suspended: the last {failures} runs failed, and maxFailures is {spec.max_failures}. Mend what "
            "LastRunSucceeded tells; then resume it (annotation graphcron.dev/resume-requested, or 'graphcron resume "
            f"{inputs.observed.graphcron['metadata']['name']}'), or run it once with success. Any change of the spec "
            "resumes it, too.",
        )
    if spec.start_time and _fires_before_its_start(inputs, spec.start_time):
        due = format_time(inputs.pending)
        return Verdict(Phase.NOT_STARTED, f"Starts at {format_time(spec.start_time)}; its first run is due at {due}.")
    return Verdict(Phase.SCHEDULED, f"Fires at '{inputs.schedule.kubernetes}' in {inputs.zone.key}.")


def _fires_before_its_start(inputs: Inputs, start: datetime) -> bool:
    """Whether the CronJob is better suspended until startTime: only when it would fire before."""
    return inputs.now + SOONER < start and bool(next_times(inputs.schedule, inputs.zone, inputs.now, 1, end=start))


def _not_before(inputs: Inputs, phase: Phase) -> datetime | None:
    """From when on scheduled times count. Kubernetes would catch up on one that lies before a change of the schedule or
    the zone, or before it is resumed (kubernetes/kubernetes#130838). One that was suspended until its startTime catches
    up: what was due from then on, while the operator was down, was promised."""
    live = inputs.live
    if live is None:
        return None
    resumed = bool(live["spec"].get("suspend")) and not phase.suspends
    same = (live["spec"].get("schedule"), live["spec"].get("timeZone")) == (
        inputs.schedule.kubernetes,
        inputs.timezone,
    )
    if (resumed or not same) and not inputs.waits_for_its_start:
        return inputs.now.replace(microsecond=0)
    return inputs.observed.not_before


def _wake_at(inputs: Inputs, phase: Phase) -> datetime | None:
    """When to requeue though no event comes."""
    if phase is Phase.NOT_STARTED and inputs.spec.start_time:
        return inputs.spec.start_time - SOONER
    if phase not in (Phase.SCHEDULED, Phase.NOT_STARTING) or inputs.pending is None:
        return None
    # An event comes when the Job of a scheduled time is made. None comes when it is late or was passed over, although
    # the next firing is another one then, or the last before endTime is over.
    return inputs.pending + A_LITTLE_LATER if inputs.pending > inputs.now else inputs.now + LATER


SOONER = timedelta(minutes=2)
"""Before startTime the CronJob is resumed, so that the first firing is on time. Run pods skip the times before it."""

A_LITTLE_LATER = timedelta(seconds=30)
"""After a scheduled time: a stock controller manager makes about 8.5 Jobs a second, so sooner would often be early."""

LATER = timedelta(seconds=60)
"""Between reconciliations that no event causes: a scheduled time without a Job, a refusal that may have ended."""


def conclude(observed: Observed, plan: Plan, now: datetime) -> tuple[Manifest, list[Event]]:
    """The status after the plan was carried out, and the Events to record.

    `observed.cron_job` is the CronJob as it is now, `plan.verdict` what came of it. A status equal to the present one
    is not to be written.
    """
    if plan.unchanged:
        return observed.graphcron["status"], []
    old, live = observed.status, observed.cron_job
    past = missed_runs.entries(observed.firings, plan.missed, missed_runs.job_times(observed))
    fired = observed.last_schedule_time
    if fired and live and not is_a_run(live, fired):
        fired = None
    waiting = waiting_jobs(observed, now)
    starting = _trouble(observed, waiting) or plan.refused
    ending = next((one.trouble for one in waiting if one.trouble and one.kept), None)
    succeeded = next((entry.finished_at for entry in past if entry.outcome == "Succeeded"), None)
    conditions = new_conditions(plan.verdict, past, starting, ending, observed.generation, old.conditions or [], now)
    history, counts = past[:HISTORY_LIMIT], count(old.firings, observed.history, past)
    # As `GraphCronStatus.to_dict` would write it: to validate what is right already costs a third more.
    status = {
        "observedGeneration": observed.generation,
        "conditions": conditions,
        "cronJobName": live["metadata"]["name"] if live else None,
        "timezone": plan.timezone,
        "enabled": plan.enabled,
        "nextRunTimes": [format_time(moment) for moment in plan.next_run_times],
        "lastScheduleTime": _written(fired or old.last_schedule_time),
        "lastSuccessfulTime": _written(succeeded or old.last_successful_time),
        "active": (len(live.get("status", {}).get("active", [])) if live else 0) + len(active_jobs(observed)),
        "history": [entry.to_dict() for entry in history],
        "firings": counts.to_dict() if counts else None,
        "consecutiveFailures": observed.consecutive_failures or None,
        "lastRequest": last.to_dict() if (last := last_request(observed, plan.request, past)) else None,
        "lastResume": observed.resume_token,
    }
    events = [of_request(plan.request.recorded())] if plan.request else []
    events += events_of(old, conditions, history)
    return {name: value for name, value in status.items() if value is not None}, events


def _written(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
