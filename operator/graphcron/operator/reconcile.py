"""The decision of one reconciliation: from what is observed to what is to be written. Pure.

`decide` says which CronJob to apply; `conclude` turns what came of it into the status. The controller gathers an
`Observed`, calls the one, acts, calls the other, and writes at most twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator import missed_runs
from graphcron.operator.conditions import late_at, new_conditions
from graphcron.operator.cronjob import Installation, Timing, cron_job, is_a_run
from graphcron.operator.drift import in_sync
from graphcron.operator.events import Event, events_of
from graphcron.operator.history import HISTORY_LIMIT, count, is_over, job_of
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.phase import Phase, Verdict, stalled
from graphcron.operator.reasons import IN_POD_NOT_ALLOWED
from graphcron.operator.run_pod import refusal
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
    unchanged: bool = False
    """Nothing is to be written; the verdict is that of the status."""


def decide(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """What is to be written for one GraphCron, at `now` (aware)."""
    if until := unchanged_until(observed, installation.mark, now):
        return Plan(Verdict(Phase.SCHEDULED, ""), wake_at=until + A_LITTLE_LATER, unchanged=True)
    return decide_in_full(observed, installation, now)


def decide_in_full(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """As `decide`, without its first check."""
    try:
        inputs = Inputs.read(observed, installation, now)
        verdict = _verdict(inputs)
        timing = Timing(inputs.schedule, verdict.phase.suspends, _not_before(inputs, verdict.phase))
        wanted = cron_job(observed.graphcron, inputs.spec, timing, installation.pods, installation.mark)
    except InvalidGraphCron as invalid:
        return Plan(_invalid(invalid, observed))
    return Plan(
        verdict=verdict,
        apply=None if inputs.live and in_sync(wanted, inputs.live) else wanted,
        next_run_times=inputs.next_run_times(timing.not_before) if verdict.phase.enabled else (),
        enabled=verdict.phase.enabled,
        timezone=inputs.timezone,
        wake_at=min(filter(None, (_wake_at(inputs, verdict.phase), _late_start(inputs))), default=None),
        missed=tuple(missed_runs.missed_runs(inputs, timing.not_before)),
    )


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
            "LastRunSucceeded tells; any change of the spec then resumes it, and so does a run by hand that succeeds "
            f"(kubectl create job --from=cronjob/{inputs.observed.graphcron['metadata']['name']} NAME).",
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
    if phase is not Phase.SCHEDULED or inputs.pending is None:
        return None
    # An event comes when the Job of a scheduled time is made. None comes when it is late or was passed over, although
    # the next firing is another one then, or the last before endTime is over.
    return inputs.pending + A_LITTLE_LATER if inputs.pending > inputs.now else inputs.now + LATER


def _late_start(inputs: Inputs) -> datetime | None:
    """When the next pod counts as one that cannot start. Nothing happens then, so no event comes."""
    late = (late_at(pod) for pod in inputs.observed.pods)
    return min((moment for moment in late if moment and moment > inputs.now), default=None)


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
    # The status has the last time up to which it knows of every Job (`passed_over`).
    fired = None if observed.awaits_a_job else observed.last_schedule_time
    if fired and live and not is_a_run(live, fired):
        fired = None
    running = [job["metadata"]["name"] for job in observed.jobs if not is_over(job)]
    waiting = [pod for pod in observed.pods if job_of(pod) in running]
    succeeded = next((entry.finished_at for entry in past if entry.outcome == "Succeeded"), None)
    conditions = new_conditions(plan.verdict, past, waiting, observed.generation, old.conditions or [], now)
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
        "active": len(live.get("status", {}).get("active", [])) if live else 0,
        "history": [entry.to_dict() for entry in history],
        "firings": counts.to_dict() if counts else None,
        "consecutiveFailures": observed.consecutive_failures or None,
    }
    return {name: value for name, value in status.items() if value is not None}, events_of(old, conditions, history)


def _written(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
