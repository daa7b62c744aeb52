"""The decision of one reconciliation: from what is observed to what is to be written. Pure.

`decide` says which CronJob to apply; `conclude` turns what came of it into the status. The controller gathers an
`Observed`, calls the one, acts, calls the other, and writes at most twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator import budgets, missed_runs
from graphcron.operator.conditions import (
    BUDGET_NOT_HELD,
    CRON_JOB_MODIFIED,
    OVER_BUDGET,
    RUNS_ENDING,
    RUNS_STARTING,
    THREAD_KEPT,
    new_conditions,
)
from graphcron.operator.correction import change_of, is_settled
from graphcron.operator.cronjob import CronJobTiming, Installation, cron_job, digest_of, is_a_run, skip_until
from graphcron.operator.drift import explain
from graphcron.operator.events import Event, events_of, of_request
from graphcron.operator.exceeded import Exceeded
from graphcron.operator.expectations import Judgement, judge, quiet_until
from graphcron.operator.history import HISTORY_LIMIT, count, older_jobs
from graphcron.operator.inputs import Inputs
from graphcron.operator.max_runs import bounded
from graphcron.operator.not_starting import cannot_make_a_job, not_starting, trouble_of
from graphcron.operator.observed import Observed
from graphcron.operator.owner_headers import for_owner
from graphcron.operator.phase import Phase, Verdict
from graphcron.operator.reasons import INTERRUPTS_LOST, NO_POD
from graphcron.operator.requests import RunRequest, active_jobs, last_request
from graphcron.operator.spending import all_priced, settle
from graphcron.operator.starting import End, to_end, waiting_jobs
from graphcron.operator.unchanged import unchanged_until
from graphcron.operator.verdict import SOONER, held_up, verdict_of
from graphcron.resource.advice import advice
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.prices import NO_LEDGER, Ledger
from graphcron.resource.status import ScheduledRuns


@dataclass(frozen=True)
class Plan:
    """What to write. `apply` is None when no CronJob is to be applied; `wake_at` is when to requeue, event or not."""

    verdict: Verdict
    apply: Manifest | None = None
    next_run_times: tuple[datetime, ...] = ()
    enabled: bool | None = None
    timezone: str | None = None
    wake_at: datetime | None = None
    suspend: bool = False
    """Nothing can be applied, and the CronJob is to be suspended as it is."""
    missed: tuple[missed_runs.MissedRun, ...] = ()
    """Missed runs that are not in the history, the oldest first."""
    refused: tuple[str, str] | None = None
    """Reason and message when no Job can be made."""
    modified: tuple[str, str] | None = None
    """Reason and message of what others have changed in the CronJob, and is left for now."""
    end: End | None = None
    """The Job of a firing that is not waited for any longer."""
    asks: bool = False
    """Whether Events could say why something was not created. Decide again with them."""
    overdue: datetime | None = None
    """The scheduled time that has passed, and for which the cluster has made no Job yet."""
    request: RunRequest | None = None
    """A request to run now that is new, with what came of it."""
    unmet: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Reason and message of each of `EXPECTATIONS` that is not so."""
    runs: ScheduledRuns | None = None
    """What counts for maxRuns."""
    troubles: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)
    """Reason and message of what is wrong with a budget."""
    unchanged: bool = False
    """Nothing is to be written; the verdict is that of the status."""


