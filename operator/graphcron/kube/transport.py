"""Requests to the apiserver: credentials, write gate, time limits, and the error that an answer stands for."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from types import EllipsisType
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from graphcron import __version__
from graphcron.kube import jsontext
from graphcron.kube.errors import NotLeading, Unavailable, error_of, message_of
from graphcron.kube.paths import Manifest, kind_of, query_of
from graphcron.kube.write_gate import Fence, FenceClosed

REQUEST_TIMEOUT_SECONDS = 30.0


UNPACKED = {"Accept-Encoding": "identity"}
"""For lists: to pack a page takes an apiserver longer than to send it over a cluster's network (client-go has
DisableCompression for it)."""


class _FencedBody(aiohttp.payload.BytesPayload):
    """A body that looks at the fence once more in the step that hands it to the kernel, headers included: between the
    call and that step a connection may have been waited for, and the process may have slept."""

    def __init__(self, body: bytes, content_type: str, fence: Fence) -> None:
        super().__init__(body, content_type=content_type)
        self._fence = fence

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._fence.check()
        await super().write_with_length(writer, content_length)


class Transport:
    """Sends requests over the official client's connections. `client` is its `ApiClient`."""

    def __init__(
        self, client: Any, fence: Fence | None = None, on_write: Callable[[str, str], object] | None = None
    ) -> None:
        self._client = client
        self._fence = fence
        self._on_write = on_write

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
            raise error_of(response.status, message_of(text, response.status))
        if self._on_write and method != "GET":
            self._on_write(kind_of(path), _VERBS[method])
        return jsontext.loads(text)

    async def _address(self, path: str, query: dict[str, str] | None) -> tuple[URL, dict[str, str]]:
        """The URL of a request, and the headers that say who sends it and what it takes."""
        url = self._host + path + (query_of(tuple(query.items())) if query else "")
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
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_TIMEOUT = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
