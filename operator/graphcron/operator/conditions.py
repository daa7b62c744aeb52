"""The conditions in the status of a GraphCron, after the conventions of metav1.Condition. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from graphcron.firing.formats import format_time, parse_time
from graphcron.kube.resources import Manifest
from graphcron.operator.phase import Phase, Verdict
from graphcron.operator.reasons import CONTAINER_CREATING, UNSCHEDULABLE, WAITING_FOR_A_USER
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
"""There only while run pods cannot start, and then False."""

PENDING = "pending"
STATES = ("ready", "suspended", "expired", "stalled", PENDING)
"""What a GraphCron can be, for metrics."""


def state_of(graphcron: Manifest) -> str:
    """One of `STATES`, by the types of its conditions; pending until its status is about this generation, and when its
    status has another shape than ours."""
    try:
        status = graphcron.get("status") or {}
        types = {condition["type"] for condition in status.get("conditions", [])}
    except (LookupError, TypeError, AttributeError):
        return PENDING
    if READY not in types or status.get("observedGeneration") != graphcron["metadata"].get("generation"):
        return PENDING
    if STALLED in types:
        return "stalled"
    if EXPIRED in types:
        return "expired"
    return "suspended" if SUSPENDED in types else "ready"


def new_conditions(
    verdict: Verdict,
    history: Sequence[HistoryEntry],
    pods: Sequence[Manifest],
    generation: int,
    old: Sequence[Condition],
    now: datetime,
) -> list[dict[str, Any]]:
    """The conditions, as the status has them; a transition time moves only when the condition's own status does
    (metav1.Condition)."""
    before = {condition.type: condition for condition in old}
    message = _steady(verdict, before.get(READY), generation)
    wanted: list[tuple[str, bool, str, str]] = [(READY, verdict.ready, verdict.reason, message)]
    if not verdict.ready:
        wanted.append((STALLED, True, verdict.reason, message))
    if verdict.phase.suspends:
        wanted.append((SUSPENDED, True, verdict.reason, message))
    if verdict.phase is Phase.EXPIRED:
        wanted.append((EXPIRED, True, verdict.reason, message))
    if stuck := next(filter(None, (_cannot_start(pod) or _starts_late(pod, now) for pod in pods)), None):
        wanted.append((RUNS_STARTING, False, *stuck))
    ran = next((entry for entry in history if entry.outcome in ("Succeeded", "Failed")), None)
    if ran:
        wanted.append((LAST_RUN_SUCCEEDED, ran.outcome == "Succeeded", ran.reason, ran.message or ""))
    return [
        _condition(kind, status, reason, message, generation, before.get(kind), now)
        for kind, status, reason, message in wanted
    ]


def _steady(verdict: Verdict, old: Condition | None, generation: int) -> str:
    """The verdict's message, or the first one that it had of this generation when that is to stay."""
    same = old and (old.reason, old.observed_generation) == (verdict.reason, generation)
    return old.message if old and same and verdict.keeps_message else verdict.message


def _cannot_start(pod: Manifest) -> tuple[str, str] | None:
    """Reason and message when this pod cannot start until somebody does something."""
    name = pod["metadata"]["name"]
    states = pod.get("status", {})
    for container in [*states.get("initContainerStatuses", []), *states.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in WAITING_FOR_A_USER:
            return waiting["reason"], f"run pod {name}: {waiting.get('message') or waiting['reason']}"
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason = condition.get("reason") or UNSCHEDULABLE
            return reason, f"run pod {name}: {condition.get('message') or reason}"
    return None


START_PATIENCE = timedelta(seconds=60)
"""For a pod's volumes and network, on a node that has only just come up."""


def late_at(pod: Manifest) -> datetime | None:
    """When a pod on a node counts as one that cannot start, unless its volumes and its network are ready by then; None
    when they are. (Kubernetes says so since 1.29, KEP-3085. Pulling an image comes later, and may take its time.)"""
    states = pod.get("status", {})
    if states.get("phase") != "Pending" or "startTime" not in states:
        return None
    unready = ("PodReadyToStartContainers", "False")
    if not any((condition["type"], condition["status"]) == unready for condition in states.get("conditions", [])):
        return None
    return parse_time(states["startTime"]) + START_PATIENCE


def _starts_late(pod: Manifest, now: datetime) -> tuple[str, str] | None:
    """As `_cannot_start`, for what Kubernetes reports only in the pod's Events: a volume that cannot be mounted."""
    late, name = late_at(pod), pod["metadata"]["name"]
    if late is None or now < late:
        return None
    return CONTAINER_CREATING, (
        f"run pod {name}: its volumes or its network are not ready after {START_PATIENCE.seconds} s. Do the Secrets "
        "and ConfigMaps exist that spec.inputFrom and spec.server.headersSecretRef name? "
        f"'kubectl describe pod {name}' says what is missing"
    )


def _condition(
    kind: str, status: bool, reason: str, message: str, generation: int, old: Condition | None, now: datetime
) -> dict[str, Any]:
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
