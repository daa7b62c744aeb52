"""A snapshot of the GraphCrons of one namespace: a list, and the watch events after it. Pure.

Events of one watch come in the order of the writes (Kubernetes API concepts, "Efficient detection of changes"), so
all writes up to the version of the newest event are in here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphcron.facade import metadata_keys, sort_keys
from graphcron.kube import jsontext
from graphcron.kube.outline import OVERSIZE, bounded
from graphcron.kube.resources import LAST_APPLIED, Manifest
from graphcron.kube.versions import version_of
from graphcron.resource.identity import id_of
from graphcron.views import glance
from graphcron.views.words import condition

NO_METADATA: Mapping[str, Any] = {}


class Snapshot:
    """`version` is the resource version of this state: all writes up to it are in here, none beyond."""

    def __init__(self, items: Iterable[Mapping[str, Any]], version: int) -> None:
        self.version = version
        self._by_uid: dict[str, Manifest] = {}
        self._uids_of: defaultdict[str, list[str]] = defaultdict(list)
        self._unindexed: set[str] = set()
        self._having: defaultdict[tuple[str, Any], set[str]] = defaultdict(set)
        for item in items:
            self._put(item)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one watch event."""
        kind, about = event["type"], event["object"]
        self.version = max(self.version, version_of(about))
        if kind == "DELETED":
            self._drop(about["metadata"]["uid"])
        elif kind in ("ADDED", "MODIFIED"):
            self._put(about)

    def manifests(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        """All of them, without those that are being deleted; with `metadata` few that do not have all of it. They are
        the snapshot's own: do not change them."""
        having = [self._having.get(pair, set()) for pair in _indexed(metadata)]
        if having:
            return [self._by_uid[uid] for uid in min(having, key=len) | self._unindexed]
        return list(self._by_uid.values())

    def find(self, identity: str) -> Manifest | None:
        """The one that answers to this cron id. Of two, one by its name and one by its uid, the one by its name: so
        does the apiserver, which is asked for names."""
        found = [self._by_uid[uid] for uid in self._uids_of.get(identity, ())]
        return min(found, key=lambda manifest: manifest["metadata"]["name"] != identity, default=None)

    def holds(self, uid: str) -> bool:
        """Whether the object of this uid exists."""
        return uid in self._by_uid

    def _put(self, manifest: Mapping[str, Any]) -> None:
        uid = manifest["metadata"]["uid"]
        self._drop(uid)
        if "deletionTimestamp" not in manifest["metadata"]:
            self._by_uid[uid] = shown = kept(manifest)
            self._uids_of[id_of(shown)].append(uid)
            if isinstance(shown["spec"].get("metadata"), jsontext.Packed):
                self._unindexed.add(uid)
            for pair in _indexed_of(shown):
                self._having[pair].add(uid)

    def _drop(self, uid: str) -> None:
        if (known := self._by_uid.pop(uid, None)) is None:
            return
        self._uids_of[identity := id_of(known)].remove(uid)
        if not self._uids_of[identity]:
            del self._uids_of[identity]
        self._unindexed.discard(uid)
        for pair in _indexed_of(known):
            self._having[pair].remove(uid)
            if not self._having[pair]:
                del self._having[pair]


def _indexed_of(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    metadata = manifest["spec"].get("metadata") or NO_METADATA
    return iter(()) if isinstance(metadata, jsontext.Packed) else _indexed(metadata)


def _indexed(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The pairs that are indexed: scalars, which are equal or not. Those for fields of the spec are not kept here."""
    pairs = ((key, value) for key, value in metadata.items() if not isinstance(value, dict | list))
    return (pair for pair in pairs if pair[0] not in metadata_keys.FIELDS)


_SHOWN = ("enabled", "lastResume", "observedGeneration")
_PACKED = ("input", "config", "context")
METADATA_BYTES = 4096
"""Of a cron's metadata, beyond which they are not indexed, and read anew by each search that filters by metadata."""


def whole(manifest: Manifest) -> Manifest | None:
    """What is kept of a GraphCron, with its free JSON read; None where that is an outline."""
    return None if OVERSIZE in manifest else glance.opened(manifest)


def kept(manifest: Mapping[str, Any]) -> Manifest:
    """The part that lists read. Ten thousand are in memory, so what kubectl and the apiserver add is left out, and most
    of one that is too large to run; free JSON, of which only filters read any, stays a text, and the status is
    compressed (`views.glance`). Of what was kept already, that is all."""
    if glance.GLANCE in manifest:
        return dict(manifest)
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    if LAST_APPLIED in metadata.get("annotations", {}):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != LAST_APPLIED}
    status = {key: value for key, value in manifest.get("status", {}).items() if key in _SHOWN}
    if stalled := condition(dict(manifest), "Stalled"):
        status["conditions"] = [{key: stalled[key] for key in stalled.keys() & {"type", "observedGeneration"}}]
    shown = bounded({"metadata": metadata, "spec": manifest.get("spec", {}), "status": status})
    spec = shown["spec"]
    packed = [name for name in _PACKED if isinstance(spec.get(name), dict | list)]
    if isinstance(spec.get("metadata"), dict) and len(jsontext.dumps(spec["metadata"])) > METADATA_BYTES:
        packed.append("metadata")
    return (
        shown
        | {"spec": spec | {name: jsontext.Packed(spec[name]) for name in packed}}
        | {
            sort_keys.MEMBER: sort_keys.SortKeys(),
            **glance.keep(manifest),
        }
    )
