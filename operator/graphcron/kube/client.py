"""The Kubernetes client: few verbs, plain dicts, one error tree. The only module that imports `kubernetes`.

It uses the official asynchronous client for credentials, TLS and connections, and leaves out its typed models:
converting to and from them costs twice the CPU of the request itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import quote

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube import jsontext
from graphcron.kube.errors import (
    NotFound,
    Refused,
    Unavailable,
    error_of,
    message_of,
)
from graphcron.kube.paths import (
    GRAPHCRONS,
    Manifest,
    Resource,
    all_of,
    cron_jobs,
    graphcrons,
    leases,
    proxy_of,
)
from graphcron.kube.transport import REQUEST_TIMEOUT_SECONDS, Transport
from graphcron.kube.watch_health import WATCH_SECONDS
from graphcron.kube.write_gate import Fence
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

    With a fence nothing is written while it is closed (NotLeading), but the Lease that opens it. `on_write` is told
    kind and verb of each write that the apiserver took."""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, fence: Fence | None = None, on_write: Callable[[str, str], object] | None = None
    ) -> AsyncIterator[Self]:
        configuration = Configuration()
        configuration.connection_pool_maxsize = CONNECTION_LIMIT
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            try:
                await config.load_kube_config(client_configuration=configuration)
            except config.ConfigException as error:
                raise SystemExit(
                    f"graphcron: no cluster to work with: neither a pod's service account nor a kubeconfig ({error}). "
                    "Set KUBECONFIG."
                ) from None
        configuration.proxy = configuration.proxy or proxy_of(configuration.host)
        async with ApiClient(configuration) as client:
            yield cls(client, fence, on_write)

    async def list_graphcrons(self, namespace: str | None) -> list[Manifest]:
        """All GraphCrons of a namespace, or of the cluster for None."""
        return [item async for items, _ in self.pages(GRAPHCRONS, namespace, "") for item in items]

    async def pages(
        self, resource: Resource, namespace: str | None, selector: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        """All objects of a resource, page by page, each page with the resource version of the whole list. Raises Gone
        when the rest of a list is not to be had any more."""
        place = all_of(resource, namespace)

        def ask(rest: str) -> "asyncio.Task[Manifest]":
            query = {"labelSelector": selector, "limit": str(PAGE_SIZE), "continue": rest}
            page = asyncio.create_task(self._object("GET", place, query))
            page.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody comes to ask for it
            return page

        # The next page is on its way while this one is looked at: the apiserver takes as long to make it.
        coming = ask("")
        try:
            while True:
                page = await coming
                if rest := page["metadata"].get("continue", ""):
                    coming = ask(rest)
                # A list says once what its items are.
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
        it is asked to after `WATCH_SECONDS`. `opened` is told the body of its answer.

        Raises Gone when that version is too old, and Unavailable when the watch breaks or falls silent.
        """
        query = {
            "labelSelector": selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        url, headers = await self._address(all_of(resource, namespace), query)
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
            raise Unavailable(0, f"the Kubernetes API stopped telling: {str(error) or type(error).__name__}") from None

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", graphcrons(namespace, name))

    async def create_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        return await self._object("POST", graphcrons(namespace), _STRICT, manifest)

    async def replace_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest."""
        return await self._object("PUT", graphcrons(namespace, manifest["metadata"]["name"]), _STRICT, manifest)

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        """With what it owns, in the background. Given a uid, that very object: raises Conflict for a namesake."""
        options = {"preconditions": {"uid": uid}} if uid else None
        await self._call("DELETE", graphcrons(namespace, name), {"propagationPolicy": "Background"}, options)

    async def patch_status(self, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        """Sets the whole status of that very object. Raises NotFound when it is gone, also when a namesake is there."""
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        try:
            return await self._object("PATCH", graphcrons(namespace, name) + "/status", _MANAGER, patch, _JSON_PATCH)
        except Refused as refused:
            # The apiserver answers a failed test with 422, and does not say that it was the test.
            if refused.status == 422 and (await self.get_graphcron(namespace, name))["metadata"]["uid"] != uid:
                raise NotFound(404, f"GraphCron {namespace}/{name} was deleted, and made anew") from None
            raise

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", cron_jobs(namespace, name))

    async def apply_cron_job(self, namespace: str, manifest: Manifest, *, anew: bool = False) -> Manifest:
        """Server-side apply: makes it or changes what differs; fields of other managers stay.

        With `anew` it makes one, or raises Conflict when there is one of that name, which may be somebody else's.
        """
        query = _MANAGER | {"force": "true"}
        body = yaml_of(manifest | {"metadata": manifest["metadata"] | _OF_NOBODY} if anew else manifest)
        return await self._object("PATCH", cron_jobs(namespace, manifest["metadata"]["name"]), query, body, _APPLY)

    async def create_event(self, namespace: str, event: Manifest) -> None:
        await self._call("POST", f"/api/v1/namespaces/{quote(namespace)}/events", {}, event)

    async def get_lease(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", leases(namespace, name))

    async def create_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one."""
        return await self._object("POST", leases(namespace), _MANAGER, manifest, fence=None)

    async def replace_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest, NotFound when it is gone."""
        path = leases(namespace, manifest["metadata"]["name"])
        return await self._object("PUT", path, _MANAGER, manifest, fence=None)

    async def serves_graphcrons(self) -> bool:
        """Whether the apiserver knows the resource, and says so to those who look it up."""
        groups = await self._object("GET", "/apis")
        if not any(group["name"] == GROUP for group in groups["groups"]):
            return False
        try:
            resources = await self._object("GET", f"/apis/{API_VERSION}")
        except NotFound:
            return False
        return any(resource["name"] == PLURAL for resource in resources["resources"])

    async def review_token(self, review: Manifest) -> Manifest:
        """The TokenReview with its status: whose token it is."""
        return await self._object("POST", "/apis/authentication.k8s.io/v1/tokenreviews", None, review)

    async def ready(self) -> None:
        """Returns when the apiserver answers; raises KubeError otherwise."""
        await self._call("GET", "/version")


_MANAGER = {"fieldManager": FIELD_MANAGER}
_OF_NOBODY = {"resourceVersion": "1"}
"""The revision of an empty etcd, so no object has it: the apiserver compares it with that of an object that is there,
and does not look at it for one that is to be made (registry/generic/registry/store.go, Update)."""
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
