"""The run history: which firings are over and how they ended, from their Jobs and pods. Pure."""

from collections.abc import Sequence
from datetime import datetime

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import NOT_ON_THIS_DAY, scheduled_time_of
from graphcron.firing.outcome import Outcome
from graphcron.kube.resources import Manifest
from graphcron.operator.reasons import DEADLINE_EXCEEDED, NO_OUTCOME
from graphcron.resource.status import FiringCounts, HistoryEntry

HISTORY_LIMIT = 10

JOB_LABEL = "batch.kubernetes.io/job-name"
"""Label of a pod that names its Job; Kubernetes sets it."""


def past_firings(old: Sequence[HistoryEntry], jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> list[HistoryEntry]:
    """The firings that are over, newest first: those of the Jobs and pods at hand, and the recorded ones of Jobs that
    are deleted. An outcome that a pod reported is never replaced by less. The first `HISTORY_LIMIT` are the history.
    """
    entries = {key_of(entry): entry for entry in old}
    for job in jobs:
        its_pods = [pod for pod in pods if job_of(pod) == job["metadata"]["name"]]
        if (end := _end(job)) is None:
            continue
        outcome, explained = _outcome(end, its_pods)
        entry = _entry(job, end, outcome)
        if entry.job_name and outcome.reason != NOT_ON_THIS_DAY:
            known = entries.get(entry.job_name)
            if known is None or (its_pods and explained):
                entries[entry.job_name] = _fill(entry, known)
    return sorted(entries.values(), key=lambda entry: entry.scheduled_time, reverse=True)


def key_of(entry: HistoryEntry) -> str:
    return entry.job_name or format_time(entry.scheduled_time)


def added(old: Sequence[HistoryEntry], past: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The firings that an earlier history had not, oldest first. One that is older than a full history was in it once:
    its Job is only kept longer."""
    known = {key_of(entry) for entry in old}
    oldest = old[-1].scheduled_time if len(old) >= HISTORY_LIMIT else None
    new = [entry for entry in past if key_of(entry) not in known]
    return [entry for entry in reversed(new) if oldest is None or entry.scheduled_time >= oldest]


def count(old: FiringCounts | None, known: Sequence[HistoryEntry], past: Sequence[HistoryEntry]) -> FiringCounts | None:
    """The counts with what `past` has more than the history that was known; None until one is over."""
    if not past:
        return old
    before = {key_of(entry): entry.count or 1 for entry in known}
    counts = (old or FiringCounts()).model_dump()
    for entry in added(known, past):
        counts[entry.outcome.lower()] += entry.count or 1
    for entry in past:
        counts[entry.outcome.lower()] += (entry.count or 1) - before[key_of(entry)] if key_of(entry) in before else 0
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
    """Keep the ids that are recorded already: the pod that reported them may be deleted."""
    if known is None:
        return entry
    ids = {name: getattr(entry, name) or getattr(known, name) for name in ("run_id", "thread_id")}
    return entry.model_copy(update=ids)


def job_of(pod: Manifest) -> str | None:
    """Name of the Job that made a pod."""
    name = pod["metadata"].get("labels", {}).get(JOB_LABEL)
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


def _entry(job: Manifest, end: Manifest, outcome: Outcome) -> HistoryEntry:
    """The history entry of a Job that ended by that condition."""
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


def _outcome(end: Manifest, pods: Sequence[Manifest]) -> tuple[Outcome, bool]:
    """What the newest pod that reported an outcome says, corrected by how the Job ended; and whether anything says more
    than that the Job ended."""
    said = None
    for pod in sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"]):
        said = termination_outcome(pod) or said
    if end["type"] == "Complete":
        if said:
            return said, True
        return Outcome("Succeeded", NO_OUTCOME, "the Job completed, and its pod left no word"), False
    if end.get("reason") == DEADLINE_EXCEEDED and not (said and said.reason == DEADLINE_EXCEEDED):
        # The runner ends a firing before its Job's deadline, where it runs at all.
        run_id, thread_id, started_at = (said.run_id, said.thread_id, said.started_at) if said else (None, None, None)
        rest = f"run {run_id} may go on: cancel it there" if run_id else "is there a pod of it that could not start?"
        message = f"did not end within activeDeadlineSeconds, and no pod of it was there to cancel a run; {rest}"
        return Outcome("Failed", DEADLINE_EXCEEDED, message, run_id, thread_id, started_at), True
    if said and said.outcome == "Failed":
        return said, True
    last_words = next(filter(None, map(_last_words, reversed(pods))), "")
    message = last_words or end.get("message") or "the Job failed, and no pod left word"
    return Outcome("Failed", NO_OUTCOME, message), False


def termination_outcome(pod: Manifest) -> Outcome | None:
    """The outcome that a pod's runner left as its termination message."""
    message = _termination(pod).get("message")
    return Outcome.from_json(message) if message else None


def _last_words(pod: Manifest) -> str:
    """The end of the log of a pod that died before it could report an outcome, with the reason of its death."""
    terminated = _termination(pod)
    lines = str(terminated.get("message") or "").strip().splitlines()
    return ": ".join(filter(None, [str(terminated.get("reason") or ""), lines[-1] if lines else ""]))[:1024]


def _termination(pod: Manifest) -> Manifest:
    for container in pod.get("status", {}).get("containerStatuses", []):
        terminated = container.get("state", {}).get("terminated")
        if terminated:
            return dict(terminated)
    return {}
