"""The only module that talks to the Kubernetes API: few verbs, plain dicts, one error tree.

It uses the official asynchronous client for credentials, TLS and connections, and leaves out its typed models:
converting to and from them costs twice the CPU of the request itself.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import cached_property, lru_cache
from types import EllipsisType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from yarl import URL

from graphcron import __version__, jsontext
from graphcron.fence import Fence, FenceClosed
from graphcron.heartbeat import WATCH_SECONDS
from graphcron.resource.identity import API_VERSION, FIELD_MANAGER, GROUP, KIND, PLURAL, VERSION

CONNECTION_LIMIT = 50
"""Connections at once. Unbounded TLS connections cost an operator 376 MiB at 10,000 objects."""
REQUEST_TIMEOUT_SECONDS = 30.0
SILENCE_SECONDS = 90.0
"""After which a watch counts as dead: while nothing happens the apiserver sends a bookmark about every minute."""
OBJECT_LIMIT = 4 * 1024 * 1024
"""Bytes of an object as JSON: etcd takes 1.5 MiB, and JSON can write a character in six."""
PAGE_SIZE = 500

Manifest = dict[str, Any]
Resource = tuple[str, str, str]
"""Group (empty for the core's), version and plural."""

GRAPHCRONS: Resource = (GROUP, VERSION, PLURAL)
CRON_JOBS: Resource = ("batch", "v1", "cronjobs")


UNPACKED = {"Accept-Encoding": "identity"}
"""For lists: to pack a page takes an apiserver longer than to send it over a cluster's network (client-go has
DisableCompression for it)."""


class KubeError(Exception):
    """The apiserver did not do what was asked. `status` is its HTTP status, 0 when there was no answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NotFound(KubeError):
    """No such object (404)."""


class Conflict(KubeError):
    """The object exists already, or was changed by somebody else meanwhile (409)."""


class Refused(KubeError):
    """The apiserver does not take this object as it is: invalid, not allowed, over a quota (400, 403, 413, 422)."""


class Unavailable(KubeError):
    """No answer, too many requests, or a failure of the apiserver: trying again later can help."""


class Gone(Unavailable):
    """The resource version is too old to go on from (410): list anew."""


class NotLeading(KubeError):
    """This process may not write now: the fence is closed. Nothing was sent."""


class _FencedBody(aiohttp.payload.BytesPayload):
    """A body that looks at the fence once more in the step that hands it to the kernel, headers included: between the
    call and that step a connection may have been waited for, and the process may have slept."""

    def __init__(self, body: bytes, content_type: str, fence: Fence) -> None:
        super().__init__(body, content_type=content_type)
        self._fence = fence

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._fence.check()
        await super().write_with_length(writer, content_length)


def error_of(status: int, message: str) -> KubeError:
    """The error that an HTTP status stands for."""
    match status:
        case 404:
            return NotFound(status, message)
        case 409:
            return Conflict(status, message)
        case 400 | 403 | 413 | 422:
            return Refused(status, message)
        case 410:
            return Gone(status, message)
        case _:
            # 401 too: a service account's token is renewed, and the next attempt uses the new one.
            return Unavailable(status, message)


class Kube:
    """A connection to one cluster: the pod's own, or the one that KUBECONFIG names.

    With a fence nothing is written while it is closed (NotLeading), but the Lease that opens it. `on_write` is told
    kind and verb of each write that the apiserver took."""

    def __init__(
        self, client: ApiClient, fence: Fence | None = None, on_write: Callable[[str, str], object] | None = None
    ) -> None:
        self._client = client
        self._fence = fence
        self._on_write = on_write

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
        place = _all_of(resource, namespace)

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
        url, headers = await self._address(_all_of(resource, namespace), query)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_TIMEOUT_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self._session().get(
                url, headers=headers, timeout=patience, read_bufsize=OBJECT_LIMIT, **self._route
            ) as response:
                if response.status >= 300:
                    raise error_of(response.status, _message(await response.read(), response.status))
                opened(response.content)
                async for line in response.content:
                    event = jsontext.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise error_of(status.get("code", 500), str(status.get("message") or status))
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(0, f"the Kubernetes API stopped telling: {str(error) or type(error).__name__}") from None

    async def get_config_map(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", _config_map(namespace, name))

    async def replace_config_map(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest."""
        return await self._object("PUT", _config_map(namespace, manifest["metadata"]["name"]), _MANAGER, manifest)

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", _graphcrons(namespace, name))

    async def create_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        return await self._object("POST", _graphcrons(namespace), _STRICT, manifest)

    async def replace_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest."""
        return await self._object("PUT", _graphcrons(namespace, manifest["metadata"]["name"]), _STRICT, manifest)

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        """With what it owns, in the background. Given a uid, that very object: raises Conflict for a namesake."""
        options = {"preconditions": {"uid": uid}} if uid else None
        await self._call("DELETE", _graphcrons(namespace, name), {"propagationPolicy": "Background"}, options)

    async def patch_status(self, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        """Sets the whole status of that very object. Raises NotFound when it is gone, also when a namesake is there."""
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        try:
            return await self._object("PATCH", _graphcrons(namespace, name) + "/status", _MANAGER, patch, _JSON_PATCH)
        except Refused as refused:
            # The apiserver answers a failed test with 422, and does not say that it was the test.
            if refused.status == 422 and (await self.get_graphcron(namespace, name))["metadata"]["uid"] != uid:
                raise NotFound(404, f"GraphCron {namespace}/{name} was deleted, and made anew") from None
            raise

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", _cron_jobs(namespace, name))

    async def apply_cron_job(self, namespace: str, manifest: Manifest, *, anew: bool = False) -> Manifest:
        """Server-side apply: makes it or changes what differs; fields of other managers stay.

        With `anew` it makes one, or raises Conflict when there is one of that name, which may be somebody else's.
        """
        query = _MANAGER | {"force": "true"}
        body = yaml_of(manifest | {"metadata": manifest["metadata"] | _OF_NOBODY} if anew else manifest)
        return await self._object("PATCH", _cron_jobs(namespace, manifest["metadata"]["name"]), query, body, _APPLY)

    async def create_event(self, namespace: str, event: Manifest) -> None:
        await self._call("POST", f"/api/v1/namespaces/{quote(namespace)}/events", {}, event)

    async def get_lease(self, namespace: str, name: str) -> Manifest:
        return await self._object("GET", _leases(namespace, name))

    async def create_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one."""
        return await self._object("POST", _leases(namespace), _MANAGER, manifest, fence=None)

    async def replace_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is no longer the newest, NotFound when it is gone."""
        path = _leases(namespace, manifest["metadata"]["name"])
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

    async def _object(self, *call: Any, **options: Any) -> Manifest:
        answer = await self._call(*call, **options)
        assert isinstance(answer, dict), "the apiserver answers with one object"
        return answer

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        fence: Fence | EllipsisType | None = ...,
    ) -> Any:
        fence = self._fence if isinstance(fence, EllipsisType) else fence
        fence = fence if method != "GET" else None
        try:
            with fence or nullcontext():
                return await self._send(method, path, query, body, content_type, fence)
        except FenceClosed as closed:
            raise NotLeading(0, str(closed)) from None

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: object,
        content_type: str,
        fence: Fence | None,
    ) -> Any:
        url, headers = await self._address(path, query)
        data: bytes | _FencedBody | None = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = body if isinstance(body, bytes) else jsontext.dumps(body)
            data = _FencedBody(data, content_type, fence) if fence else data
        try:
            async with self._session().request(
                method, url, headers=headers, data=data, timeout=_TIMEOUT, **self._route
            ) as response:
                text = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if fence and not fence.is_open:
                raise FenceClosed("this operator ceased to lead") from None
            reason = str(error) or type(error).__name__
            raise Unavailable(0, f"the Kubernetes API does not answer: {reason}") from None
        if response.status >= 300:
            raise error_of(response.status, _message(text, response.status))
        if self._on_write and method != "GET":
            self._on_write(_kind(path), _VERBS[method])
        return jsontext.loads(text)

    async def _address(self, path: str, query: dict[str, str] | None) -> tuple[URL, dict[str, str]]:
        """The URL of a request, and the headers that say who sends it and what it takes."""
        url = self._host + path + (_query(tuple(query.items())) if query else "")
        headers = _HEADERS.copy()
        for auth in (await self._client.configuration.auth_settings()).values():
            headers[auth["key"]] = auth["value"]
        return URL(url, encoded=True), headers

    @cached_property
    def _host(self) -> str:
        return str(self._client.configuration.host).rstrip("/")

    def _session(self) -> aiohttp.ClientSession:
        """The official client's pool of connections, which it closes itself. Its own `request` takes no body that looks
        at a fence, and encodes JSON whether it is JSON already or not."""
        rest = self._client.rest_client
        if rest.pool_manager is None:
            connector = aiohttp.TCPConnector(limit=rest.maxsize, ssl=rest.ssl_context)
            # No cookies, as client-go: there is nobody's session to keep.
            rest.pool_manager = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        session: aiohttp.ClientSession = rest.pool_manager
        return session

    @cached_property
    def _route(self) -> dict[str, Any]:
        """What a kubeconfig says on the way to the apiserver, beyond its address."""
        configuration = self._client.configuration
        route = {
            "proxy": configuration.proxy,
            "proxy_headers": configuration.proxy_headers,
            "server_hostname": configuration.tls_server_name,
        }
        return {name: value for name, value in route.items() if value}


_HEADERS = {"Accept": "application/json", "User-Agent": f"graphcron/{__version__}"} | UNPACKED
_MANAGER = {"fieldManager": FIELD_MANAGER}
_OF_NOBODY = {"resourceVersion": "1"}
"""The revision of an empty etcd, so no object has it: the apiserver compares it with that of an object that is there,
and does not look at it for one that is to be made (registry/generic/registry/store.go, Update)."""
_STRICT = _MANAGER | {"fieldValidation": "Strict"}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_KINDS = {PLURAL: KIND, "cronjobs": "CronJob", "events": "Event", "leases": "Lease"}
_TIMEOUT = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY). Found out once: with `trust_env` aiohttp
    looks it up anew at each request, and for a .netrc besides, in two threads, which costs as much as the request."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def yaml_of(manifest: Manifest) -> bytes:
    """JSON that a YAML 1.1 parser reads as the same: server-side apply takes YAML only.

    JSON writes characters beyond the basic plane as two escapes, which YAML refuses, so they stay as they are; and
    YAML folds or refuses some characters of the basic plane when they stand as they are, so those are escaped.
    """
    text = jsontext.dumps(manifest)
    if text.isascii() and b"\x7f" not in text:
        return text
    return re.sub(r"[\x7f-\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()


@lru_cache(maxsize=1024)
def _all_of(resource: Resource, namespace: str | None) -> str:
    group, version, plural = resource
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return (f"/apis/{group}/{version}" if group else f"/api/{version}") + f"{scope}/{plural}"


def _graphcrons(namespace: str, name: str = "") -> str:
    return _all_of(GRAPHCRONS, namespace) + (f"/{quote(name, safe='')}" if name else "")


def _config_map(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps/{quote(name, safe='')}"


def _cron_jobs(namespace: str, name: str) -> str:
    return _all_of(CRON_JOBS, namespace) + f"/{quote(name, safe='')}"


@lru_cache(maxsize=64)  # those of writes are few, and all that is written has one
def _query(given: tuple[tuple[str, str], ...]) -> str:
    """With its question mark, and without what is empty."""
    text = urlencode([(key, value) for key, value in given if value])
    return f"?{text}" if text else ""


def _kind(path: str) -> str:
    """The kind of a namespaced resource, by its path."""
    return _KINDS.get(path.partition("/namespaces/")[2].split("/")[1], "other")


def _leases(namespace: str, name: str = "") -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"
    return path + (f"/{quote(name, safe='')}" if name else "")


def _message(body: bytes, status: int) -> str:
    """What a Status object says, or the start of whatever came instead (a proxy's page, say)."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or f"HTTP {status}"
