"""Requests to the apiserver: credentials, write gate, time limits, and the error that an answer stands for."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import aiohttp
from yarl import URL

from graphcron import __version__
from graphcron.kube import jsontext
from graphcron.kube.errors import TooLarge, Unavailable, error_of, message_of
from graphcron.kube.resources import Manifest, Resource, query_of
from graphcron.kube.write_gate import WriteGate

REQUEST_TIMEOUT_SECONDS = 30.0

ERROR_BYTES = 64 * 1024
"""Of an error that is read."""

OnWrite = Callable[[str, str], object]
"""Called with kind and verb of each write that the apiserver accepted."""


class Transport:
    """Sends requests over the official client's connections. `client` is its `ApiClient`. Without a gate every write
    passes."""

    def __init__(self, client: Any, gate: WriteGate | None = None, on_write: OnWrite | None = None) -> None:
        self._client = client
        self._gate = gate
        self._on_write = on_write

    async def _get(self, path: str, query: dict[str, str] | None = None) -> Manifest:
        """Raises KubeError."""
        return _object(await self._send("GET", path, query))

    async def _get_text(self, path: str, query: dict[str, str], limit: int | None) -> bytes:
        """The answer to a GET, not parsed. Raises KubeError; TooLarge for one of more bytes than that."""
        return await self._send("GET", path, query, limit=limit)

    async def _write(
        self,
        method: str,
        resource: Resource,
        namespace: str | None,
        name: str = "",
        subresource: str = "",
        *,
        query: dict[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Manifest:
        """Raises KubeError; NotLeading, and nothing was sent, while the gate is closed for this resource."""
        path, data = resource.path(namespace, name, subresource), None
        if body is not None:
            data = body if isinstance(body, bytes) else jsontext.dumps(body)
        answer = await self._send(method, path, query, data, content_type, self._gate if resource.gated else None)
        if self._on_write:
            self._on_write(resource.kind, _VERBS[method])
        return _object(answer)

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = "",
        gate: WriteGate | None = None,
        limit: int | None = None,
    ) -> bytes:
        url, headers = await self._address(path, query)
        if data is not None:
            headers["Content-Type"] = content_type
        try:
            # Just before the request: nothing waits any more, such as for a renewed token.
            with gate.passing() if gate else nullcontext():
                async with self._session().request(
                    method, url, headers=headers, data=data, timeout=_TIMEOUT, **self._route
                ) as response:
                    text = await _read(response, limit)
        except aiohttp.ClientConnectorCertificateError as error:
            raise Unavailable(
                0,
                f"the certificate of the Kubernetes API at {error.host}:{error.port} cannot be verified "
                f"({error.certificate_error}): is the authority of the kubeconfig that of this cluster?",
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(0, f"the Kubernetes API does not answer: {reason}") from None
        if response.status >= 300:
            raise error_of(response.status, message_of(text, response.status))
        return text

    async def _address(self, path: str, query: dict[str, str] | None) -> tuple[URL, dict[str, str]]:
        """The URL of a request, and its headers: credentials, and what it accepts."""
        url = self._host + path + (query_of(tuple(query.items())) if query else "")
        headers = _HEADERS.copy()
        for auth in (await self._client.configuration.auth_settings()).values():
            headers[auth["key"]] = auth["value"]
        return URL(url, encoded=True), headers

    @cached_property
    def _host(self) -> str:
        return str(self._client.configuration.host).rstrip("/")

    def _session(self) -> aiohttp.ClientSession:
        """The official client's pool of connections, which it closes itself. Its own `request` encodes JSON again that
        is JSON already."""
        rest = self._client.rest_client
        if rest.pool_manager is None:
            connector = aiohttp.TCPConnector(limit=rest.maxsize, ssl=rest.ssl_context)
            # No cookies, as client-go: there is no session to keep.
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


async def _read(response: aiohttp.ClientResponse, limit: int | None) -> bytes:
    """Of an error the beginning is enough: an apiserver can list half a million mistakes in one object."""
    failed = response.status >= 300
    text = bytearray()
    async for chunk in response.content.iter_any():
        text += chunk
        if failed and len(text) > ERROR_BYTES:
            break
        if limit and len(text) > limit:
            raise TooLarge(response.status, f"the answer has more than {limit} bytes")
    return bytes(text)


def _object(text: bytes) -> Manifest:
    answer = jsontext.loads(text)
    assert isinstance(answer, dict), "the apiserver answers with one object"
    return answer


_HEADERS = {
    "Accept": "application/json",
    # To pack a page takes an apiserver longer than to send it over a cluster's network (client-go: DisableCompression).
    "Accept-Encoding": "identity",
    "User-Agent": f"graphcron/{__version__}",
}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_TIMEOUT = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
