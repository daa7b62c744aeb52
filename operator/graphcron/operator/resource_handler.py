"""The handler of a reflector: it fills the object cache and queues the GraphCron that a change belongs to."""

from graphcron.kube.resources import Manifest, Resource
from graphcron.operator.controller import Controller


class ResourceHandler:
    """What a reflector of one watched resource calls."""

    def __init__(self, controller: Controller, resource: Resource) -> None:
        self._controller = controller
        self._resource = resource

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self._controller.changed(self._resource, item)

    def on_replace(self, uids: set[str], version: int) -> None:
        self._controller.replaced(self._resource, uids, version)

    def on_add(self, manifest: Manifest) -> None:
        self._controller.changed(self._resource, manifest)

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        self._controller.deleted(self._resource, manifest)

    def on_bookmark(self, version: int) -> None:
        pass
