"""Kubernetes Events about a GraphCron: which ones a new status calls for, and the objects to write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import READY, TROUBLES, condition_of
from graphcron.operator.history import added
from graphcron.operator.reasons import NOT_STARTING, OVER_BUDGET, RUN_REQUESTED
from graphcron.resource.fields import clipped
from graphcron.resource.identity import API_VERSION, KIND
from graphcron.resource.status import REASON_LIMIT, GraphCronStatus, HistoryEntry, LastRequest


@dataclass(frozen=True)
class Event:
    """A Kubernetes Event, recorded once: type, reason, message."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def of_request(request: LastRequest) -> Event:
    """The Event about a new request: the Job that was created for it, or why there is none."""
    if request.job_name is None:
        return Event("Warning", str(request.reason), f"Request {request.token} was refused: {request.message}")
    return Event("Normal", RUN_REQUESTED, f"Job {request.job_name} was created for request {request.token}.")


def events_of(old: GraphCronStatus, new: Sequence[Manifest], history: Sequence[HistoryEntry]) -> list[Event]:
    """The Events that new conditions and a new history call for, given the status before."""
    found = []
    conditions = {condition["type"]: condition for condition in new}
    before, after = condition_of(old, READY), conditions[READY]
    if after["reason"] in (NOT_STARTING, OVER_BUDGET):
        pass  # RunsStarting or OverBudget has the cause, and its Event
    elif after["status"] == "False" and (before is None or before.message != after["message"]):
        found.append(Event("Warning", after["reason"], after["message"]))
    elif after["status"] == "True" and before and before.reason != after["reason"]:
        found.append(Event("Normal", after["reason"], after["message"]))
    for kind in TROUBLES:
        was_stuck, stuck = condition_of(old, kind), conditions.get(kind)
        if stuck and (was_stuck is None or was_stuck.reason != stuck["reason"]):
            found.append(Event("Warning", stuck["reason"], stuck["message"]))
    for entry in added(old.history or [], history):
        if told := _TOLD.get(entry.outcome):
            due = f"The run due at {format_time(entry.scheduled_time)}"
            kind = "Warning" if entry.reason == NOT_STARTING else told[0]
            found.append(Event(kind, entry.reason, f"{due} {told[1]}: {entry.message or entry.reason}"))
    return found


_TOLD: dict[str, tuple[Literal["Normal", "Warning"], str]] = {
    "Failed": ("Warning", "failed"),
    "Skipped": ("Normal", "was skipped"),
    "Missed": ("Warning", "was missed"),
    "Replaced": ("Normal", "was replaced"),
    "WaitingForInput": ("Warning", "waits for input"),
}
"""Type and verb of the Event about a firing, by its outcome. Success is no Event."""


def event_manifest(graphcron: Manifest, event: Event, moment: datetime) -> Manifest:
    """The Event as a core/v1 object, about that GraphCron or backfill. The message is cut to 1,024
    characters, as Kubernetes has it."""
    metadata, stamp = graphcron["metadata"], moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {
            "name": f"{metadata['name']}.{int(moment.timestamp() * 1e6):x}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": graphcron.get("kind", KIND),
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "type": event.type,
        "reason": clipped(event.reason, REASON_LIMIT),
        "message": clipped(event.message, 1024),
        "source": {"component": "graphcron"},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
