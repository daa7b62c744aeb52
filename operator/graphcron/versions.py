"""Which of two states of a Kubernetes object is the newer one. Pure."""

from collections.abc import Mapping
from typing import Any


def version_of(manifest: Mapping[str, Any]) -> int:
    """Resource versions are comparable numbers (Kubernetes 1.35 and later say so; etcd's always were). 0: it has none."""
    version = str(manifest["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0
