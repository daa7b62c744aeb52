"""The status of a GraphCron has fields of the notifier: the operator neither reads nor writes them. Pure."""

from collections.abc import Mapping
from typing import Any

from graphcron.kube.resources import Manifest

OF_THE_NOTIFIER = "notifications"


def own_fields(manifest: Mapping[str, Any]) -> Manifest:
    """The GraphCron without them."""
    status = manifest.get("status")
    if not isinstance(status, dict) or OF_THE_NOTIFIER not in status:
        return dict(manifest)
    return {**manifest, "status": {name: value for name, value in status.items() if name != OF_THE_NOTIFIER}}


def changed_meanwhile(before: Manifest, written: Manifest, wanted: Mapping[str, Any]) -> bool:
    """Whether an object that was just written is not as the writer thinks: its spec was edited, or somebody else wrote
    into its status. A field that an older CRD drops is dropped again, which changes nothing: that is no reason."""
    if written["metadata"]["generation"] != before["metadata"]["generation"]:
        return True
    same = written["metadata"].get("resourceVersion") == before["metadata"].get("resourceVersion")
    return not same and own_fields(written).get("status") != wanted
