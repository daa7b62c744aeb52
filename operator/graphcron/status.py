"""What `status` says: conditions, next firings and history, from what was observed. All reasons are in this file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from graphcron.firing import Outcome, format_time, parse_time, scheduled_time_of
from graphcron.models import Condition, GraphCronStatus, HistoryEntry

HISTORY_LIMIT = 10
NEXT_TIMES = 5

READY = "Ready"
STALLED = "Stalled"
LAST_RUN_SUCCEEDED = "LastRunSucceeded"

SCHEDULED = "Scheduled"
PAUSED = "Paused"
EXPIRED = "Expired"
NAME_TAKEN = "CronJobNameTaken"
REFUSED_BY_CLUSTER = "CronJobRefused"
INVALID_SCHEDULE = "InvalidSchedule"
INVALID_TIMEZONE = "InvalidTimezone"
# InvalidSpec (models.read_spec), RequestTooLarge and NoAgentServer (desired.cron_job) come with their exceptions;
# the reasons of a run's end come from its run pod.

NO_OUTCOME = "NoOutcome"
"""The Job ended, and no pod of it left word: killed at once, or deleted before it was read."""

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether a GraphCron is ready, in one reason and one sentence. A stalled one waits for its user."""

    ready: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Note:
    """An event to be told once: Kubernetes' type, reason, message."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def conditions(
    verdict: Verdict,
    history: Sequence[HistoryEntry],
    generation: int,
    old: Sequence[Condition],
    now: datetime,
) -> list[Condition]:
    """The conditions; a transition time moves only when the status itself does (metav1.Condition)."""
    wanted: list[tuple[str, bool, str, str]] = [(READY, verdict.ready, verdict.reason, verdict.message)]
    if not verdict.ready:
        wanted.append((STALLED, True, verdict.reason, verdict.message))
    ran = next((entry for entry in history if entry.outcome in ("Succeeded", "Failed")), None)
    if ran:
        wanted.append((LAST_RUN_SUCCEEDED, ran.outcome == "Succeeded", ran.reason, ran.message or ""))
    before = {condition.type: condition for condition in old}
    return [
        _condition(kind, status, reason, message, generation, before.get(kind), now)
        for kind, status, reason, message in wanted
    ]


def _condition(
    kind: str, status: bool, reason: str, message: str, generation: int, old: Condition | None, now: datetime
) -> Condition:
    text: Literal["True", "False"] = "True" if status else "False"
    return Condition(
        type=kind,
        status=text,
        observed_generation=generation,
        last_transition_time=old.last_transition_time if old and old.status == text else now,
        reason=reason,
        message=message,
    )


def history(old: Sequence[HistoryEntry], jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> list[HistoryEntry]:
    """The last firings that are over, newest first: what the Jobs and pods at hand tell, and what was told before
    of Jobs that are gone. What a pod said is never replaced by less.
    """
    entries = {entry.job_name or format_time(entry.scheduled_time): entry for entry in old}
    for job in jobs:
        entry = _entry(job, [pod for pod in pods if _job_of(pod) == job["metadata"]["name"]])
        if entry and entry.job_name and (entry.job_name not in entries or entry.reason != NO_OUTCOME):
            entries[entry.job_name] = entry
    newest_first = sorted(entries.values(), key=lambda entry: entry.scheduled_time, reverse=True)
    return newest_first[:HISTORY_LIMIT]


def _job_of(pod: Manifest) -> str | None:
    name = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
    return name if isinstance(name, str) else None


def _entry(job: Manifest, pods: Sequence[Manifest]) -> HistoryEntry | None:
    """The history entry of a Job that is over; None while it runs."""
    end = next(
        (
            condition
            for condition in job.get("status", {}).get("conditions", [])
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
        ),
        None,
    )
    if end is None:
        return None
    outcome = _outcome(end, pods)
    name, created = job["metadata"]["name"], parse_time(job["metadata"]["creationTimestamp"])
    return HistoryEntry.model_validate(
        {
            "scheduled_time": scheduled_time_of(name) or created,
            "outcome": outcome.outcome,
            "reason": outcome.reason,
            "message": outcome.message or None,
            "job_name": name,
            "run_id": outcome.run_id,
            "thread_id": outcome.thread_id,
            "started_at": outcome.started_at or job["status"].get("startTime"),
            "finished_at": job["status"].get("completionTime") or end["lastTransitionTime"],
        }
    )


def _outcome(end: Manifest, pods: Sequence[Manifest]) -> Outcome:
    """What the newest pod that left word said, corrected by how the Job ended."""
    said = None
    for pod in sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"]):
        said = termination_outcome(pod) or said
    if end["type"] == "Complete":
        return said or Outcome("Succeeded", NO_OUTCOME, "the Job completed, and its pod left no word")
    if end.get("reason") == "DeadlineExceeded":
        ids = (said.run_id, said.thread_id, said.started_at) if said else (None, None, None)
        return Outcome("Failed", "DeadlineExceeded", "did not end within activeDeadlineSeconds", *ids)
    if said and said.outcome == "Failed":
        return said
    last_words = next(filter(None, map(_last_words, reversed(pods))), "")
    return Outcome("Failed", NO_OUTCOME, last_words or end.get("message") or "the Job failed, and no pod left word")


def termination_outcome(pod: Manifest) -> Outcome | None:
    """The outcome that a pod's runner left as its termination message."""
    message = _termination(pod).get("message")
    return Outcome.from_json(message) if message else None


def _last_words(pod: Manifest) -> str:
    """The end of the log of a pod that died before it could say how, with how it died."""
    terminated = _termination(pod)
    lines = str(terminated.get("message") or "").strip().splitlines()
    return ": ".join(filter(None, [str(terminated.get("reason") or ""), lines[-1] if lines else ""]))[:1024]


def _termination(pod: Manifest) -> Manifest:
    for container in pod.get("status", {}).get("containerStatuses", []):
        terminated = container.get("state", {}).get("terminated")
        if terminated:
            return dict(terminated)
    return {}


def notes(old: GraphCronStatus, new: GraphCronStatus) -> list[Note]:
    """What changed between two states of one GraphCron that somebody would want to be told."""
    told = []
    before, after = _ready(old), _ready(new)
    if after and after.status == "False" and (before is None or before.message != after.message):
        told.append(Note("Warning", after.reason, after.message))
    elif after and after.status == "True" and before and before.reason != after.reason:
        told.append(Note("Normal", after.reason, after.message))
    known = {entry.job_name for entry in old.history or []}
    for entry in reversed(new.history or []):
        if entry.job_name in known:
            continue
        due = f"The run due at {format_time(entry.scheduled_time)}"
        if entry.outcome == "Failed":
            told.append(Note("Warning", entry.reason, f"{due} failed: {entry.message or entry.reason}"))
        elif entry.outcome == "Skipped":
            told.append(Note("Normal", entry.reason, f"{due} was skipped: {entry.message or entry.reason}"))
    return told


def _ready(status: GraphCronStatus) -> Condition | None:
    return next((condition for condition in status.conditions or [] if condition.type == READY), None)
