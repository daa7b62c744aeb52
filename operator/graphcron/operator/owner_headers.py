"""The Secret with the HTTP headers of an owner, by which the Agent Server knows whose run it is. Pure.

Its name follows from the owner's id alone. No field of a GraphCron or of the REST API chooses it, so nobody can take
another owner's.
"""

import hashlib
import re
from dataclasses import replace

from graphcron.kube.resources import Manifest
from graphcron.operator.cronjob import Installation
from graphcron.resource.fields import NameReference
from graphcron.resource.identity import owner_of

_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DIGESTED = re.compile(r".*-[0-9a-f]{16}")


def secret_of(owner: str, prefix: str) -> str:
    """The prefix and the owner's id. What a name of Kubernetes cannot hold is replaced, and a digest follows; an id
    that looks as if it had one gets another, so that no two owners have the same Secret."""
    if _PLAIN.fullmatch(owner) and not _DIGESTED.fullmatch(owner):
        return prefix + owner
    readable = re.sub("[^a-z0-9]+", "-", owner.lower()).strip("-")
    return f"{prefix}{readable or 'owner'}-{hashlib.sha256(owner.encode()).hexdigest()[:16]}"


def for_owner(graphcron: Manifest, installation: Installation) -> Installation:
    """The installation as it is for this GraphCron: where owners have headers, those of its owner take the place of the
    API key. Elsewhere than in the release's namespace the owner's label is not the facade's."""
    pods, prefix, owner = installation.pods, installation.owner_headers, owner_of(graphcron)
    if not prefix or owner is None or graphcron["metadata"]["namespace"] != pods.namespace:
        return installation
    return replace(installation, pods=replace(pods, api_key=None, headers=NameReference(name=secret_of(owner, prefix))))
