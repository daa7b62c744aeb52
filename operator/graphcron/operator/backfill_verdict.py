"""What a backfill does or waits for, in a word, a reason and a sentence, and the status that says so. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graphcron.kube.resources import Manifest
from graphcron.operator.backfill_progress import Progress
from graphcron.operator.conditions import OVER_BUDGET as OVER_BUDGET_CONDITION
from graphcron.operator.conditions import READY, STALLED, condition, condition_of
from graphcron.operator.events import Event
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import (
    BACKFILL_RUNNING,
    COMPLETED,
    COMPLETED_WITH_FAILURES,
    DRY_RUN,
    EARLIER_BACKFILL,
    GRAPH_CRON_DELETED,
    GRAPH_CRON_PENDING,
    GRAPH_CRON_STALLED,
    NOT_STARTING,
    NOTHING_TO_RUN,
    OLDER_JOB,
    OVER_BUDGET,
    PAUSED_BY_ADMINISTRATOR,
    STILL_RUNNING,
)
from graphcron.resource.backfill import Phase
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.status import Condition

COMPLETE = "Complete"

_NORMAL = (
    BACKFILL_RUNNING, COMPLETED, DRY_RUN, EARLIER_BACKFILL, GRAPH_CRON_PENDING, NOTHING_TO_RUN, OLDER_JOB,
    OVER_BUDGET, PAUSED_BY_ADMINISTRATOR, STILL_RUNNING,
)  # fmt: skip
"""Reasons that nobody has to act on."""


@dataclass(frozen=True)
class BackfillVerdict:
    """The phase of a backfill, and why."""

    phase: Phase
    reason: str
    message: str


def stalled(invalid: InvalidGraphCron) -> BackfillVerdict:
    """The verdict on a backfill that cannot go on until somebody acts."""
    return BackfillVerdict("Stalled", invalid.reason, f"{invalid.message}. Delete the backfill, and create another.")


def held_up(observed: Observed) -> tuple[str, str] | None:
    """Reason and message why no Job can be created for a GraphCron at the moment. One
    that its own spec pauses can run; an administrator's pause, and a budget, is meant for all that runs."""
    if observed.pause:
        return PAUSED_BY_ADMINISTRATOR, observed.pause.sentence
    over = condition_of(observed.status, OVER_BUDGET_CONDITION)
    if over and over.reason == OVER_BUDGET:
        return OVER_BUDGET, over.message
    if observed.cron_job is None or not observed.is_current:
        waits = condition_of(observed.status, READY) if observed.is_current else None
        if waits is None or waits.status != "False":
            return GRAPH_CRON_PENDING, "The GraphCron's last change is not carried out yet."
    ready = condition_of(observed.status, READY)
    if ready and ready.status == "False" and ready.reason != NOT_STARTING:
        return GRAPH_CRON_STALLED, f"The GraphCron cannot run: {ready.reason}: {ready.message}"
    return None


def summary(progress: Progress, *, deleted: bool = False) -> BackfillVerdict:
    """The verdict on a backfill that is over; `deleted` says that its GraphCron is gone."""
    if deleted:
        message = f"The GraphCron was deleted when {progress.over} of {progress.slots} scheduled times were over."
        return BackfillVerdict("Ended", GRAPH_CRON_DELETED, message)
    if not progress.slots:
        return BackfillVerdict("Complete", NOTHING_TO_RUN, "No scheduled time is to be run; see status.leftOut.")
    if failed := progress.ended.get("failed", 0):
        message = f"All {progress.slots} scheduled times are over, and {failed} of them failed."
        return BackfillVerdict("Complete", COMPLETED_WITH_FAILURES, message)
    return BackfillVerdict("Complete", COMPLETED, f"All {progress.slots} scheduled times are over.")


def status_of(
    backfill: Manifest, fields: Manifest, old: Sequence[Condition], verdict: BackfillVerdict, now: datetime
) -> tuple[Manifest, list[Event]]:
    """The status with this verdict, and the Event that it calls for; `fields` are those that are kept, `old` the
    conditions before."""
    generation: int = backfill["metadata"]["generation"]
    before = {one.type: one for one in old}
    wanted = [(COMPLETE, verdict.phase == "Complete")]
    if verdict.phase == "Stalled":
        wanted.append((STALLED, True))
    conditions = [
        condition(kind, status, verdict.reason, verdict.message, generation, before.get(kind), now)
        for kind, status in wanted
    ]
    status = {**fields, "observedGeneration": generation, "phase": verdict.phase, "conditions": conditions}
    known = before.get(COMPLETE)
    if known and known.reason == verdict.reason:
        return status, []
    return status, [Event("Normal" if verdict.reason in _NORMAL else "Warning", verdict.reason, verdict.message)]
