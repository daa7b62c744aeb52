"""What run pods have where the installation says nothing else: the defaults of the chart's `runs`. Pure."""

from collections.abc import Mapping
from typing import Any

USER_ID = 65532
"""The image's user, by number: `runAsNonRoot` cannot judge a name."""

POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "fsGroup": USER_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a run pod where the installation names none: Pod Security "restricted"."""

CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""The same for its containers."""

RESOURCES: Mapping[str, Any] = {
    "requests": {"cpu": "20m", "memory": "32Mi"},
    # A quota on limits.cpu refuses pods without one; one CPU never slows down the single thread of a run pod.
    "limits": {"cpu": "1", "memory": "128Mi"},
}
"""The resources of a run pod that follows a run."""

IN_POD_RESOURCES: Mapping[str, Any] = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}
"""The same of a pod that runs a graph."""
