"""What the status of a run pod says about the container `run`. Others may inject containers of their own. Pure."""

from collections.abc import Sequence

from graphcron.firing.outcome import EXIT_DONE, FINAL_EXIT_CODES, Outcome
from graphcron.kube.resources import Manifest
from graphcron.operator.run_pod import CONTAINER


def job_of(pod: Manifest) -> str | None:
    """Name of the Job that made a pod."""
    name = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
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


def is_over(pod: Manifest) -> bool:
    """Whether none of its containers runs any more."""
    return "deletedAt" in pod or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


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
