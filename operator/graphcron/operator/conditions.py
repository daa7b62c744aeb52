"""The conditions in the status of a GraphCron, after the conventions of metav1.Condition. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator.phase import Phase, Verdict
from graphcron.operator.reasons import PULLING
from graphcron.resource.fields import clipped
from graphcron.resource.status import MESSAGE_LIMIT, REASON_LIMIT, Condition, GraphCronStatus, HistoryEntry

READY = "Ready"
STALLED = "Stalled"
LAST_RUN_SUCCEEDED = "LastRunSucceeded"
SUSPENDED = "Suspended"
"""There only while its CronJob is suspended, and then True."""
EXPIRED = "Expired"
"""There only when no scheduled time is left, and then True."""
RUNS_STARTING = "RunsStarting"
"""There only while firings do not start, and then False."""
RUNS_ENDING = "RunsEnding"
"""There only while a Job outlives its run, and then False."""

CRON_JOB_MODIFIED = "CronJobModified"
"""There only while the CronJob is left as others have changed it, and then True."""

WAITING_FOR_INPUT = "WaitingForInput"
"""There only while the last run that ended waits for input, and then True."""
THREAD_KEPT = "ThreadKept"
"""There only while runs may wait for input on threads that are deleted, and then False."""

OVERDUE, LATE, SLOW = "Overdue", "Late", "Slow"
EXPECTATIONS = (OVERDUE, LATE, SLOW)
"""There only while what `spec.expect` says is not so, and then True."""

OVER_BUDGET = "OverBudget"
"""There only while a budget is used up, and then True."""
BUDGET_NOT_HELD = "BudgetNotHeld"
"""There only while nobody knows what of a budget is used, and then True."""

TROUBLES = {RUNS_STARTING: False, RUNS_ENDING: False, CRON_JOB_MODIFIED: True, THREAD_KEPT: False}
TROUBLES |= dict.fromkeys((OVER_BUDGET, BUDGET_NOT_HELD, *EXPECTATIONS), True)
"""The status of each condition that is there only when something is wrong besides the spec."""

PENDING = "pending"
STATES = ("ready", "not_starting", "suspended", "expired", "stalled", PENDING)
"""What a GraphCron can be, for metrics."""


def state_of(graphcron: Manifest) -> str:
    """One of `STATES`, by the types of its conditions; pending until its status is about this generation, and when its
    status has another shape than ours."""
    try:
        status = graphcron.get("status") or {}
        types = {condition["type"]: condition for condition in status.get("conditions", [])}
    except (LookupError, TypeError, AttributeError):
        return PENDING
    if READY not in types or status.get("observedGeneration") != graphcron["metadata"].get("generation"):
        return PENDING
    if STALLED in types:
        return "stalled"
    if EXPIRED in types:
        return "expired"
    if SUSPENDED in types:
        return "suspended"
    # Not ready, and nothing to mend in the spec: its firings do not start.
    return "not_starting" if types[READY].get("status") == "False" else "ready"


def unmet_of(graphcron: Manifest) -> dict[str, str]:
    """Since when what is expected of a GraphCron is not so, by the type of the condition."""
    try:
        conditions = (graphcron.get("status") or {}).get("conditions", [])
        found = {condition["type"]: condition["lastTransitionTime"] for condition in conditions}
    except (LookupError, TypeError, AttributeError):
        return {}  # of a status that somebody else wrote; the operator replaces it
    return {kind: found[kind] for kind in EXPECTATIONS if kind in found}


def new_conditions(
    verdict: Verdict,
    history: Sequence[HistoryEntry],
    troubles: Mapping[str, tuple[str, str] | None],
    generation: int,
    old: Sequence[Condition],
    now: datetime,
) -> list[dict[str, Any]]:
    """The conditions, as the status has them; a transition time moves only when the condition's own status does
    (metav1.Condition). `troubles` are reason and message of each of `TROUBLES` that is there."""
    before = {condition.type: condition for condition in old}
    message = _steady(verdict, before.get(READY), generation)
    wanted: list[tuple[str, bool, str, str]] = [(READY, verdict.ready, verdict.reason, message)]
    if not verdict.ready and verdict.phase is not Phase.NOT_STARTING:
        wanted.append((STALLED, True, verdict.reason, message))
    if verdict.phase.suspends:
        wanted.append((SUSPENDED, True, verdict.reason, message))
    if verdict.phase is Phase.EXPIRED:
        wanted.append((EXPIRED, True, verdict.reason, message))
    wanted += [(kind, TROUBLES[kind], *trouble) for kind, trouble in troubles.items() if trouble]
    ran = next((entry for entry in history if entry.outcome in ("Succeeded", "Failed")), None)
    if ran:
        wanted.append((LAST_RUN_SUCCEEDED, ran.outcome == "Succeeded", ran.reason, ran.message or ""))
    last = next((entry for entry in history if entry.outcome in ("Succeeded", "Failed", WAITING_FOR_INPUT)), None)
    if last and last.outcome == WAITING_FOR_INPUT:
        said = f"the run due at {format_time(last.scheduled_time)}: {last.message or last.reason}"
        wanted.append((WAITING_FOR_INPUT, True, last.reason, said))
    return [
        condition(kind, status, reason, message, generation, before.get(kind), now)
        for kind, status, reason, message in wanted
    ]


def _steady(verdict: Verdict, old: Condition | None, generation: int) -> str:
    """The verdict's message, or the first one that it had of this generation when that is to stay."""
    if not old or not verdict.keeps_message or (old.reason, old.observed_generation) != (verdict.reason, generation):
        return verdict.message
    return (
        old.message if _WITH_A_DIGIT.sub("", old.message) == _WITH_A_DIGIT.sub("", verdict.message) else verdict.message
    )


_WITH_A_DIGIT = re.compile(r"\S*[0-9]\S*")


def steady_start(trouble: tuple[str, str], old: Condition | None) -> tuple[str, str]:
    """Reason and message of RunsStarting. The kubelet's two reasons for one image take turns, and are told once."""
    if old and old.reason in PULLING and trouble[0] in PULLING and _subject(old.message) == _subject(trouble[1]):
        return old.reason, old.message
    return trouble


def _subject(message: str) -> str:
    return message.partition(":")[0]


def condition(
    kind: str, status: bool, reason: str, message: str, generation: int, old: Condition | None, now: datetime
) -> dict[str, Any]:
    """A condition as a status has it; `old` is that of the same type before."""
    text = "True" if status else "False"
    return {
        "type": kind,
        "status": text,
        "observedGeneration": generation,
        "lastTransitionTime": format_time(old.last_transition_time if old and old.status == text else now),
        "reason": clipped(reason, REASON_LIMIT),
        "message": clipped(message, MESSAGE_LIMIT),
    }


def condition_of(status: GraphCronStatus, kind: str) -> Condition | None:
    """The condition of that type, None when it is not there."""
    return next((condition for condition in status.conditions or [] if condition.type == kind), None)
