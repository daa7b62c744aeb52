"""A store in memory that keeps the apiserver's promises: copies in and out, versions, generations, conflicts."""

import copy
import itertools
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.facade.store.store import Changed, Missing, StoreError
from graphcron.resource.identity import id_of

Manifest = dict[str, Any]


class MemoryStore:
    """Knows manifests by name. `fail_with` makes every call fail."""

    def __init__(self) -> None:
        self.manifests: dict[str, Manifest] = {}
        self.fail_with: StoreError | None = None
        self.rivals: list[Manifest] = []
        """Manifests that somebody else writes, one ahead of each replace."""
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

    async def replace(self, manifest: Manifest) -> Manifest:
        self._check()
        if self.rivals:
            rival = self.rivals.pop(0)
            self._write(rival)
        name = manifest["metadata"]["name"]
        if name not in self.manifests:
            raise Missing(name)
        if manifest["metadata"]["resourceVersion"] != self.manifests[name]["metadata"]["resourceVersion"]:
            raise Changed("the object has been modified; please apply your changes to the latest version")
        return self._write(manifest)

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
