"""The Kubernetes client: few verbs, plain dicts, one error tree. The only module that imports `kubernetes`.

It uses the official asynchronous client for credentials, TLS and connections, and leaves out its typed models:
converting to and from them costs twice the CPU of the request itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube import jsontext
from graphcron.kube.errors import NoCluster, NotFound, Refused, Unavailable, error_of, message_of
from graphcron.kube.json_patch import Operation, add, require
from graphcron.kube.resources import (
    CRON_JOBS,
    EVENTS,
    GRAPHCRONS,
    LEASES,
    TOKEN_REVIEWS,
    Manifest,
    Resource,
    proxy_of,
)
from graphcron.kube.transport import REQUEST_TIMEOUT_SECONDS, OnWrite, Transport
from graphcron.kube.watch_health import WATCH_SECONDS
from graphcron.kube.write_gate import WriteGate
from graphcron.resource.identity import API_VERSION, FIELD_MANAGER, GROUP, PLURAL

CONNECTION_LIMIT = 50
"""Connections at once. Unbounded TLS connections cost an operator 376 MiB at 10,000 objects."""
SILENCE_SECONDS = 90.0
"""After which a watch counts as dead: while nothing happens the apiserver sends a bookmark about every minute."""
OBJECT_LIMIT = 4 * 1024 * 1024
"""Bytes of an object as JSON: etcd takes 1.5 MiB, and JSON can write a character in six."""
PAGE_SIZE = 500


class Kube(Transport):
    """A connection to one cluster: the pod's own, or the one that KUBECONFIG names.

    With a gate, writes raise NotLeading while it is closed, except those of the Lease that opens it. Every method
    raises KubeError."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, gate: WriteGate | None = None, on_write: OnWrite | None = None) -> AsyncIterator[Self]:
        """Raises NoCluster when there is neither a service account nor a kubeconfig that can be used."""
        configuration = Configuration()
        configuration.connection_pool_maxsize = CONNECTION_LIMIT
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as outside:
            await _load_kubeconfig(configuration, f"this is no pod with a service account ({outside})")
        configuration.proxy = configuration.proxy or proxy_of(configuration.host)
        try:
            connection = ApiClient(configuration)
        except OSError as error:
            raise NoCluster(f"{_kubeconfig()}: a certificate or key of it cannot be used ({error}). {_SET}") from None
        async with connection as client:
            yield cls(client, gate, on_write)

    async def list_graphcrons(self, namespace: str | None) -> list[Manifest]:
        """All GraphCrons of a namespace, or of the cluster for None."""
        return [item async for items, _ in self.pages(GRAPHCRONS, namespace, "") for item in items]

    async def pages(
        self, resource: Resource, namespace: str | None, selector: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        """All objects of a resource, page by page, each page with the resource version of the whole list. Raises Gone
        when the rest of a list is not to be had any more."""
        path = resource.path(namespace)

        def ask(rest: str) -> "asyncio.Task[Manifest]":
            query = {"labelSelector": selector, "limit": str(PAGE_SIZE), "continue": rest}
            page = asyncio.create_task(self._get(path, query))
            page.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody comes to ask for it
            return page

        # The next page is requested before this one is read: the apiserver takes as long to make it.
        coming = ask("")
        try:
            while True:
                page = await coming
                if rest := page["metadata"].get("continue", ""):
                    coming = ask(rest)
                # A list has apiVersion and kind once, for all of its items.
                kind = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
                yield [kind | item for item in page["items"]], int(page["metadata"].get("resourceVersion") or 0)
                if not rest:
                    return
        finally:
            coming.cancel()

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        selector: str,
        version: int,
        opened: Callable[[aiohttp.StreamReader], object] = lambda stream: None,
    ) -> AsyncIterator[Manifest]:
        """Watch events later than that resource version, bookmarks among them, until the apiserver ends the watch, as
        it is asked to after `WATCH_SECONDS`. `opened` gets the body of its answer.

        Raises Gone when that version is too old, and Unavailable when the watch breaks or falls silent.
        """
        query = {
            "labelSelector": selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        url, headers = await self._address(resource.path(namespace), query)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_TIMEOUT_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self._session().get(
                url, headers=headers, timeout=patience, read_bufsize=OBJECT_LIMIT, **self._route
            ) as response:
                if response.status >= 300:
                    raise error_of(response.status, message_of(await response.read(), response.status))
                opened(response.content)
                async for line in response.content:
                    event = jsontext.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise error_of(status.get("code", 500), str(status.get("message") or status))
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(0, f"the connection ended: {str(error) or type(error).__name__}") from None

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        return await self._get(GRAPHCRONS.path(namespace, name))

    async def create_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        return await self._write("POST", GRAPHCRONS, namespace, query=_STRICT, body=manifest)

    async def patch_graphcron(self, namespace: str, name: str, operations: list[Operation]) -> Manifest:
        """Applies them to its newest version, whichever that is. Raises Refused 422 when they do not apply."""
        return await self._write(
            "PATCH", GRAPHCRONS, namespace, name, query=_STRICT, body=operations, content_type=_JSON_PATCH
        )

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        """With what it owns, in the background. Given a uid, that very object: raises Conflict for a namesake."""
        options = {"preconditions": {"uid": uid}} if uid else None
        background = {"propagationPolicy": "Background"}
        await self._write("DELETE", GRAPHCRONS, namespace, name, query=background, body=options)

    async def patch_status(self, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        """Sets the whole status of that very object. Raises NotFound when it is gone, also when a namesake is there."""
        patch = [require(("metadata", "uid"), uid), add(("status",), status)]
        try:
            return await self._write(
                "PATCH", GRAPHCRONS, namespace, name, "status", query=_MANAGER, body=patch, content_type=_JSON_PATCH
            )
        except Refused as refused:
            # The apiserver answers a failed test with 422, and does not say that it was the test.
            if refused.status == 422 and (await self.get_graphcron(namespace, name))["metadata"]["uid"] != uid:
                raise NotFound(404, f"GraphCron {namespace}/{name} was deleted, and made anew") from None
            raise

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        return await self._get(CRON_JOBS.path(namespace, name))

    async def apply_cron_job(self, namespace: str, manifest: Manifest, *, anew: bool = False) -> Manifest:
        """Server-side apply: makes it or changes what differs; fields of other managers stay.

        With `anew` it makes one, or raises Conflict when there is one of that name, which may be somebody else's.
        """
        query = _MANAGER | {"force": "true"}
        body = yaml_of(manifest | {"metadata": manifest["metadata"] | _OF_NOBODY} if anew else manifest)
        name = manifest["metadata"]["name"]
        return await self._write("PATCH", CRON_JOBS, namespace, name, query=query, body=body, content_type=_APPLY)

    async def create_event(self, namespace: str, event: Manifest) -> None:
        await self._write("POST", EVENTS, namespace, body=event)

    async def get_lease(self, namespace: str, name: str) -> Manifest:
        return await self._get(LEASES.path(namespace, name))

    async def create_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one."""
        return await self._write("POST", LEASES, namespace, query=_MANAGER, body=manifest)

    async def replace_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest, NotFound when it is gone."""
        name = manifest["metadata"]["name"]
        return await self._write("PUT", LEASES, namespace, name, query=_MANAGER, body=manifest)

    async def serves_graphcrons(self) -> bool:
        """Whether the apiserver serves the resource, and lists it in its discovery."""
        groups = await self._get("/apis")
        if not any(group["name"] == GROUP for group in groups["groups"]):
            return False
        try:
            resources = await self._get(f"/apis/{API_VERSION}")
        except NotFound:
            return False
        return any(resource["name"] == PLURAL for resource in resources["resources"])

    async def review_token(self, review: Manifest) -> Manifest:
        """The TokenReview with its status: whose token it is."""
        return await self._write("POST", TOKEN_REVIEWS, None, body=review)

    async def ready(self) -> None:
        """Returns when the apiserver answers."""
        await self._get("/version")


_SET = "Set KUBECONFIG to a file that names a cluster."


def _kubeconfig() -> str:
    """As a sentence names it."""
    return f"the kubeconfig {config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION}"


def _has_kubeconfig() -> bool:
    names = config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION.split(":")
    return any(Path(name).expanduser().exists() for name in names)


async def _load_kubeconfig(configuration: Configuration, otherwise: str) -> None:
    """`otherwise` is why there is no other way. Raises NoCluster."""
    if not _has_kubeconfig():
        raise NoCluster(f"no cluster to work with: {otherwise}, and of {_kubeconfig()} there is no such file. {_SET}")
    try:
        await config.load_kube_config(client_configuration=configuration)
    except FileNotFoundError as error:
        if error.filename is None:  # none for a temporary file, says `tempfile`
            raise NoCluster(
                f"{_kubeconfig()} has certificates within it, and they have to be written to files, for which there is "
                f"no room ({error.strerror}): set TMPDIR to a directory that can be written to."
            ) from None
        raise NoCluster(f"{_kubeconfig()} cannot be used: {error}. {_SET}") from None
    except (TypeError, AttributeError):
        raise NoCluster(f"{_kubeconfig()} cannot be used: it is no kubeconfig. {_SET}") from None
    except Exception as error:  # the client reads whatever is in it
        raise NoCluster(f"{_kubeconfig()} cannot be used: {error}. {_SET}") from None


_MANAGER = {"fieldManager": FIELD_MANAGER}
_OF_NOBODY = {"resourceVersion": "1"}
"""The revision of an empty etcd, so no object has it. The apiserver compares it with that of an existing object, and
ignores it when it creates one (registry/generic/registry/store.go, Update)."""
_STRICT = _MANAGER | {"fieldValidation": "Strict"}
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"


def yaml_of(manifest: Manifest) -> bytes:
    """JSON that a YAML 1.1 parser reads as the same: server-side apply takes YAML only.

    JSON writes characters beyond the basic plane as two escapes, which YAML refuses, so they stay as they are; and
    YAML folds or refuses some characters of the basic plane when they stand as they are, so those are escaped.
    """
    text = jsontext.dumps(manifest)
    if text.isascii() and b"\x7f" not in text:
        return text
    return re.sub(r"[\x7f-\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()
