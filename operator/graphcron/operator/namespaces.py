"""Follows the Namespaces: the annotation of one pauses all GraphCrons in it (`pauses`).

Where the operator serves the whole cluster, it watches them. Where it serves one namespace, its Role lets it get that
one and no other, and only a ClusterRole could allow a watch: it asks every few seconds.
"""

import asyncio
import logging

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, Refused
from graphcron.kube.resources import Manifest
from graphcron.operator.backfill_controller import BackfillController
from graphcron.operator.controller import Controller

log = logging.getLogger(__name__)

POLL_SECONDS = 3.0


class NamespaceHandler:
    """What a reflector of Namespaces calls."""

    def __init__(self, controller: Controller, backfills: BackfillController) -> None:
        self._controller = controller
        self._backfills = backfills

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self.on_add(item)

    def on_replace(self, uids: set[str], version: int) -> None:
        self._controller.cache.pauses.keep(uids)

    def on_add(self, manifest: Manifest) -> None:
        name = manifest["metadata"]["name"]
        if self._controller.cache.pauses.put(manifest):
            pause = self._controller.cache.pauses.of(name)
            log.info("namespace %s: %s", name, pause.sentence if pause else "its GraphCrons are no longer paused")
            self._controller.requeue(name)
            self._backfills.requeue(name)

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        pass  # it is empty by then

    def on_bookmark(self, version: int) -> None:
        pass


class NamespacePoll:
    """Reads one Namespace again and again. `listed` is set once it was read."""

    def __init__(self, kube: Kube, namespace: str, handler: NamespaceHandler) -> None:
        self.listed = asyncio.Event()
        self.refused: Refused | None = None
        """Why the apiserver does not let it be read, as long as it does not."""
        self._kube = kube
        self._namespace = namespace
        self._handler = handler

    async def run(self) -> None:
        """Without end, whatever happens. What was read last holds while nothing can be read."""
        while True:
            try:
                self._handler.on_add(await self._kube.get_namespace(self._namespace))
                self.refused = None
                self.listed.set()
            except KubeError as error:
                self.refused = error if isinstance(error, Refused) else None
                log.warning("namespace %s cannot be read: %s", self._namespace, error.message)
            await asyncio.sleep(POLL_SECONDS)
