"""The store as one caller sees it: crons of other owners do not exist in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphcron.facade.auth.callers import Caller
from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.facade.store.store import BackfillStore, Missing, Store
from graphcron.kube.json_patch import Operation, require
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import OWNER_LABEL


class OwnedStore:
    """What the caller may see of a store, behind the same verbs; what the caller makes is the caller's."""

    def __init__(self, crons: Store, caller: Caller) -> None:
        self._crons = crons
        self._caller = caller

    @property
    def backfills(self) -> BackfillStore:
        """Of all crons: ask for those of a cron that the caller may see."""
        return self._crons.backfills

    async def get(self, cron_id: str) -> Manifest:
        manifest = await self._crons.get(cron_id)
        if not self._caller.may_see(manifest):
            raise Missing(cron_id)
        return manifest

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        return [manifest for manifest in await self._crons.list(metadata) if self._caller.may_see(manifest)]

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._crons.create(self._caller.own(manifest))

    def peek(self, cron_id: str) -> Manifest | None:
        manifest = self._crons.peek(cron_id)
        return manifest if manifest is not None and self._caller.may_see(manifest) else None

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        # It may have been given away since, and memory not know it.
        guard = [] if self._caller.sees_all else [require(("metadata", "labels", OWNER_LABEL), self._caller.owner)]
        return await self._crons.patch(known, [*guard, *operations])

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        # What was looked at, and not what else may answer to its id.
        await self._crons.delete(cron_id, await self.get(cron_id))

    async def ready(self) -> None:
        await self._crons.ready()
