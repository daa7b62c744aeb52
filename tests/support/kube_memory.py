"""An apiserver's GraphCrons in memory, behind the same verbs and errors as `graphcron.kube.client.Kube`."""

from collections.abc import Callable
from typing import Any

from graphcron.kube import errors
from graphcron.kube.json_patch import DoesNotApply, Operation, apply

Manifest = dict[str, Any]


class MemoryKube:
    """`raises` is what each call fails with, when set."""

    def __init__(self, *manifests: Manifest) -> None:
        self.manifests = {manifest["metadata"]["name"]: manifest for manifest in manifests}
        self.raises: errors.KubeError | None = None

    def _of(self, name: str) -> Manifest:
        if self.raises is not None:
            raise self.raises
        if name not in self.manifests:
            raise errors.NotFound(404, f'graphcrons.graphcron.dev "{name}" not found')
        return self.manifests[name]

    async def list_graphcrons(self, namespace: str | None, kept: Callable[[Manifest], Manifest]) -> list[Manifest]:
        if self.raises is not None:
            raise self.raises
        return [kept(manifest) for manifest in self.manifests.values()]

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        return self._of(name)

    async def create_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        if self.raises is not None:
            raise self.raises
        self.manifests[manifest["metadata"]["name"]] = manifest
        return manifest

    async def patch_graphcron(self, namespace: str, name: str, operations: list[Operation]) -> Manifest:
        try:
            self.manifests[name] = apply(operations, self._of(name))
        except DoesNotApply:
            raise errors.Refused(422, "the server rejected our request due to an error in our request") from None
        return self.manifests[name]

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        self._of(name)
        del self.manifests[name]

    async def ready(self) -> None:
        if self.raises is not None:
            raise self.raises
