"""The store of backfills at the apiserver."""

from graphcron.facade.store.store import Changed, Missing
from graphcron.facade.store.translated import translated
from graphcron.kube.client import Kube
from graphcron.kube.resources import BACKFILLS, Manifest


async def backfills_of(kube: Kube, namespace: str, graphcron: str) -> list[Manifest]:
    """Those of one GraphCron, the newest first. Raises KubeError."""
    found = [
        item
        async for page, _ in kube.pages(BACKFILLS, namespace, "")
        for item in page
        if item["spec"].get("graphCron") == graphcron and "deletionTimestamp" not in item["metadata"]
    ]
    return sorted(found, key=lambda item: str(item["metadata"]["creationTimestamp"]), reverse=True)


class KubeBackfills:
    """The backfills of one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def of(self, graphcron: str) -> list[Manifest]:
        with translated():
            return await backfills_of(self._kube, self._namespace, graphcron)

    async def get(self, name: str) -> Manifest:
        with translated(missing=name):
            found = await self._kube.get_backfill(self._namespace, name)
        if "deletionTimestamp" in found["metadata"]:
            raise Missing(name)
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        with translated():
            return await self._kube.create_backfill(self._namespace, manifest)

    async def delete(self, known: Manifest) -> None:
        metadata = known["metadata"]
        try:
            with translated(missing=metadata["name"]):
                await self._kube.delete_backfill(self._namespace, metadata["name"], metadata["uid"])
        except Changed:  # another one was made by that name
            raise Missing(metadata["name"]) from None
