"""The outline of a GraphCron that is too large or too deep to ever run: what is kept of it in memory.

An apiserver stores 1.5 MB. Parsed, JSON such as `[{},{},…]` takes twenty times the memory of its text, so a few such
objects would end a process that keeps or reads them.
"""

from typing import Any

from graphcron.kube import jsontext
from graphcron.resource.identity import OWNER_LABEL

OBJECT_LIMIT = 512 * 1024
"""Bytes as JSON. A run request has at most 240 KiB, and all else of a GraphCron that can run is less than that."""

STATUS_LIMIT = 128 * 1024
"""Bytes of a status that is kept: several times what the operator writes."""

OVERSIZE = "oversize"
"""Key of an outline, which no whole has."""

_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
_SPEC = ("schedule", "timezone", "assistantId", "threadId", "startTime", "endTime", "enabled", "onRunCompleted")


def bounded(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same GraphCron, or its outline when it has more than `OBJECT_LIMIT` bytes, or too many levels."""
    text = jsontext.dumps_shallow(manifest)
    return outline(manifest) if text is None or len(text) > OBJECT_LIMIT else manifest


def outline(manifest: dict[str, Any]) -> dict[str, Any]:
    """What names it, and what lists show of it."""
    metadata, spec, status = (manifest.get(part) or {} for part in ("metadata", "spec", "status"))
    owner = metadata.get("labels", {}).get(OWNER_LABEL)
    state = jsontext.dumps_shallow(status)
    return {
        **{key: manifest[key] for key in ("apiVersion", "kind") if key in manifest},
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata}
        | ({"labels": {OWNER_LABEL: owner}} if owner else {}),
        "spec": {key: spec[key] for key in _SPEC if isinstance(spec.get(key), str | bool)},
        "status": status if state and len(state) <= STATUS_LIMIT else {},
        OVERSIZE: True,
    }
