"""Which CronJob without an owner is ours, and how its fields become ours. Pure.

A Deployment adopts ReplicaSets that match and that nothing controls. The same happens here after a restore from a
backup, after `kubectl delete --cascade=orphan`, and when somebody removes the owner reference.
"""

from typing import Any

from graphcron.kube.resources import Manifest
from graphcron.operator.observed import controller_of
from graphcron.resource.identity import CRON_LABEL, FIELD_MANAGER, MANAGED_BY


def is_orphan_of(found: Manifest, name: str) -> bool:
    """Whether a CronJob was made for a GraphCron of that name, and nothing controls it. GraphCrons of one namespace
    belong to one installation, whose version and settings may have changed since."""
    labels = found["metadata"].get("labels", {})
    return controller_of(found) is None and (MANAGED_BY | {CRON_LABEL: name}).items() <= labels.items()


def taken_over(found: Manifest) -> list[Manifest] | None:
    """The managedFields with all fields but the status as ours, None when they are. Whoever restored it has set them
    all, and what the GraphCron has no longer would stay as theirs (Kubernetes, client-go/util/csaupgrade)."""
    entries = found["metadata"].get("managedFields", [])
    rest = [entry for entry in entries if entry.get("subresource")]
    own = [entry for entry in entries if not entry.get("subresource")]
    if all((entry["manager"], entry["operation"]) == (FIELD_MANAGER, "Apply") for entry in own):
        return None
    fields: dict[str, Any] = {}
    for entry in own:
        fields = _union(fields, entry.get("fieldsV1", {}))
    ours = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}
    return [own[0] | ours, *rest]


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: _union(one.get(name, {}), other.get(name, {})) for name in one | other}
