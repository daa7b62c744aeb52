"""The run history: which firings are over and how they ended, from their Jobs and pods. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import MANUAL, NOT_ON_THIS_DAY, scheduled_time_of
from graphcron.firing.outcome import Outcome
from graphcron.kube.resources import Manifest
from graphcron.operator.pod_status import (
    cannot_start,
    companions,
    final_outcome,
    has_started,
    job_of,
    last_words,
    termination_outcome,
)
from graphcron.operator.reasons import (
    DEADLINE_EXCEEDED,
    JOB_DELETED,
    NO_OUTCOME,
    NOT_STARTING,
    REPLACED,
    SIDECAR_RUNNING,
)
from graphcron.operator.triggers import recorded_trigger
from graphcron.resource.identity import ENDED_ANNOTATION
from graphcron.resource.status import COUNT_LIMIT, OLDER_JOBS_LIMIT, FiringCounts, HistoryEntry
from graphcron.resource.usage import read_usage

HISTORY_LIMIT = 10


def past_firings(
    old: Sequence[HistoryEntry],
    jobs: Sequence[Manifest],
    pods: Sequence[Manifest],
    was_replaced: Callable[[Manifest], bool] = lambda job: False,
) -> list[HistoryEntry]:
    """The firings that are over, newest first: those of the Jobs and pods at hand, and the recorded ones of Jobs that
    are deleted. An outcome that a pod reported is never replaced by less. The first `HISTORY_LIMIT` are the history.

    `was_replaced` says why the Job of a firing was deleted that was not over.
    """
    entries = {key_of(entry): entry for entry in old}
    for job in jobs:
        its_pods = [pod for pod in pods if job_of(pod) == job["metadata"]["name"]]
        if (ending := _ending(job, its_pods, was_replaced)) is None:
            continue
        entry = _entry(job, ending)
        if entry.job_name and ending.outcome.reason != NOT_ON_THIS_DAY:
            known = entries.get(entry.job_name)
            if known is None or (its_pods and ending.explained):
                entries[entry.job_name] = _fill(entry, known)
    return newest_first(entries.values())


def firing_of(job: Manifest, pods: Sequence[Manifest]) -> tuple[HistoryEntry, bool] | None:
    """The firing of one Job when it is over, and whether anything says more of it than that its Job ended."""
    its_pods = [pod for pod in pods if job_of(pod) == job["metadata"]["name"]]
    ending = _ending(job, its_pods, lambda job: False)
    return (_entry(job, ending), ending.explained) if ending else None


def key_of(entry: HistoryEntry) -> str:
    return entry.job_name or format_time(entry.scheduled_time)


def newest_first(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    return sorted(entries, key=_place, reverse=True)


def _place(entry: HistoryEntry) -> tuple[datetime, str]:
    """Of any two firings one is the older, also of two Jobs that were made by hand in the same second: otherwise, one
    that a full history leaves out would be as new as its last one, and count again each time."""
    return entry.scheduled_time, key_of(entry)


def added(
    old: Sequence[HistoryEntry], past: Sequence[HistoryEntry], older_jobs: Collection[str] = ()
) -> list[HistoryEntry]:
    """The firings that an earlier history had not, oldest first. One that is older than a full history was in it once,
    and its Job is only kept longer; unless its Job was under way then, as one of `older_jobs`."""
    known = {key_of(entry) for entry in old}
    oldest = min(map(_place, old)) if len(old) >= HISTORY_LIMIT else None
    new = [entry for entry in past if key_of(entry) not in known]
    return [
        entry for entry in reversed(new) if oldest is None or _place(entry) >= oldest or entry.job_name in older_jobs
    ]


def older_jobs(history: Sequence[HistoryEntry], past: Sequence[HistoryEntry], jobs: Sequence[Manifest]) -> list[str]:
    """Names of the Jobs under way that were due before all of a full history, the newest of them."""
    if len(history) < HISTORY_LIMIT:
        return []
    over, oldest = {entry.job_name for entry in past}, _place(history[-1])
    under_way = (job for job in jobs if job["metadata"]["name"] not in over and not is_over(job))
    names = {job["metadata"]["name"]: _due(job) for job in under_way if "deletedAt" not in job}
    late = [name for name, due in names.items() if due is not None and (due, name) < oldest]
    return sorted(late, key=lambda name: (names[name], name))[-OLDER_JOBS_LIMIT:]


def _due(job: Manifest) -> datetime | None:
    name, created = job["metadata"]["name"], parse_time(job["metadata"]["creationTimestamp"])
    return created if recorded_trigger(job) == MANUAL else scheduled_time_of(name)


def count(
    old: FiringCounts | None,
    known: Sequence[HistoryEntry],
    past: Sequence[HistoryEntry],
    older_jobs: Collection[str] = (),
) -> FiringCounts | None:
    """The counts with what `past` has more than the history that was known, and no less than it has at all; None until
    one is over."""
    if not past:
        return old
    before = {key_of(entry): entry.count or 1 for entry in known}
    counts = (old or FiringCounts()).model_dump()
    for entry in added(known, past, older_jobs):
        _add(counts, entry, entry.count or 1)
    for entry in past:
        if key_of(entry) in before:
            _add(counts, entry, (entry.count or 1) - before[key_of(entry)])
    for outcome, number in counts.items():
        there = sum(entry.count or 1 for entry in past if FiringCounts.name_of(entry.outcome) == outcome)
        counts[outcome] = max(number or 0, there) or number
    return FiringCounts(**counts) if any(counts.values()) else old


def _add(counts: dict[str, int | None], entry: HistoryEntry, number: int) -> None:
    if number:
        name = FiringCounts.name_of(entry.outcome)
        counts[name] = (counts[name] or 0) + number


def most_failures(history: Sequence[HistoryEntry]) -> int:
    """How many failures in a row a history can have been recorded with: those since the last success, where it reaches
    back to one or to the first firing."""
    failed = 0
    for entry in history:
        if entry.outcome == "Succeeded":
            return failed
        failed += entry.outcome == "Failed"
    return failed if len(history) < HISTORY_LIMIT else COUNT_LIMIT


def failures_in_a_row(old: int, new: Sequence[HistoryEntry]) -> int:
    """Failed firings since the last success. What was skipped, or waits for input, is neither."""
    for entry in new:
        if entry.outcome == "Succeeded":
            old = 0
        elif entry.outcome == "Failed":
            old += 1
    return old


def _fill(entry: HistoryEntry, known: HistoryEntry | None) -> HistoryEntry:
    """Keep what a pod reported and is recorded already: the pod may be deleted."""
    if known is None:
        return entry
    return entry.model_copy(update={name: getattr(entry, name) or getattr(known, name) for name in _REPORTED})


_REPORTED = ("run_id", "thread_id", "duration_seconds", "usage", "answer")


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


class Ending(NamedTuple):
    """How and when a firing ended, and whether anything says more than that its Job did."""

    outcome: Outcome
    moment: str | None
    explained: bool = True


def _ending(job: Manifest, pods: Sequence[Manifest], was_replaced: Callable[[Manifest], bool]) -> Ending | None:
    """None while the firing is under way."""
    newest_first = sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)
    final = final_outcome(newest_first)
    if end := _end(job):
        moment = job["status"].get("completionTime") or end["lastTransitionTime"]
        if final:
            return Ending(final[0], moment)
        return _without_a_final_word(end, newest_first, moment, _why_it_was_ended(job, end))
    if final and ("deletedAt" in job or any(companions(pod) for pod in pods)):
        # Another container can keep the pod, and so the Job, for ever.
        return Ending(*final)
    if "deletedAt" not in job:
        return None
    started = any(map(has_started, pods))
    cause = next(filter(None, map(cannot_start, newest_first)), None)
    if was_replaced(job):
        message = "the next firing was due while it ran, and concurrencyPolicy is Replace"
        if not started:
            message = "the next firing was due before it started, and concurrencyPolicy is Replace"
            message += f": {cause[0]}: {cause[1]}" if cause else ": it had no running pod"
        reason = REPLACED if started else NOT_STARTING
        return Ending(Outcome("Replaced", reason, message), job["deletedAt"], explained=False)
    message = "somebody deleted its Job before it was over"
    message += "; its run may go on: cancel it on the Agent Server" if started else ", and before its run started"
    return Ending(Outcome("Failed", JOB_DELETED, message), job["deletedAt"], explained=False)


def _why_it_was_ended(job: Manifest, end: Manifest) -> str:
    """Reason and message of a Job that the operator ended; empty for one that ended otherwise."""
    because: str = job["metadata"].get("annotations", {}).get(ENDED_ANNOTATION, "")
    return because if end.get("reason") == DEADLINE_EXCEEDED else ""


def _without_a_final_word(end: Manifest, newest_first: Sequence[Manifest], moment: str, because: str) -> Ending:
    """How a firing ended by that condition of its Job, when no pod says for certain."""
    said = next(filter(None, map(termination_outcome, newest_first)), None)
    if end["type"] == "Complete":
        if said:
            return Ending(said, moment)
        return Ending(Outcome("Succeeded", NO_OUTCOME, "the Job completed, and its pod left no word"), moment, False)
    run_id = said.run_id if said else None
    known = said or Outcome("", "")
    reason, _, why = because.partition(": ")
    kept = reason == SIDECAR_RUNNING
    if reason == REPLACED and not (said and said.outcome == "Failed" and said.reason != DEADLINE_EXCEEDED):
        return Ending(known._replace(outcome="Replaced", reason=REPLACED, message=why), moment)
    if end.get("reason") == DEADLINE_EXCEEDED and not kept and not (said and said.reason == DEADLINE_EXCEEDED):
        # The runner ends a firing before its Job's deadline, where it runs at all.
        rest = f"run {run_id} may go on: cancel it there" if run_id else "is there a pod of it that could not start?"
        message = f"did not end within activeDeadlineSeconds, and no pod of it was there to cancel a run; {rest}"
        if why:
            message = f"{why}; {rest}" if run_id else why
        failed = known._replace(outcome="Failed", reason=reason or DEADLINE_EXCEEDED, message=message)
        return Ending(failed, moment)
    if said and said.outcome == "Failed":
        return Ending(said, moment)
    words = next(filter(None, map(last_words, newest_first)), "") or why or end.get("message")
    return Ending(Outcome("Failed", NO_OUTCOME, words or "the Job failed, and no pod left word"), moment, False)


def _entry(job: Manifest, ending: Ending) -> HistoryEntry:
    """The history entry of a Job."""
    outcome = ending.outcome
    return HistoryEntry.model_validate(
        {
            "scheduled_time": _due(job),
            "outcome": outcome.outcome,
            "reason": outcome.reason,
            "message": outcome.message or None,
            "job_name": job["metadata"]["name"],
            "trigger": recorded_trigger(job),
            "run_id": outcome.run_id,
            "thread_id": outcome.thread_id,
            "started_at": outcome.started_at or job["status"].get("startTime"),
            "finished_at": ending.moment,
            "duration_seconds": outcome.duration if type(outcome.duration) is int else None,
            "usage": read_usage(outcome.usage),
            "answer": _text(outcome.answer),
        }
    )


def _text(answer: object) -> str | None:
    """What a graph wrote may have half of a surrogate pair, which no status can have."""
    return answer.encode(errors="replace").decode() or None if isinstance(answer, str) else None
