"""Firings without a running container `run`: since when, and why in the cluster's words. Pure.

A Job is waiting when its pod cannot be made (a quota, an admission policy) or cannot start (no node, no image, a
missing Secret), or when its run is over and another container keeps the pod. Kubernetes waits without end for both.
A CronJob whose Job cannot be made is tried again, and only an Event says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import RUNS_STARTING, condition_of
from graphcron.operator.cronjob import mounted
from graphcron.operator.history import is_over
from graphcron.operator.observed import Observed
from graphcron.operator.pod_status import (
    START_PATIENCE,
    cannot_start,
    companions,
    ended_at,
    ends_its_job,
    has_started,
    initializes,
    job_of,
    late_at,
    pod_is_over,
    run_state,
    starts_late,
)
from graphcron.operator.reasons import (
    CONTAINER_CREATING,
    FAILED_CREATE,
    JOB_SUSPENDED,
    NO_POD,
    NOT_STARTING,
    SIDECAR_RUNNING,
)
from graphcron.resource.identity import ENDED_ANNOTATION, TOUCHED_ANNOTATION

FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=10), timedelta(minutes=10)
"""Between a failed pod and the next, doubled each time (Kubernetes, pkg/controller/job, backoff_utils.go)."""
FORGOTTEN_AFTER = timedelta(minutes=5, seconds=30)
"""Without a pod, until a touch of its Job can help. A pod that came and went while the Job controller saw nothing is
waited for: 5 minutes long (ExpectationsTimeout, pkg/controller/controller_utils.go), and after that until something
happens to the Job."""
BETWEEN_TOUCHES = timedelta(minutes=2)


@dataclass(frozen=True)
class Waiting:
    """A Job whose container `run` does not run."""

    job: Manifest
    since: datetime
    trouble: tuple[str, str] | None = None
    """Reason and message; None while it may still be on its way, as a pod that pulls its image is."""
    kept: bool = False
    """Its run is over, and another container keeps the pod."""
    podless: bool = False
    """No pod of it is known; `since` is no more than a guess after a restart of the operator."""
    suspended: bool = False

    @property
    def late_at(self) -> datetime:
        """From when on it does not start."""
        return self.since + START_PATIENCE


def waiting_jobs(observed: Observed, now: datetime) -> list[Waiting]:
    """The oldest first."""
    jobs = sorted(observed.jobs, key=lambda job: job["metadata"]["creationTimestamp"])
    found = (_waiting(job, observed, now) for job in jobs if not is_over(job) and "deletedAt" not in job)
    return [waiting for waiting in found if waiting]


def has_a_started_run(observed: Observed) -> bool:
    """Whether the container `run` of a Job that is not over has started."""
    running = {job["metadata"]["name"] for job in observed.jobs if not is_over(job) and "deletedAt" not in job}
    return any(job_of(pod) in running and has_started(pod) for pod in observed.pods)


def _waiting(job: Manifest, observed: Observed, now: datetime) -> Waiting | None:
    pods = [pod for pod in observed.pods if job_of(pod) == job["metadata"]["name"]]
    pods.sort(key=lambda pod: pod["metadata"]["creationTimestamp"])
    alive = [pod for pod in pods if not pod_is_over(pod)]
    if alive:
        return _pod_waits(job, alive[-1], mounted(observed.cron_job) if observed.cron_job else [], now)
    if any(map(ends_its_job, pods)):
        return None  # the Job controller is about to end it
    if because := _suspended(job):
        return Waiting(job, because[1], (JOB_SUSPENDED, because[0]), podless=True, suspended=True)
    since = parse_time(job["metadata"]["creationTimestamp"])
    if pods:
        backoff = FIRST_BACKOFF * 2 ** min(len(pods) - 1, 10)
        since = max(since, *map(ended_at, pods)) + min(backoff, LONGEST_BACKOFF)
    late = now >= since + START_PATIENCE
    return Waiting(job, since, _no_pod(job, observed, since) if late else None, podless=True)


def _pod_waits(job: Manifest, pod: Manifest, mounts: Sequence[str], now: datetime) -> Waiting | None:
    state, name = run_state(pod), pod["metadata"]["name"]
    if "running" in state:
        return None
    if ended := state.get("terminated"):
        others, moment = companions(pod), ended.get("finishedAt")
        if not others or not moment:
            return None
        since = parse_time(moment)
        words = f"run pod {name}: its run has ended, and it is kept by what others put into it: {', '.join(others)}"
        return Waiting(job, since, (SIDECAR_RUNNING, words) if now >= since + START_PATIENCE else None, kept=True)
    if late := late_at(pod):
        trouble = cannot_start(pod) or (starts_late(pod, mounts) if now >= late else None)
        return Waiting(job, late - START_PATIENCE, trouble)
    since = parse_time(pod["metadata"]["creationTimestamp"])
    slow = initializes(pod) if now >= since + START_PATIENCE else None
    return Waiting(job, since, cannot_start(pod) or slow)


def _suspended(job: Manifest) -> tuple[str, datetime] | None:
    """Who queues Jobs suspends them: message and moment."""
    for condition in job.get("status", {}).get("conditions", []):
        if (condition["type"], condition["status"]) == ("Suspended", "True"):
            words = (
                f"Job {job['metadata']['name']} is suspended: {condition.get('message') or 'by whoever queues Jobs'}"
            )
            return words, parse_time(condition["lastTransitionTime"])
    return None


def _no_pod(job: Manifest, observed: Observed, since: datetime) -> tuple[str, str]:
    name = job["metadata"]["name"]
    if words := observed.create_failure(job["metadata"].get("uid"), since - START_PATIENCE):
        return FAILED_CREATE, f"Job {name}: {words}"
    return NO_POD, f"Job {name} has no pod, and no Event says why: is the cluster's controller manager at work?"


def why_it_is_ended(waiting: Waiting, timeout: timedelta) -> str:
    """Reason and message of a firing that is not waited for any longer."""
    seconds = int(timeout.total_seconds())
    if waiting.kept:
        words = waiting.trouble[1] if waiting.trouble else "another container keeps it"
        return f"{SIDECAR_RUNNING}: {words}; ended after {seconds} s"
    pulls = "its image is not pulled, or its containers are not made"
    reason, words = waiting.trouble or (CONTAINER_CREATING, pulls)
    return (
        f"{NOT_STARTING}: did not start within {seconds} s (runs.startTimeoutSeconds of the chart): {reason}: {words}"
    )


@dataclass(frozen=True)
class End:
    """The end of a Job that is not waited for any longer, if it still is as it was observed."""

    job: Manifest
    because: str
    """Reason and message."""
    kept: bool


def to_end(
    observed: Observed, waiting: Sequence[Waiting], timeout: timedelta, now: datetime
) -> tuple[End | None, datetime | None]:
    """The oldest Job that has waited for too long, and when the next one will be late or too late. One at a time: the
    end of each brings an event."""
    moments = [one.late_at for one in waiting]
    for one in waiting:
        reported = condition_of(observed.status, RUNS_STARTING)
        at = ends_at(one, timeout, reported.last_transition_time if reported else now)
        if at and at <= now:
            return End(one.job, why_it_is_ended(one, timeout), one.kept), None
        moments += filter(None, (at, touches_at(one)))
    return None, min((moment for moment in moments if moment > now), default=None)


def ends_at(waiting: Waiting, timeout: timedelta, reported: datetime) -> datetime | None:
    """When a firing that does not start is ended; `reported` is since when the status says so. None for never."""
    if ENDED_ANNOTATION in waiting.job["metadata"].get("annotations", {}) or waiting.suspended or not timeout:
        return None
    if not waiting.podless:
        return waiting.since + timeout
    # A drained pod that is gone is known only to an operator that saw it: its Job may have been at work until now.
    return max(waiting.since, reported - START_PATIENCE) + timeout


def touches_at(waiting: Waiting) -> datetime | None:
    """When a Job without a pod is to be touched, so that the Job controller looks at it again. None for never: where
    that controller says what it lacks, it tries again by itself."""
    annotations = waiting.job["metadata"].get("annotations", {})
    explained = waiting.trouble is not None and waiting.trouble[0] != NO_POD
    if not waiting.podless or explained or ENDED_ANNOTATION in annotations:
        return None
    first, touched = waiting.since + FORGOTTEN_AFTER, annotations.get(TOUCHED_ANNOTATION)
    return max(first, parse_time(touched) + BETWEEN_TOUCHES) if touched else first


def to_touch(observed: Observed, now: datetime) -> list[Manifest]:
    """The Jobs to touch now. Without an answer to what could not be created, none."""
    if observed.create_failures is None:
        return []
    moments = ((one.job, touches_at(one)) for one in waiting_jobs(observed, now))
    return [job for job, moment in moments if moment and moment <= now]
