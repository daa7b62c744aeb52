"""The port through which the facade reads and writes GraphCrons, in cron ids and in errors of the domain.

`Store` is what routes may rely on; `KubeStore` keeps it by asking the apiserver each time, so every answer is the
newest there is. Whoever puts a cache behind the same verbs owes the same: what a client wrote, it reads next.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from graphcron.kube import errors
from graphcron.kube.client import Kube
from graphcron.wire import NO_METADATA
from graphcron.wire import cron_id as id_of

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


class KubeStore:
    """The GraphCrons of one namespace, straight from the apiserver."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def get(self, cron_id: str) -> Manifest:
        with told():
            try:
                manifest = await self._kube.get_graphcron(self._namespace, cron_id)
            except errors.NotFound:
                return await self._by_uid(cron_id)
        return _present(manifest, cron_id)

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        with told():
            found = await self._kube.list_graphcrons(self._namespace)
        return [manifest for manifest in found if "deletionTimestamp" not in manifest["metadata"]]

    async def create(self, manifest: Manifest) -> Manifest:
        with told():
            return await self._kube.create_graphcron(self._namespace, manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        with told(missing=manifest["metadata"]["name"]):
            return await self._kube.replace_graphcron(self._namespace, manifest)

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        metadata = (known or await self.get(cron_id))["metadata"]
        try:
            with told(missing=cron_id):
                await self._kube.delete_graphcron(self._namespace, metadata["name"], metadata["uid"])
        except Changed:  # by its name somebody made another one
            raise Missing(cron_id) from None

    async def ready(self) -> None:
        with told():
            await self._kube.ready()

    async def _by_uid(self, cron_id: str) -> Manifest:
        """A GraphCron made with kubectl has a name of its user's choice, and its uid as id."""
        for manifest in await self.list():
            if id_of(manifest) == cron_id:
                return manifest
        raise Missing(cron_id)


def _present(manifest: Manifest, cron_id: str) -> Manifest:
    if "deletionTimestamp" in manifest["metadata"]:
        raise Missing(cron_id)
    return manifest


@contextmanager
def told(missing: str | None = None) -> Iterator[None]:
    """Turns the apiserver's errors into the store's. A 404 means `missing` is gone, or without one that the
    resource itself is unknown: the CRD or the namespace does not exist."""
    try:
        yield
    except errors.NotFound as error:
        if missing is not None:
            raise Missing(missing) from None
        raise Unavailable(f"GraphCrons cannot be stored here: {error.message}. Is the CRD installed?") from None
    except errors.Conflict as error:
        raise Changed(error.message) from None
    except errors.Refused as error:
        if _ours.search(error.message):
            raise Unavailable(f"The facade's service account lacks a permission: {error.message}") from None
        raise Refused(readable(error.message)) from None
    except errors.KubeError as error:
        raise Unavailable(f"The Kubernetes API does not serve this now: {error.message}") from None


_ours = re.compile(r"forbidden: User \"[^\"]*\" cannot ")


def readable(message: str) -> str:
    """The apiserver's sentence without its frame: `GraphCron.graphcron.dev "x" is invalid: spec.schedule: Invalid
    value: "banana": …` becomes `spec.schedule: …`."""
    message = re.sub(r"^\S+ \"[^\"]*\" is (invalid|forbidden): ", "", message)
    message = re.sub(r"^.*strict decoding error: ", "", message)
    return re.sub(r"Invalid value: (\"(?:[^\"\\]|\\.)*\"|\S+): ", "", message)
