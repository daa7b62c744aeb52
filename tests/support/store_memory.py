"""A store in memory that keeps the apiserver's promises: copies in and out, versions, generations, conflicts."""

import copy
import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.facade.store.store import Changed, Missing, StoreError
from graphcron.kube.json_patch import DoesNotApply, Operation, apply
from graphcron.resource.identity import id_of

Manifest = dict[str, Any]


class MemoryBackfills:
    """The backfills of a MemoryStore."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.manifests: dict[str, Manifest] = {}
        self._check = check

    async def of(self, graphcron: str) -> list[Manifest]:
        self._check()
        found = [one for one in self.manifests.values() if one["spec"]["graphCron"] == graphcron]
        return copy.deepcopy(found[::-1])

    async def get(self, name: str) -> Manifest:
        self._check()
        if name not in self.manifests:
            raise Missing(name)
        return copy.deepcopy(self.manifests[name])

    async def create(self, manifest: Manifest) -> Manifest:
        self._check()
        stored = copy.deepcopy(manifest)
        name = stored["metadata"]["name"]
        if name in self.manifests:
            raise Changed(f'graphcronbackfills.graphcron.dev "{name}" already exists')
        stored["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": "2026-11-22T00:00:00Z"}
        self.manifests[name] = stored
        return copy.deepcopy(stored)

    async def delete(self, known: Manifest) -> None:
        self._check()
        if self.manifests.pop(known["metadata"]["name"], None) is None:
            raise Missing(known["metadata"]["name"])


class MemoryStore:
    """Knows manifests by name. `fail_with` makes every call fail."""

    def __init__(self) -> None:
        self.backfills = MemoryBackfills(self._check)
        self.manifests: dict[str, Manifest] = {}
        self.fail_with: StoreError | None = None
        self.rivals: list[Manifest] = []
        """Manifests that somebody else writes, one ahead of each patch."""
        self.remembered: dict[str, Manifest] = {}
        """What `peek` knows by the id of a cron, however old it is."""
        self._versions = itertools.count(1)

    async def get(self, cron_id: str) -> Manifest:
        self._check()
        return copy.deepcopy(self._found(cron_id))

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        self._check()
        return copy.deepcopy(list(self.manifests.values()))

    async def create(self, manifest: Manifest) -> Manifest:
        self._check()
        stored = copy.deepcopy(manifest)
        metadata = stored["metadata"]
        if metadata["name"] in self.manifests:
            raise Changed(f'graphcrons.graphcron.dev "{metadata["name"]}" already exists')
        metadata |= {
            "uid": str(uuid.uuid4()),
            "resourceVersion": str(next(self._versions)),
            "generation": 1,
            "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.manifests[metadata["name"]] = stored
        return copy.deepcopy(stored)

    def peek(self, cron_id: str) -> Manifest | None:
        return copy.deepcopy(self.remembered.get(cron_id))

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        self._check()
        if self.rivals:
            self._write(self.rivals.pop(0))
        name = known["metadata"]["name"]
        if name not in self.manifests or self.manifests[name]["metadata"]["uid"] != known["metadata"]["uid"]:
            raise Missing(name)
        try:
            return self._write(apply(operations, self.manifests[name]))
        except DoesNotApply as failed:
            raise Changed(f"its {failed} is not what it was") from None

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        self._check()
        found = self._found(cron_id) if known is None else self.manifests.get(known["metadata"]["name"])
        if found is None:
            raise Missing(cron_id)
        del self.manifests[found["metadata"]["name"]]

    async def ready(self) -> None:
        self._check()

    def _write(self, manifest: Manifest) -> Manifest:
        stored = copy.deepcopy(manifest)
        stored["metadata"]["resourceVersion"] = str(next(self._versions))
        stored["metadata"]["generation"] += 1
        self.manifests[stored["metadata"]["name"]] = stored
        return copy.deepcopy(stored)

    def _found(self, cron_id: str) -> Manifest:
        for manifest in self.manifests.values():
            if id_of(manifest) == cron_id:
                return manifest
        raise Missing(cron_id)

    def _check(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
