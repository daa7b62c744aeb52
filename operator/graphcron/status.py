"""What `status` says: conditions, next firings and history, from what was observed. All reasons are in this file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import NOT_ON_THIS_DAY, scheduled_time_of
from graphcron.firing.outcome import Outcome
from graphcron.resource.status import Condition, FiringCounts, GraphCronStatus, HistoryEntry

HISTORY_LIMIT = 10
NEXT_TIMES = 5

READY = "Ready"
STALLED = "Stalled"
LAST_RUN_SUCCEEDED = "LastRunSucceeded"

SCHEDULED = "Scheduled"
PAUSED = "Paused"
EXPIRED = "Expired"
NOT_STARTED = "NotStarted"
MAX_FAILURES = "MaxFailuresReached"
TOO_FREQUENT = "TooFrequent"
IN_POD_NOT_ALLOWED = "InPodNotAllowed"
SUSPENDED = "Suspended"
"""Condition; there only while nothing fires, for one of `SUSPENDING`, and then True. `EXPIRED` is one, too."""
SUSPENDING = (PAUSED, EXPIRED, NOT_STARTED, MAX_FAILURES, TOO_FREQUENT, IN_POD_NOT_ALLOWED)
INTERNAL_ERROR = "InternalError"
NAME_TAKEN = "CronJobNameTaken"
REFUSED_BY_CLUSTER = "CronJobRefused"
INVALID_SCHEDULE = "InvalidSchedule"
INVALID_TIMEZONE = "InvalidTimezone"
# InvalidSpec (resource.spec.read_spec), RequestTooLarge and NoAgentServer (cronjob.cron_job) come with their
# exceptions; the reasons of a run's end come from its run pod.

RUNS_STARTING = "RunsStarting"
"""Condition; there only while run pods cannot start, and then False."""

NO_OUTCOME = "NoOutcome"
"""The Job ended, and no pod of it left word: killed at once, or deleted before it was read."""

Manifest = Mapping[str, Any]

PENDING = "pending"
STATES = ("ready", "suspended", "expired", "stalled", PENDING)
"""What a GraphCron can be, for metrics."""


def state_of(graphcron: Manifest) -> str:
    """One of `STATES`, by its status as it is written; pending until there is one of this generation."""
    told = graphcron.get("status") or {}
    reasons = {condition["type"]: condition["reason"] for condition in told.get("conditions", [])}
    if READY not in reasons or told.get("observedGeneration") != graphcron["metadata"].get("generation"):
        return PENDING
    if STALLED in reasons:
        return "stalled"
    if reasons[READY] == EXPIRED:
        return "expired"
    return "suspended" if reasons[READY] in SUSPENDING else "ready"


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
    if verdict.reason in SUSPENDING:
        wanted.append((SUSPENDED, True, verdict.reason, message))
    if verdict.reason == EXPIRED:
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
    """The verdict's message; while the cluster goes on refusing the same spec, the first one it gave. An admission
    webhook may put a request id or a quota's use into each refusal, and each new text would be a write."""
    same = old and (old.reason, old.observed_generation) == (verdict.reason, generation)
    return old.message if old and same and verdict.reason == REFUSED_BY_CLUSTER else verdict.message


_HOPELESS = (
    "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff",
    "InvalidImageName", "RunContainerError",
)  # fmt: skip
"""What a kubelet waits for that somebody has to mend; it also says ContainerCreating, which is nothing to tell."""


def _cannot_start(pod: Manifest) -> tuple[str, str] | None:
    """Reason and message when this pod cannot start until somebody does something."""
    name = pod["metadata"]["name"]
    states = pod.get("status", {})
    for container in [*states.get("initContainerStatuses", []), *states.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            return waiting["reason"], f"run pod {name}: {waiting.get('message') or waiting['reason']}"
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason = condition.get("reason") or "Unschedulable"
            return reason, f"run pod {name}: {condition.get('message') or reason}"
    return None


START_PATIENCE = timedelta(seconds=60)
"""For a pod's volumes and network, on a node that has only just come up."""

CONTAINER_CREATING = "ContainerCreating"
"""What `kubectl get pods` shows of such a pod."""


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
    """As `_cannot_start`, for what only the events of a pod tell: a volume that cannot be mounted."""
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
        "reason": reason,
        "message": message,
    }


