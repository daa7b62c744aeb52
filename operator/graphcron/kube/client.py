"""The Kubernetes client: few verbs, plain dicts, one error tree. The only module that imports `kubernetes`.

It uses the official asynchronous client for credentials, TLS and connections, and leaves out its typed models:
converting to and from them costs twice the CPU of the request itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube import jsontext
from graphcron.kube.errors import NotFound, Refused, Unavailable, error_of, message_of
from graphcron.kube.resources import (
    CRON_JOBS,
    EVENTS,
    GRAPHCRONS,
    JOBS,
    LEASES,
    PODS,
    TOKEN_REVIEWS,
    Manifest,
    Resource,
    proxy_of,
)
from graphcron.kube.transport import REQUEST_TIMEOUT_SECONDS, OnWrite, Transport
from graphcron.kube.watch_health import WATCH_SECONDS
from graphcron.kube.write_gate import WriteGate
from graphcron.resource.identity import API_VERSION, ENDED_ANNOTATION, FIELD_MANAGER, GROUP, PLURAL

CONNECTION_LIMIT = 50
"""Connections at once. Unbounded TLS connections cost an operator 376 MiB at 10,000 objects."""
SILENCE_SECONDS = 90.0
"""After which a watch counts as dead: while nothing happens the apiserver sends a bookmark about every minute."""
OBJECT_LIMIT = 4 * 1024 * 1024
"""Bytes of an object as JSON: etcd takes 1.5 MiB, and JSON can write a character in six."""
PAGE_SIZE = 500
EVENT_PAGES = 10
"""A page is about a megabyte."""


class Kube(Transport):
    """A connection to one cluster: the pod's own, or the one that KUBECONFIG names.

    With a gate, writes raise NotLeading while it is closed, except those of the Lease that opens it. Every method
    raises KubeError."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, gate: WriteGate | None = None, on_write: OnWrite | None = None) -> AsyncIterator[Self]:
        """Raises SystemExit when there is neither a service account nor a kubeconfig."""
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
            yield cls(client, gate, on_write)

    @classmethod
    @asynccontextmanager
    async def connect_as_user(cls, context: str | None = None) -> AsyncIterator[tuple[Self, str]]:
        """As kubectl connects: by the kubeconfig and one of its contexts, None for its current one. With the namespace
        that kubectl would use. Raises SystemExit when there is no such context."""
        configuration = Configuration()
        try:
            loader = await config.load_kube_config(context=context, client_configuration=configuration)
        except config.ConfigException as error:
            raise SystemExit(f"graphcron: no cluster to work with ({error}). Set KUBECONFIG or --context.") from None
        configuration.proxy = configuration.proxy or proxy_of(configuration.host)
        async with ApiClient(configuration) as client:
            yield cls(client), loader.current_context["context"].get("namespace") or "default"

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

    async def replace_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest."""
        return await self._replace(GRAPHCRONS, namespace, manifest, _STRICT)

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        """With what it owns, in the background. Given a uid, that very object: raises Conflict for a namesake."""
        options = {"preconditions": {"uid": uid}} if uid else None
        background = {"propagationPolicy": "Background"}
        await self._write("DELETE", GRAPHCRONS, namespace, name, query=background, body=options)

    async def patch_status(self, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        """Sets the whole status of that very object. Raises NotFound when it is gone, also when a namesake is there."""
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
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

    async def list_pods_of_job(self, namespace: str, job: str) -> list[Manifest]:
        """As they are now, where a cache may be a moment behind."""
        query = {"labelSelector": f"batch.kubernetes.io/job-name={job}"}
        pods: list[Manifest] = (await self._get(PODS.path(namespace), query))["items"]
        return pods

    async def end_job(self, namespace: str, job: Manifest, because: str) -> Manifest:
        """Lets Kubernetes fail a Job, delete its pods and keep the Job for its history. Raises Conflict when it is not
        as it was observed any more."""
        seen, name = job["metadata"], job["metadata"]["name"]
        metadata = {"uid": seen["uid"], "resourceVersion": seen["resourceVersion"]}
        body = {"metadata": metadata | {"annotations": {ENDED_ANNOTATION: because}}, "spec": _OVERDUE}
        return await self._write(
            "PATCH", JOBS, namespace, name, query=_MANAGER, body=body, content_type="application/merge-patch+json"
        )

    async def create_job(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one of that name."""
        return await self._write("POST", JOBS, namespace, query=_MANAGER, body=manifest)

    async def expire_job(self, namespace: str, job: Manifest) -> None:
        """Lets Kubernetes delete a finished Job with its pods. Raises Conflict for a namesake."""
        body = {"metadata": {"uid": job["metadata"]["uid"]}, "spec": {"ttlSecondsAfterFinished": 0}}
        name = job["metadata"]["name"]
        await self._write(
            "PATCH", JOBS, namespace, name, query=_MANAGER, body=body, content_type="application/merge-patch+json"
        )

    async def list_events(self, namespace: str, selector: str) -> list[Manifest]:
        """The first `EVENT_PAGES` pages of those that the field selector takes."""
        found: list[Manifest] = []
        query = {"fieldSelector": selector, "limit": str(PAGE_SIZE)}
        for _ in range(EVENT_PAGES):
            page = await self._get(EVENTS.path(namespace), query)
            found += page["items"]
            if not (rest := page["metadata"].get("continue")):
                break
            query["continue"] = rest
        return found

    async def create_event(self, namespace: str, event: Manifest) -> None:
        await self._write("POST", EVENTS, namespace, body=event)

    async def get_lease(self, namespace: str, name: str) -> Manifest:
        return await self._get(LEASES.path(namespace, name))

    async def create_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one."""
        return await self._write("POST", LEASES, namespace, query=_MANAGER, body=manifest)

    async def replace_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest, NotFound when it is gone."""
        return await self._replace(LEASES, namespace, manifest)

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

    async def _replace(
        self, resource: Resource, namespace: str, manifest: Manifest, query: dict[str, str] | None = None
    ) -> Manifest:
        name = manifest["metadata"]["name"]
        return await self._write("PUT", resource, namespace, name, query=query or _MANAGER, body=manifest)


_MANAGER = {"fieldManager": FIELD_MANAGER}
_OF_NOBODY = {"resourceVersion": "1"}
"""The revision of an empty etcd, so no object has it. The apiserver compares it with that of an existing object, and
ignores it when it creates one (registry/generic/registry/store.go, Update)."""
_OVERDUE = {"activeDeadlineSeconds": 1}
"""Of any Job that is older. A Job that were deleted would take its history along, and one that were suspended would
still be active for its CronJob."""
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
