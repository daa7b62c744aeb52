"""The store that answers lists from a watch cache and guarantees read-your-writes within one replica."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from graphcron.facade.store.kube_store import KubeStore
from graphcron.facade.store.snapshot import NO_METADATA, Snapshot, whole
from graphcron.facade.store.store import Missing, StoreUnavailable
from graphcron.facade.store.watched_snapshot import WatchedSnapshot, running
from graphcron.kube.client import Kube
from graphcron.kube.json_patch import Operation
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import GRAPHCRONS, Manifest
from graphcron.kube.versions import version_of

STALE_SECONDS = 90.0
"""Age of the watch cache from which on lists are read from the apiserver. A watch that works brings an event or a
bookmark once a minute (Kubernetes API concepts, "Watch bookmarks")."""


class CachedStore(KubeStore):
    """The GraphCrons of one namespace. Lists and counts come from a watch cache that has every write made through this
    store; a single GraphCron is always read from the apiserver. What another replica or kubectl wrote is in a list as
    soon as the watch brings it, usually within milliseconds."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        super().__init__(kube, namespace)
        self._cache = WatchedSnapshot()
        self._reflector: Reflector | None = None
        self._written = 0
        self._deleted: set[str] = set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["CachedStore"]:
        """Keeps the cache up to date while this is entered."""
        self._reflector = Reflector(self._kube, GRAPHCRONS, self._namespace, "", self._cache)
        try:
            async with running(self._reflector.run()):
                yield self
        finally:
            self._cache.clear()

    def age(self) -> float | None:
        """Seconds since the watch last brought anything; None before the first list."""
        return self._cache.age()

    async def newest(self) -> Sequence[Manifest]:
        """All of memory, with what was written through this store; while the apiserver is away, what was there before.
        Raises StoreUnavailable before the first list."""
        if self._cache.age() is None:
            raise StoreUnavailable("The GraphCrons are still being read")
        await self._up_to_date()
        return self._cache.manifests()

    def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        """Namespaces and names of what has changed, without end."""
        return self._cache.changes()

    def silent_seconds(self) -> float | None:
        """For how long the apiserver has been silent; None while the watch works."""
        age, broken = self._cache.age(), self._reflector is not None and self._reflector.broken
        return age if age is not None and (broken or age > STALE_SECONDS) else None

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        snapshot = await self._up_to_date()
        return await super().list() if snapshot is None else snapshot.manifests(metadata)

    async def create(self, manifest: Manifest) -> Manifest:
        return self._wrote(await super().create(manifest))

    def peek(self, cron_id: str) -> Manifest | None:
        found = None if self._is_stale() else self._cache.find(cron_id)
        return whole(found) if found else None

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        return self._wrote(await super().patch(known, operations))

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        known = known or await self.get(cron_id)
        await super().delete(cron_id, known)
        # The apiserver's answer has no version, so a list waits until the watch shows the object gone, and first until
        # it has come to the version that was read: before, the object may only be missing because it is still to come.
        self._wrote(known)
        self._deleted.add(known["metadata"]["uid"])
        await self._up_to_date()

    async def ready(self) -> None:
        await super().ready()
        if self._cache.age() is None:
            raise StoreUnavailable("The GraphCrons are still being read")

    async def _by_uid(self, cron_id: str) -> Manifest:
        if (snapshot := await self._up_to_date()) is None:
            return await super()._by_uid(cron_id)
        if (found := snapshot.find(cron_id)) is None:
            raise Missing(cron_id)
        return await self._newest(found, cron_id)

    def _wrote(self, manifest: Manifest) -> Manifest:
        self._written = max(self._written, version_of(manifest))
        return manifest

    def _is_stale(self) -> bool:
        age = self._cache.age()
        return age is None or age > STALE_SECONDS

    async def _up_to_date(self) -> Snapshot | None:
        """The cache once it has all writes that were answered before this call; None when it does not soon have them,
        or is stale."""
        if self._is_stale():
            return None
        written, deleted = self._written, frozenset(self._deleted)
        snapshot = await self._cache.once(
            lambda snapshot: snapshot.version >= written and not any(snapshot.holds(uid) for uid in deleted)
        )
        if snapshot is not None:
            self._deleted -= deleted
        return snapshot
