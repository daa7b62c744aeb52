"""What an action writes to its GraphCron, as a merge patch: run now, pause, resume. Pure.

An annotation is carried out once for each token, and is nothing that a sync from Git would revert.
"""

from datetime import datetime
from typing import Any

from graphcron.kube.resources import Manifest
from graphcron.resource.identity import RESUME_REQUESTED, RUN_REQUESTED
from graphcron.resource.status import TOKEN_LIMIT


def token(now: datetime) -> str:
    """A token that no other request has, unless it is made in the same microsecond."""
    return f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"


def run_now(request: str) -> dict[str, Any]:
    """Run it once, also while it is paused; `request` is the token."""
    return {"metadata": {"annotations": {RUN_REQUESTED: request}}}


def pause(reason: str | None) -> dict[str, Any]:
    """Fire no more until it is resumed."""
    return {"spec": {"enabled": False, "pauseReason": reason}}


def resume(graphcron: Manifest, request: str) -> dict[str, Any]:
    """Fire again, whether it was paused or maxFailures has suspended it. A spec that Git owns is not touched for
    nothing."""
    paused = (graphcron.get("spec") or {}).get("enabled") is False
    spec = {"spec": {"enabled": True, "pauseReason": None}} if paused else {}
    return {"metadata": {"annotations": {RESUME_REQUESTED: request}}} | spec


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
