"""The store interface: the facade reads and writes GraphCrons by cron id, and gets errors of the domain.

`Store` is what handlers may rely on; `KubeStore` keeps it by asking the apiserver each time, so every answer is the
newest there is. Whoever puts a cache behind the same verbs owes the same: what a client wrote, it reads next.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from graphcron.facade.store.snapshot import NO_METADATA

Manifest = dict[str, Any]


class StoreError(Exception):
    """The GraphCrons could not be read or written as asked; the message is fit for a client."""


class Missing(StoreError):
    """There is no cron with that id."""


class Changed(StoreError):
    """Somebody else changed it since it was read: read again, decide again, write again."""


class Refused(StoreError):
    """Kubernetes will not take this GraphCron however often it is sent."""


class Unavailable(StoreError):
    """Kubernetes gives no answer now, or this installation may not ask: the request itself can be right."""


class Store(Protocol):
    """Raises the errors above and no others."""

    async def get(self, cron_id: str) -> Manifest:
        """Raises Missing."""

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        """All of them, but for those that a store can tell not to have all of this metadata of LangGraph's; one that is
        being deleted is gone."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Returns it as it was stored. Raises Changed when its name is taken, and Refused."""

    async def replace(self, manifest: Manifest) -> Manifest:
        """Writes over the version that was read. Raises Changed, Missing and Refused."""

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        """With its CronJob, in the background. `known` is the cron as it was read, and then that very object is meant,
        whatever else answers to its id by now. Raises Missing."""

    async def ready(self) -> None:
        """Raises Unavailable when the others would."""
