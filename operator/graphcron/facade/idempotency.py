"""Idempotency: a repeated create with the same Idempotency-Key header answers with the first cron.

The key determines the cron's name, so Kubernetes accepts one create, through any replica, and nothing has to be stored:
a key is in use for as long as its cron exists. Pure.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from graphcron.facade.errors import RestError
from graphcron.kube.resources import Manifest

HEADER = "Idempotency-Key"
"""As in the IETF's draft of that name, which leaves its syntax to the server."""

DIGEST = "graphcron.dev/request-digest"
"""Annotation with a digest of what the create with the key asked for: later updates do not change it."""

KEY_LIMIT = 255


def read_key(given: Sequence[str]) -> str | None:
    """The key of these headers; None without one. Raises RestError 400 for a header that is no key."""
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(rf"[ -~]{{1,{KEY_LIMIT}}}", given[0]):
        raise RestError(400, f"{HEADER} must be sent once, with 1 to {KEY_LIMIT} printable ASCII characters")
    return given[0]


def cron_id(owner: str | None, key: str) -> str:
    """The id of the cron that this owner makes with this key: a UUID of version 8 (RFC 9562), ours to fill."""
    text = json.dumps([owner, key])
    value = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def marked(manifest: Manifest) -> Manifest:
    """A new GraphCron with the digest of what it was asked to be."""
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations", {}) | {DIGEST: _digest(manifest["spec"])}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def check_same(first: Manifest, repeated: Manifest, kind: str = "cron") -> None:
    """Raises RestError 422 when a marked create asks for something else than what its key has made, of that kind."""
    made_of = first["metadata"].get("annotations", {}).get(DIGEST)
    if made_of != repeated["metadata"]["annotations"][DIGEST]:
        raise RestError(
            422,
            f"This {HEADER} has already made {kind} '{first['metadata']['name']}' from another request: repeat that "
            "request unchanged, or use a new key",
        )


def _digest(spec: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
