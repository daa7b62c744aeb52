"""Resource versions: which of two states of a Kubernetes object is the newer one."""

from collections.abc import Mapping
from typing import Any


def version_of(manifest: Mapping[str, Any]) -> int:
    """Its resource version, 0 if it has none. They compare as numbers: Kubernetes 1.35 says so, etcd's always did."""
    version = str(manifest["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0
