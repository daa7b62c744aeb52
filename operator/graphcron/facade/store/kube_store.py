"""The store that reads and writes GraphCrons at the apiserver."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from graphcron.facade.store.kube_backfills import KubeBackfills
from graphcron.facade.store.snapshot import NO_METADATA, kept
from graphcron.facade.store.store import Changed, Missing, Rejected
from graphcron.facade.store.translated import translated
from graphcron.kube import errors
from graphcron.kube.client import Kube
from graphcron.kube.json_patch import DoesNotApply, Operation, apply, require
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import id_of


class KubeStore:
    """The GraphCrons of one namespace, straight from the apiserver."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._listing = asyncio.Lock()
        self.backfills = KubeBackfills(kube, namespace)

    async def get(self, cron_id: str) -> Manifest:
        with translated():
            try:
                manifest = await self._kube.get_graphcron(self._namespace, cron_id)
            except errors.NotFound:
                return await self._by_uid(cron_id)
        return _present(manifest, cron_id)

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        # One at a time: each page that is read takes a good part of the facade's memory.
        async with self._listing:
            with translated():
                found = await self._kube.list_graphcrons(self._namespace, kept)
        return [manifest for manifest in found if "deletionTimestamp" not in manifest["metadata"]]

    async def create(self, manifest: Manifest) -> Manifest:
        with translated():
            return await self._kube.create_graphcron(self._namespace, manifest)

    def peek(self, cron_id: str) -> Manifest | None:
        return None

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        metadata = known["metadata"]
        guarded = [require(("metadata", "uid"), metadata["uid"]), *operations]
        try:
            with translated(missing=metadata["name"]):
                return await self._kube.patch_graphcron(self._namespace, metadata["name"], guarded)
        except Rejected:
            # The apiserver answers a patch that does not apply with 422, too, and does not say that it was that.
            try:
                with translated(missing=metadata["name"]):
                    apply(guarded, await self._kube.get_graphcron(self._namespace, metadata["name"]))
            except DoesNotApply as failed:
                raise Changed(f"its {failed} is not what it was") from None
            raise

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        metadata = (known or await self.get(cron_id))["metadata"]
        try:
            with translated(missing=cron_id):
                await self._kube.delete_graphcron(self._namespace, metadata["name"], metadata["uid"])
        except Changed:  # another one was made by that name
            raise Missing(cron_id) from None

    async def events(self, name: str) -> Sequence[Manifest]:
        """The Events about the GraphCron of this name and its CronJob. Raises StoreUnavailable where the facade may not
        list Events."""
        with translated():
            return await self._kube.list_events(self._namespace, f"involvedObject.name={name}")

    async def ready(self) -> None:
        with translated():
            await self._kube.ready()

    async def _by_uid(self, cron_id: str) -> Manifest:
        """A GraphCron made with kubectl: its name is the user's choice, its id is its uid."""
        for manifest in await self.list():
            if id_of(manifest) == cron_id:
                return await self._newest(manifest, cron_id)
        raise Missing(cron_id)

    async def _newest(self, listed: Manifest, cron_id: str) -> Manifest:
        """All of a GraphCron, of which a list has a part: an update writes it back."""
        with translated(missing=cron_id):
            manifest = await self._kube.get_graphcron(self._namespace, listed["metadata"]["name"])
        if manifest["metadata"]["uid"] != listed["metadata"]["uid"]:
            raise Missing(cron_id)
        return _present(manifest, cron_id)


def _present(manifest: Manifest, cron_id: str) -> Manifest:
    if "deletionTimestamp" in manifest["metadata"]:
        raise Missing(cron_id)
    return manifest