def decide(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """What is to be written for one GraphCron, at `now` (aware)."""
    installation = for_owner(observed.graphcron, installation)
    if until := unchanged_until(observed, installation.mark, now):
        expected = quiet_until(observed, installation.expect, until)
        if (expected is None or expected > now) and budgets.is_within(observed, now):
            wake_at = min(filter(None, (until + A_LITTLE_LATER, expected)))
            return Plan(Verdict(Phase.SCHEDULED, ""), wake_at=wake_at, unchanged=True)
    return _decide(observed, installation, now)


def decide_in_full(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """As `decide`, without its first check."""
    return _decide(observed, for_owner(observed.graphcron, installation), now)


def _decide(observed: Observed, installation: Installation, now: datetime) -> Plan:
    """`installation` is that for the owner."""
    observed = observed.as_of(now)
    waiting = waiting_jobs(observed, now)
    end, look_again = to_end(observed, waiting, installation.start_timeout, now)
    asks = observed.create_failures is None and any(one.trouble and one.trouble[0] == NO_POD for one in waiting)
    try:
        inputs = Inputs.read(observed, installation, now)
        exceeded = budgets.exceeded(inputs)
        if inputs.spec.max_runs:
            before = missed_runs.missed_runs(inputs, observed.not_before, waiting)
            inputs = bounded(inputs, _timing(inputs, Phase.SCHEDULED, exceeded).not_before, before)
        verdict = verdict_of(inputs, exceeded)
        timing = _timing(inputs, verdict.phase, exceeded)
        # While it is suspended, the end would move with each time that passes.
        until = inputs.spec.end_time if verdict.phase.suspends else inputs.end
        spec = inputs.spec if until == inputs.spec.end_time else inputs.spec.model_copy(update={"end_time": until})
        wanted = cron_job(observed.graphcron, spec, timing, installation.pods, installation.mark)
    except InvalidGraphCron as invalid:
        return replace(_invalid(invalid, observed), wake_at=look_again, end=end, asks=asks)
    missed = missed_runs.missed_runs(inputs, timing.not_before, waiting)
    refused = None
    if verdict.phase is Phase.SCHEDULED:
        refused = cannot_make_a_job(inputs, waiting)
        asks |= observed.create_failures is None and (inputs.is_late or any(one.unexplained for one in missed))
        if message := not_starting(inputs, waiting, missed, refused):
            verdict = Verdict(Phase.NOT_STARTING, message)
    if exceeded and exceeded.suspends:
        verdict = replace(verdict, refuses_runs=exceeded.message)
    change = change_of(inputs, wanted)
    judged = judge(inputs, timing.first, missed) if verdict.phase.fires else Judgement({}, None)
    ends = exceeded.ends if exceeded else None
    return Plan(
        verdict=verdict,
        apply=change.apply,
        modified=change.modified,
        next_run_times=inputs.next_run_times(timing.first) if verdict.phase.enabled else (),
        enabled=verdict.phase.enabled,
        timezone=inputs.timezone,
        wake_at=min(
            filter(None, (_wake_at(inputs, verdict.phase), look_again, change.at, judged.wake_at, ends)), default=None
        ),
        missed=tuple(missed),
        refused=refused,
        end=end,
        asks=asks,
        overdue=_overdue(inputs, verdict.phase),
        unmet=judged.unmet,
        runs=inputs.runs,
        troubles={
            OVER_BUDGET: budgets.condition(exceeded, verdict.phase),
            BUDGET_NOT_HELD: budgets.not_held(inputs),
        },
    )


def _invalid(invalid: InvalidGraphCron, observed: Observed) -> Plan:
    stops = observed.is_paused or observed.shared.exceeded is not None
    suspend = stops and observed.cron_job is not None and not observed.is_suspended
    return Plan(held_up(invalid.reason, invalid.message, observed, suspended=suspend), suspend=suspend)


def failing(observed: Observed, reason: str, complaint: str, now: datetime) -> tuple[Manifest, list[Event]]:
    """The status of a GraphCron whose reconciliation fails again and again, and the Events to record. It has all that
    the status has now: what fails may be to read the Jobs, or to conclude anything from them."""
    old, verdict = observed.status, held_up(reason, complaint, observed, keeps_message=True)
    conditions = new_conditions(verdict, observed.history, {}, observed.generation, old.conditions or [], now)
    of_the_spec = () if observed.is_current else ("enabled", "nextRunTimes", "timezone", "consecutiveFailures")
    kept = {key: value for key, value in (observed.graphcron.get("status") or {}).items() if key not in of_the_spec}
    status = kept | {"observedGeneration": observed.generation, "conditions": conditions}
    return status, events_of(old, conditions, observed.history)


def _not_before(inputs: Inputs, phase: Phase, until: datetime | None) -> datetime | None:
    """From when on scheduled times count. Kubernetes would catch up on one that lies before a change of the schedule or
    the zone, or before it is resumed (kubernetes/kubernetes#130838). One that was suspended until its startTime catches
    up: what was due from then on, while the operator was down, was promised. Nor does anything count that was skipped
    because of a budget; `until` is before when run pods are to skip now."""
    live = inputs.live
    if live is None:
        return None
    resumed = bool(live["spec"].get("suspend")) and not phase.suspends
    same = (live["spec"].get("schedule"), live["spec"].get("timeZone")) == (
        inputs.schedule.kubernetes,
        inputs.timezone,
    )
    if (resumed or not same) and not inputs.waits_for_its_start:
        now = inputs.now.replace(microsecond=0)
        # What is due from the end of a budget's window on was promised, too.
        ended = skip_until(live) if resumed and same and budgets.was_suspended(inputs.observed) else None
        return min(ended, now) if ended else now
    before, skipped = inputs.observed.not_before, skip_until(live)
    if skipped and skipped != until:
        return max(filter(None, (before, min(skipped, inputs.now.replace(microsecond=0)))))
    return before


def _timing(inputs: Inputs, phase: Phase, exceeded: Exceeded | None) -> CronJobTiming:
    until = exceeded.skip_until if exceeded and (phase.fires or phase is Phase.OVER_BUDGET) else None
    return CronJobTiming(inputs.schedule, phase.suspends, _not_before(inputs, phase, until), until)


def _wake_at(inputs: Inputs, phase: Phase) -> datetime | None:
    """When to requeue though no event comes."""
    if phase is Phase.NOT_STARTED and inputs.spec.start_time:
        return inputs.spec.start_time - SOONER
    if not phase.fires or inputs.pending is None:
        return None
    # An event comes when the Job of a scheduled time is made. None comes when it is late or was passed over, although
    # the next firing is another one then, or the last before endTime is over.
    return inputs.pending + A_LITTLE_LATER if inputs.pending > inputs.now else inputs.now + LATER


def _overdue(inputs: Inputs, phase: Phase) -> datetime | None:
    """Not while an earlier firing holds it back, as Forbid asks for."""
    late = inputs.pending is not None and inputs.pending <= inputs.now
    if not phase.fires or not late or inputs.live is None or inputs.is_held_back:
        return None
    return inputs.pending


A_LITTLE_LATER = timedelta(seconds=30)
"""After a scheduled time: a stock controller manager makes about 8.5 Jobs a second, so sooner would often be early."""

LATER = timedelta(seconds=60)
"""Between reconciliations that no event causes: a scheduled time without a Job, a refusal that may have ended."""


def conclude(observed: Observed, plan: Plan, now: datetime, ledger: Ledger = NO_LEDGER) -> tuple[Manifest, list[Event]]:
    """The status after the plan was carried out, and the Events to record.

    `observed.cron_job` is the CronJob as it is now, `plan.verdict` what came of it. A status equal to the present one
    is not to be written.
    """
    if plan.unchanged:
        return observed.graphcron["status"], []
    observed = observed.as_of(now)
    old, live = observed.status, observed.cron_job
    past = missed_runs.entries(observed.firings, plan.missed, missed_runs.job_times(observed))
    past = all_priced(observed.history, past, observed.graphcron["metadata"], ledger)
    # The status has the last time up to which it knows of every Job (`passed_over`).
    fired = None if observed.awaits_a_job else observed.last_schedule_time
    if fired and live and not is_a_run(live, fired):
        fired = None
    waiting = waiting_jobs(observed, now)
    starting = trouble_of(observed, waiting) or plan.refused
    ending = next((one.trouble for one in waiting if one.trouble and one.kept), None)
    modified = plan.modified
    if plan.apply and live and digest_of(live) == digest_of(plan.apply):
        modified = explain(plan.apply, live)
    troubles = {RUNS_STARTING: starting, RUNS_ENDING: ending, CRON_JOB_MODIFIED: modified}
    hint = advice(observed.graphcron["spec"])
    troubles[THREAD_KEPT] = (INTERRUPTS_LOST, hint) if hint else None
    troubles |= plan.troubles
    troubles |= plan.unmet if plan.verdict.phase.fires else {}
    conditions = new_conditions(plan.verdict, past, troubles, observed.generation, old.conditions or [], now)
    history, counts = past[:HISTORY_LIMIT], count(old.firings, observed.history, past, old.older_jobs or ())
    spending = settle(observed, past, plan.timezone, ledger, now)
    # As `GraphCronStatus.to_dict` would write it: to validate what is right already costs a third more.
    status = {
        "observedGeneration": observed.generation,
        "conditions": conditions,
        "cronJobName": live["metadata"]["name"] if live else None,
        "cronJobGeneration": live["metadata"].get("generation") if live and is_settled(modified) else None,
        "timezone": plan.timezone,
        "enabled": plan.enabled,
        "nextRunTimes": [format_time(moment) for moment in plan.next_run_times],
        "lastScheduleTime": _written(fired or old.last_schedule_time),
        "lastSuccessfulTime": _written(observed.last_success),
        "active": (len(live.get("status", {}).get("active", [])) if live else 0) + len(active_jobs(observed)),
        "history": [entry.to_dict() for entry in history],
        "firings": counts.to_dict() if counts else None,
        "spending": spending.to_dict() if spending else None,
        "olderJobs": older_jobs(history, past, observed.runs()) or None,
        "scheduledRuns": runs.to_dict() if (runs := plan.runs or _runs_kept(observed)) else None,
        "consecutiveFailures": observed.consecutive_failures or None,
        "lastRequest": last.to_dict() if (last := last_request(observed, plan.request, past)) else None,
        "lastResume": observed.resume_token,
    }
    events = [of_request(plan.request.recorded())] if plan.request else []
    events += events_of(old, conditions, history)
    return {name: value for name, value in status.items() if value is not None}, events


def _runs_kept(observed: Observed) -> ScheduledRuns | None:
    """Those that are recorded, while the spec cannot be read and may still have maxRuns."""
    spec = observed.graphcron.get("spec")
    return observed.status.scheduled_runs if isinstance(spec, dict) and "maxRuns" in spec else None


def _written(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
