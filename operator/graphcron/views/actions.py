"""What an action writes to its GraphCron, as a merge patch: run now, pause, resume. Pure.

An annotation is carried out once for each token, and is nothing that a sync from Git would revert. It holds one token:
a request to run now waits until the one before it is recorded, or that one might be lost.
"""

from datetime import datetime
from typing import Any

from graphcron.kube.resources import Manifest
from graphcron.resource.fields import clipped
from graphcron.resource.identity import RESUME_REQUESTED, RUN_REQUESTED, requested_job_name
from graphcron.resource.status import NOT_OBSERVED, TOKEN_LIMIT

REASON_LIMIT = 1024
"""Characters of spec.pauseReason."""


class NotYet(Exception):
    """A request to run now that has to wait; the message says for what."""


def token(now: datetime) -> str:
    """A token that no other request has, unless it is made in the same microsecond."""
    return f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"


def requested_run(graphcron: Manifest) -> str:
    """The token of the newest request to run it now; empty for none."""
    return str((graphcron["metadata"].get("annotations") or {}).get(RUN_REQUESTED) or "")[:TOKEN_LIMIT]


def is_known(graphcron: Manifest, request: str) -> bool:
    """Whether a request was made already: it is the newest one, or its run is among the recorded firings."""
    status = graphcron.get("status") or {}
    if request in (requested_run(graphcron), _recorded(graphcron)):
        return True
    job = requested_job_name(graphcron["metadata"], request)
    return any(entry.get("jobName") == job for entry in status.get("history", []))


def check_run(graphcron: Manifest) -> None:
    """Raises NotYet while a further request to run now could be lost, or take the place of one that is."""
    if (graphcron.get("status") or {}).get("observedGeneration", NOT_OBSERVED) == NOT_OBSERVED:
        raise NotYet("no operator has read this GraphCron yet")
    if (newest := requested_run(graphcron)) not in ("", _recorded(graphcron)):
        raise NotYet(f"the operator has not carried out the request before it yet, {newest}")


def run_now(graphcron: Manifest, request: str) -> dict[str, Any]:
    """Run it once, also while it is paused; `request` is the token. Only to be written to that very version. Raises
    NotYet."""
    check_run(graphcron)
    version = graphcron["metadata"]["resourceVersion"]
    return {"metadata": {"resourceVersion": version, "annotations": {RUN_REQUESTED: request}}}


def pause(reason: str | None, who: str | None = None) -> dict[str, Any]:
    """Fire no more until it is resumed. `who` is added to the reason."""
    by = f"by {who}" if who else ""
    if reason and by:
        by = f" ({by})"
    said = clipped(reason or "", REASON_LIMIT - len(by)) + by
    return {"spec": {"enabled": False, "pauseReason": said or None}}


def resume(graphcron: Manifest, request: str) -> dict[str, Any]:
    """Fire again, whether it was paused or maxFailures has suspended it. A spec that Git owns is not touched for
    nothing."""
    paused = (graphcron.get("spec") or {}).get("enabled") is False
    spec = {"spec": {"enabled": True, "pauseReason": None}} if paused else {}
    return {"metadata": {"annotations": {RESUME_REQUESTED: request}}} | spec


def _recorded(graphcron: Manifest) -> str:
    return str(((graphcron.get("status") or {}).get("lastRequest") or {}).get("token", ""))


def is_suspended(graphcron: Manifest) -> bool:
    """Whether it fires no more although its spec is enabled, so that a request to resume can help."""
    enabled = (graphcron.get("spec") or {}).get("enabled") is not False
    return enabled and (graphcron.get("status") or {}).get("enabled") is False


def is_resuming(graphcron: Manifest) -> bool:
    """Whether a request to resume is on its way: the operator has not recorded its token."""
    annotations = graphcron["metadata"].get("annotations") or {}
    status = graphcron.get("status") or {}
    requested = annotations.get(RESUME_REQUESTED, "")[:TOKEN_LIMIT]
    return bool(requested) and requested != status.get("lastResume")
