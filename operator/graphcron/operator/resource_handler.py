"""The handler of a reflector: it fills the object caches and queues the GraphCron or backfill that a change belongs to.

A backfill's Jobs and their pods are none of its GraphCron's: neither its history nor its next run depends on them.
"""

from graphcron.kube.resources import BACKFILLS, GRAPHCRONS, Manifest, Resource
from graphcron.operator.backfill_controller import BackfillController
from graphcron.operator.controller import Controller
from graphcron.resource.identity import BACKFILL_LABEL


class ResourceHandler:
    """What a reflector of one watched resource calls."""

    def __init__(self, controller: Controller, backfills: BackfillController, resource: Resource) -> None:
        self._controller = controller
        self._backfills = backfills
        self._resource = resource

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self.on_add(item)

    def on_replace(self, uids: set[str], version: int) -> None:
        if self._resource != BACKFILLS:
            self._controller.replaced(self._resource, uids, version)
        if self._resource in self._backfills.cache.kinds:
            self._backfills.replaced(self._resource, uids, version)

    def on_add(self, manifest: Manifest) -> None:
        if self._is_of_a_backfill(manifest):
            self._backfills.changed(self._resource, manifest)
        else:
            self._controller.changed(self._resource, manifest)
            self._backfills.graphcron_changed(self._controller.cache.subject_of(self._resource, manifest))

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        if self._is_of_a_backfill(manifest):
            self._backfills.deleted(self._resource, manifest)
        else:
            self._controller.deleted(self._resource, manifest)
            if self._resource == GRAPHCRONS:
                self._backfills.spent.forget((manifest["metadata"]["namespace"], manifest["metadata"]["name"]))
            self._backfills.graphcron_changed(self._controller.cache.subject_of(self._resource, manifest))

    def on_bookmark(self, version: int) -> None:
        pass

    def _is_of_a_backfill(self, manifest: Manifest) -> bool:
        return self._resource == BACKFILLS or BACKFILL_LABEL in manifest["metadata"].get("labels", {})
