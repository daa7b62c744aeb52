"""The store interface: the facade reads and writes GraphCrons by cron id, and gets errors of the domain.

Every implementation guarantees read-your-writes: what was written through it, its next read returns.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.kube.json_patch import Operation
from graphcron.kube.resources import Manifest


class StoreError(Exception):
    """The GraphCrons could not be read or written as asked; the message is fit for a client."""


class Missing(StoreError):
    """There is no cron with that id."""


class Changed(StoreError):
    """It is not as it was known to be: read it again, decide again, write again."""


class Rejected(StoreError):
    """Kubernetes does not accept this GraphCron, however often it is sent."""


class StoreUnavailable(StoreError):
    """Kubernetes gives no answer now, or this installation may not ask: the request itself can be right."""


class BackfillStore(Protocol):
    """The backfills of the crons, by name. Raises the errors above and no others."""

    async def of(self, graphcron: str) -> list[Manifest]:
        """Those of the GraphCron of that name, the newest first."""

    async def get(self, name: str) -> Manifest:
        """Raises Missing."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Returns it as it was stored. Raises Changed when its name is taken, and Rejected."""

    async def delete(self, known: Manifest) -> None:
        """Deletes that very object, which ends it. Raises Missing."""


class Store(Protocol):
    """Raises the errors above and no others."""

    @property
    def backfills(self) -> BackfillStore: ...

    async def get(self, cron_id: str) -> Manifest:
        """Raises Missing."""

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        """All of them, except those that are being deleted. `metadata` of LangGraph's is a hint: a store may leave out
        GraphCrons that do not have all of it."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Returns it as it was stored. Raises Changed when its name is taken, and Rejected."""

    def peek(self, cron_id: str) -> Manifest | None:
        """What memory has by that id, perhaps not the newest; None when it has nothing. It is the store's own: do not
        change it."""

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        """Applies these operations to the newest version of that very object. Raises Changed when they do not apply to
        it, and Missing and Rejected."""

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        """Deletes it; its CronJob goes in the background. With `known`, the cron as it was read, only that very object
        is deleted, and not another one that has the same id by now. Raises Missing."""

    async def ready(self) -> None:
        """Raises StoreUnavailable when the others would."""