def firings(old: Sequence[HistoryEntry], jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> list[HistoryEntry]:
    """The firings that are over, newest first: what the Jobs and pods at hand tell, and what was told before of Jobs
    that are gone. What a pod said is never replaced by less. The first `HISTORY_LIMIT` of them are the history.
    """
    entries = {_key(entry): entry for entry in old}
    for job in jobs:
        its_pods = [pod for pod in pods if job_of(pod) == job["metadata"]["name"]]
        entry = _entry(job, its_pods)
        if entry and entry.job_name and entry.reason != NOT_ON_THIS_DAY:
            known = entries.get(entry.job_name)
            if known is None or (its_pods and entry.reason != NO_OUTCOME):
                entries[entry.job_name] = _fill(entry, known)
    return sorted(entries.values(), key=lambda entry: entry.scheduled_time, reverse=True)


def _key(entry: HistoryEntry) -> str:
    return entry.job_name or format_time(entry.scheduled_time)


def added(old: Sequence[HistoryEntry], past: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The firings that an earlier history had not, oldest first. One that is older than a full history was in it once:
    its Job is only kept longer."""
    known = {_key(entry) for entry in old}
    oldest = old[-1].scheduled_time if len(old) >= HISTORY_LIMIT else None
    new = [entry for entry in past if _key(entry) not in known]
    return [entry for entry in reversed(new) if oldest is None or entry.scheduled_time >= oldest]


def count(old: FiringCounts | None, known: Sequence[HistoryEntry], past: Sequence[HistoryEntry]) -> FiringCounts | None:
    """The counts with what `past` has more than the history that was known; None until one is over."""
    if not past:
        return old
    before = {_key(entry): entry.count or 1 for entry in known}
    counts = (old or FiringCounts()).model_dump()
    for entry in added(known, past):
        counts[entry.outcome.lower()] += entry.count or 1
    for entry in past:
        counts[entry.outcome.lower()] += (entry.count or 1) - before[_key(entry)] if _key(entry) in before else 0
    return FiringCounts(**counts) if any(counts.values()) else old


def failures_in_a_row(old: int, new: Sequence[HistoryEntry]) -> int:
    """Failed firings since the last success. What was skipped is neither."""
    for entry in new:
        if entry.outcome == "Succeeded":
            old = 0
        elif entry.outcome == "Failed":
            old += 1
    return old


def _fill(entry: HistoryEntry, known: HistoryEntry | None) -> HistoryEntry:
    """Keep the ids that an earlier look found and this one did not: the pod that told them may be gone."""
    if known is None:
        return entry
    ids = {name: getattr(entry, name) or getattr(known, name) for name in ("run_id", "thread_id")}
    return entry.model_copy(update=ids)


def job_of(pod: Manifest) -> str | None:
    """Name of the Job that made a pod."""
    name = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
    return name if isinstance(name, str) else None


def is_over(job: Manifest) -> bool:
    """Whether a Job has ended, well or badly."""
    return _end(job) is not None


def ended_at(job: Manifest) -> datetime | None:
    """When a Job ended, None while it runs."""
    end = _end(job)
    return parse_time(job["status"].get("completionTime") or end["lastTransitionTime"]) if end else None


def _end(job: Manifest) -> Manifest | None:
    conditions = job.get("status", {}).get("conditions", [])
    ended = (c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True")
    return next(ended, None)


def _entry(job: Manifest, pods: Sequence[Manifest]) -> HistoryEntry | None:
    """The history entry of a Job that is over; None while it runs."""
    end = _end(job)
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
    if end.get("reason") == "DeadlineExceeded" and not (said and said.reason == "DeadlineExceeded"):
        # The runner ends a firing before its Job's deadline, where it runs at all.
        run_id, thread_id, started_at = (said.run_id, said.thread_id, said.started_at) if said else (None, None, None)
        rest = f"run {run_id} may go on: cancel it there" if run_id else "is there a pod of it that could not start?"
        message = f"did not end within activeDeadlineSeconds, and no pod of it was there to cancel a run; {rest}"
        return Outcome("Failed", "DeadlineExceeded", message, run_id, thread_id, started_at)
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


def notes(old: GraphCronStatus, new: Sequence[Manifest], history: Sequence[HistoryEntry]) -> list[Note]:
    """What somebody would want to be told of new conditions and a history that follow on an older status."""
    told = []
    conditions = {condition["type"]: condition for condition in new}
    before, after = condition_of(old, READY), conditions[READY]
    if after["status"] == "False" and (before is None or before.message != after["message"]):
        told.append(Note("Warning", after["reason"], after["message"]))
    elif after["status"] == "True" and before and before.reason != after["reason"]:
        told.append(Note("Normal", after["reason"], after["message"]))
    was_stuck, stuck = condition_of(old, RUNS_STARTING), conditions.get(RUNS_STARTING)
    if stuck and (was_stuck is None or was_stuck.reason != stuck["reason"]):
        told.append(Note("Warning", stuck["reason"], stuck["message"]))
    known = {_key(entry) for entry in old.history or []}
    for entry in reversed(history):
        if _key(entry) in known:
            continue
        due = f"The run due at {format_time(entry.scheduled_time)}"
        if entry.outcome == "Failed":
            told.append(Note("Warning", entry.reason, f"{due} failed: {entry.message or entry.reason}"))
        elif entry.outcome == "Skipped":
            told.append(Note("Normal", entry.reason, f"{due} was skipped: {entry.message or entry.reason}"))
        elif entry.outcome == "Missed":
            told.append(Note("Warning", entry.reason, f"{due} was missed: {entry.message or entry.reason}"))
    return told


def condition_of(status: GraphCronStatus, kind: str) -> Condition | None:
    """The condition of that type, None when it is not there."""
    return next((condition for condition in status.conditions or [] if condition.type == kind), None)
