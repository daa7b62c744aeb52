"""What the status of a run pod says about the container `run`. Others may inject containers of their own. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from graphcron.firing.formats import parse_time
from graphcron.firing.outcome import EXIT_DONE, FINAL_EXIT_CODES, Outcome
from graphcron.kube.resources import Manifest
from graphcron.operator.reasons import CONTAINER_CREATING, POD_INITIALIZING, UNSCHEDULABLE, WAITING_FOR_A_USER
from graphcron.operator.run_pod import CONTAINER

START_PATIENCE = timedelta(seconds=60)
"""Without a running container, before it is trouble. For a pod's volumes and network, on a node that has only just come
up, and for the controllers to be behind."""


JOB_LABEL = "batch.kubernetes.io/job-name"
"""Label of a pod that names its Job; Kubernetes sets it."""


def job_of(pod: Manifest) -> str | None:
    """Name of the Job that made a pod."""
    name = pod["metadata"].get("labels", {}).get(JOB_LABEL)
    return name if isinstance(name, str) else None


def run_state(pod: Manifest) -> Manifest:
    """The state of the container `run`: waiting, running or terminated; empty before the kubelet reports one."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    found: Manifest = next((status.get("state", {}) for status in statuses if status.get("name") == CONTAINER), {})
    return found


def companions(pod: Manifest) -> list[str]:
    """Names of the other containers of a pod that have not ended."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return [
        status["name"]
        for status in statuses
        if status["name"] != CONTAINER and "terminated" not in status.get("state", {})
    ]


def pod_is_over(pod: Manifest) -> bool:
    """Whether none of its containers runs any more."""
    return "deletedAt" in pod or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def has_started(pod: Manifest) -> bool:
    """Whether the container `run` has started."""
    return bool(run_state(pod).keys() & {"running", "terminated"})


def termination_outcome(pod: Manifest) -> Outcome | None:
    """The outcome that a pod's runner left as its termination message."""
    message = _terminated(pod).get("message")
    return Outcome.from_json(message) if message else None


def final_outcome(pods: Sequence[Manifest]) -> tuple[Outcome, str | None] | None:
    """The outcome of a firing after which Kubernetes makes no other pod for it, and when its run ended; None while
    there is none."""
    for pod in pods:
        if ends_its_job(pod) and (outcome := termination_outcome(pod)):
            return outcome, _terminated(pod).get("finishedAt")
    return None


def ends_its_job(pod: Manifest) -> bool:
    """Whether the container `run` ended in a way after which Kubernetes makes no other pod."""
    return _terminated(pod).get("exitCode") in (EXIT_DONE, *FINAL_EXIT_CODES)


def last_words(pod: Manifest) -> str:
    """The end of the log of a pod that died before it could report an outcome, with the reason of its death."""
    terminated = _terminated(pod)
    lines = str(terminated.get("message") or "").strip().splitlines()
    return ": ".join(filter(None, [str(terminated.get("reason") or ""), lines[-1] if lines else ""]))[:1024]


def _terminated(pod: Manifest) -> Manifest:
    found: Manifest = run_state(pod).get("terminated") or {}
    return found


def ended_at(pod: Manifest) -> datetime:
    """When a pod ended, as far as it tells."""
    ended = run_state(pod).get("terminated") or {}
    moments = [condition.get("lastTransitionTime") for condition in pod.get("status", {}).get("conditions", [])]
    known = [ended.get("finishedAt") or pod.get("deletedAt"), *moments, pod["metadata"]["creationTimestamp"]]
    return parse_time(next(filter(None, known)))


def cannot_start(pod: Manifest) -> tuple[str, str] | None:
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


def starts_late(pod: Manifest, mounts: Sequence[str]) -> tuple[str, str]:
    """As `cannot_start`, for what Kubernetes reports only in the pod's Events: a volume that cannot be mounted.
    `mounts` are the objects that it mounts, by kind and name."""
    name = pod["metadata"]["name"]
    named = f" It mounts {' and '.join(mounts)}: do they exist, with the keys that the spec names?" if mounts else ""
    return CONTAINER_CREATING, (
        f"run pod {name}: its volumes or its network are not ready after {START_PATIENCE.seconds} s.{named} "
        f"'kubectl describe pod {name}' says what is missing"
    )


def initializes(pod: Manifest) -> tuple[str, str] | None:
    """As `cannot_start`, for an init container that has not done its work. Ours takes a moment."""
    for container in pod.get("status", {}).get("initContainerStatuses", []):
        if "running" in container.get("state", {}) and not container.get("started"):
            name = container["name"]
            return POD_INITIALIZING, f"run pod {pod['metadata']['name']}: its init container {name} is not done"
    return None
