"""The verdict on a GraphCron: its phase, and why, in one sentence. Pure."""

from datetime import datetime, timedelta

from graphcron.firing.formats import format_time
from graphcron.operator.exceeded import Exceeded
from graphcron.operator.guardrails import lasts_too_long, refusal
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.phase import Phase, Verdict, stalled
from graphcron.resource.fields import InvalidGraphCron
from graphcron.schedule.frequency import too_frequent
from graphcron.schedule.next_runs import next_times


def verdict_of(inputs: Inputs, exceeded: Exceeded | None = None) -> Verdict:
    """The phase, by the first of these that holds; `exceeded` is a budget that is used up. Raises InvalidGraphCron."""
    spec, failures = inputs.spec, inputs.observed.consecutive_failures
    refused = refusal(spec, inputs.installation.pods)
    if refused := refused or lasts_too_long(spec, inputs.created, inputs.installation.lifetime):
        # A guard rail that is newer than the spec: what fires is suspended, and nothing is created for a new GraphCron.
        if inputs.live is None:
            raise InvalidGraphCron(refused.reason, refused.complaint)
        paused = ". It is paused, too." if inputs.observed.is_paused else ""
        return Verdict(Phase.HALTED, f"Suspended: {refused.complaint}{paused}", refused.reason)
    if pause := inputs.observed.pause:
        return Verdict(Phase.PAUSED_BY_ADMINISTRATOR, pause.sentence)
    if spec.enabled is False:
        because = f": {spec.pause_reason}" if spec.pause_reason else ""
        return Verdict(Phase.PAUSED, f"Paused{because}. Set spec.enabled to true to resume.")
    if inputs.is_completed:
        return Verdict(
            Phase.COMPLETED,
            f"maxRuns is {spec.max_runs}, and the schedule has started that many runs; it stays suspended. Raise "
            "maxRuns to resume, or delete the GraphCron.",
        )
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
    if exceeded and exceeded.suspends:
        return Verdict(Phase.OVER_BUDGET, exceeded.message)
    if spec.start_time and _fires_before_its_start(inputs, spec.start_time):
        due = format_time(inputs.pending)
        return Verdict(Phase.NOT_STARTED, f"Starts at {format_time(spec.start_time)}; its first run is due at {due}.")
    return Verdict(Phase.SCHEDULED, f"Fires at '{inputs.schedule.kubernetes}' in {inputs.zone.key}.")


def _fires_before_its_start(inputs: Inputs, start: datetime) -> bool:
    """Whether the CronJob is better suspended until startTime: only when it would fire before."""
    return inputs.now + SOONER < start and bool(next_times(inputs.schedule, inputs.zone, inputs.now, 1, end=start))


SOONER = timedelta(minutes=2)
"""Before startTime the CronJob is resumed, so that the first firing is on time. Run pods skip the times before it."""

COMPLAINT_LIMIT = 1024
"""Characters of what is wrong, in a condition: the apiserver may quote a whole object."""


def held_up(
    reason: str, complaint: str, observed: Observed, *, suspended: bool = False, keeps_message: bool = False
) -> Verdict:
    """The verdict on a GraphCron for which nothing can be applied, with what its CronJob does meanwhile. `suspended` is
    whether that is about to be suspended."""
    message = complaint if len(complaint) <= COMPLAINT_LIMIT else complaint[:COMPLAINT_LIMIT] + "…"
    if observed.cron_job is None:
        return stalled(reason, message, keeps_message=keeps_message)
    message = message.removesuffix(".") + ". "
    if not (suspended or observed.is_suspended):
        return stalled(reason, message + _FIRES_ON, keeps_message=keeps_message)
    message += _PAUSED_ALL_THE_SAME if observed.is_paused else _STAYS_SUSPENDED
    return Verdict(Phase.HALTED, message, reason, keeps_message)


_FIRES_ON = "Until then its CronJob fires as before the change."
_STAYS_SUSPENDED = "Until then its CronJob stays suspended."
_PAUSED_ALL_THE_SAME = "It is paused all the same: its CronJob is suspended."
