"""Whether the firings of a GraphCron start, and if not, why. Pure."""

from collections.abc import Sequence

from graphcron.operator.conditions import READY, RUNS_STARTING, condition_of, steady_start
from graphcron.operator.history import added
from graphcron.operator.inputs import Inputs
from graphcron.operator.missed_runs import MissedRun
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import FAILED_CREATE, NOT_STARTING
from graphcron.operator.starting import Waiting, has_a_started_run


def trouble_of(observed: Observed, waiting: Sequence[Waiting]) -> tuple[str, str] | None:
    """Reason and message of the oldest Job that does not start."""
    trouble = next((one.trouble for one in waiting if one.trouble and not one.kept), None)
    return steady_start(trouble, condition_of(observed.status, RUNS_STARTING)) if trouble else None


def cannot_make_a_job(inputs: Inputs, waiting: Sequence[Waiting]) -> tuple[str, str] | None:
    """Reason and message when the CronJob controller says why a firing that is due has no Job."""
    due = inputs.pending
    words = inputs.no_job_because(due) if due and inputs.is_late and not waiting else None
    return (FAILED_CREATE, f"CronJob {inputs.observed.graphcron['metadata']['name']}: {words}") if words else None


def not_starting(
    inputs: Inputs,
    waiting: Sequence[Waiting],
    missed: Sequence[MissedRun],
    refused: tuple[str, str] | None,
) -> str | None:
    """Why the firings of a GraphCron do not start, None when they do. It stays so until one starts, or until the spec
    changes: between two firings nothing shows whether the next one will."""
    late = [one for one in waiting if inputs.now >= one.late_at]
    if trouble := trouble_of(inputs.observed, late) or refused:
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
