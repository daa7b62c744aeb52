"""The reverse proxy to the Agent Server: requests and answers are streamed as they come, and nothing is buffered,
decoded, retried or followed.

It also guards the Agent Server's own cron endpoints. A cron made there would fire from one process's memory, out of
sight of Kubernetes, so no spelling of their paths goes through.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from graphcron.facade.errors import RestError, Unverified
from graphcron.facade.proxy import websockets
from graphcron.facade.proxy.client_session import client_session, url_parts
from graphcron.facade.proxy.headers import HANDSHAKE, HOP_BY_HOP, NOT_FORWARDED, TRACES, credentials_of, end_to_end
from graphcron.facade.proxy.path_guard import reaches_crons
from graphcron.facade.proxy.recent import Recent
from graphcron.facade.proxy.request_body import RequestBody
from graphcron.facade.request_log import HEADER, REQUEST_ID
from graphcron.facade.single_flight import SingleFlight
from graphcron.firing.formats import error_text

logger = logging.getLogger(__name__)

LOOKUP_TIMEOUT_SECONDS = 10.0
"""For the facade's own requests. Passed-through requests have no limit: a run may take hours."""

BODY_TIMEOUT_SECONDS = 30.0
"""Between two pieces of a request's body."""

STALLED = 10
"""Times as long a client may take to read a piece of an answer."""

KEEP_ALIVE_SECONDS = 4.0
"""For an idle connection. LangGraph's server closes it after 5, and a request must not be sent at that moment."""

DISTRUST_SECONDS = 5.0
"""After an answer of 5xx. LangGraph's server closes that connection without saying so beforehand, a moment later."""

RECENT_SECONDS = 0.25
"""How long an assistant that exists is cached, since many crons are made at once. A deletion through this facade clears
the cache."""

SEARCH_LIMIT = 1000
"""Threads that one search of LangGraph's server can find."""

_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))

_FAILED = (aiohttp.ClientError, TimeoutError, OSError)
"""Errors that mean that there is no answer."""

BeforeAnswer = Callable[[int], Awaitable[None]]


class Upstream:
    """The Agent Server behind the facade, and the connections to it."""

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        fresh: aiohttp.ClientSession,
        withheld: frozenset[str] = frozenset(),
        body_timeout: float = BODY_TIMEOUT_SECONDS,
    ) -> None:
        """`fresh` opens a connection for each request."""
        self.url = url.rstrip("/")
        self._session = session
        self._fresh = fresh
        self._withheld = withheld
        self._body_timeout = body_timeout
        self._distrust_until = 0.0
        self._lookups = SingleFlight[tuple[int, bytes]]()
        self._existing = Recent(RECENT_SECONDS)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        url: str,
        ca_file: str | None = None,
        withheld: frozenset[str] = frozenset(),
        proxy: str | None = None,
        body_timeout: float = BODY_TIMEOUT_SECONDS,
    ) -> AsyncIterator[Self]:
        """A session with the server. `withheld` are headers, in lower case, that it never gets.

        Raises ValueError for a URL or a `proxy` that is none, OSError for an unreadable `ca_file`.
        """
        if proxy is not None and ((parts := url_parts(proxy)).scheme != "http" or not parts.host):
            raise ValueError("HTTP_PROXY and HTTPS_PROXY must be http://[USER:PASSWORD@]HOST[:PORT]")
        parts = url_parts(url)
        if parts.scheme not in ("http", "https") or not parts.host or parts.user or parts.query_string:
            raise ValueError("the Agent Server's URL must be like http://agent-server:8000, without credentials")
        tls = ssl.create_default_context(cafile=ca_file)
        # The server in front bounds how many requests there are at once.
        pool = aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=KEEP_ALIVE_SECONDS)
        single = aiohttp.TCPConnector(limit=0, ssl=tls, force_close=True)
        async with client_session(pool, proxy) as session, client_session(single, proxy) as fresh:
            yield cls(url, session, fresh, withheld, body_timeout)

    def body_of(self, request: web.Request) -> RequestBody:
        """The body as `forward` takes it."""
        return RequestBody(request, self._body_timeout)

    async def forward(
        self,
        request: web.Request,
        before_answer: BeforeAnswer | None = None,
        body: RequestBody | None = None,
        query: str | None = None,
    ) -> web.StreamResponse:
        """Sends the request on and streams the answer back. `before_answer` gets the status before the client does.
        `body` and `query` stand for the request's own.

        Raises RestError 502 when the Agent Server cannot be reached, and 404 for whatever could name a cron there.
        """
        path = request.raw_path
        if not path.startswith("/") or reaches_crons(path):
            raise RestError(404, "Not Found")
        if websockets.is_asked_for(request):
            return await self._converse(request)
        path = path if query is None else f"{path.partition('?')[0]}?{query}"
        body, headers = body or self.body_of(request), self._request_headers(request)
        if body.length is not None:
            headers["Content-Length"] = str(body.length)
        try:
            upstream = await self._session_for(request).request(
                request.method,
                URL(self.url + path, encoded=True),
                headers=headers,
                data=body if request.body_exists else None,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise body.fault or RestError(502, self._unreachable(error)) from None
        if upstream.status >= 500:
            self._distrust_until = asyncio.get_running_loop().time() + DISTRUST_SECONDS
        try:
            if before_answer is not None:
                await before_answer(upstream.status)
            return await self._answer(request, upstream)
        except BaseException:
            # The client is gone, or the stream broke. An open connection would keep the run's stream alive.
            upstream.close()
            raise

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        try:
            upstream = await self._session.ws_connect(
                URL(self.url + request.raw_path, encoded=True),
                headers=end_to_end(self._request_headers(request), HANDSHAKE),
                protocols=websockets.protocols(request),
                **websockets.OPTIONS,
            )
        except aiohttp.WSServerHandshakeError as error:
            answered = error.status
            raise RestError(
                answered if answered >= 400 else 502,
                f"The Agent Server opens no WebSocket here: it answered HTTP {answered}",
            ) from None
        except _FAILED as error:
            raise RestError(502, self._unreachable(error)) from None
        return await websockets.converse(request, upstream)

    def _request_headers(self, request: web.Request) -> CIMultiDict[str]:
        headers = end_to_end(request.headers, NOT_FORWARDED | self._withheld)
        if (identity := request.get(REQUEST_ID)) is not None:
            headers[HEADER] = identity  # so that both logs speak of the same request
        return headers

    def _session_for(self, request: web.Request) -> aiohttp.ClientSession:
        """A request that aiohttp may repeat takes any connection. Another one would be lost, 502, on a connection that
        the server is about to close; sending it twice would do twice what it asks for."""
        repeatable = request.method in _IDEMPOTENT and not request.body_exists
        trusted = asyncio.get_running_loop().time() >= self._distrust_until
        return self._session if repeatable or trusted else self._fresh

    async def _answer(self, request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = end_to_end(upstream.headers, HOP_BY_HOP)
        if (location := headers.get("Location", "")).startswith(self.url + "/"):
            headers["Location"] = location.removeprefix(self.url)
        response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
        await response.prepare(request)
        while chunk := await self._next_chunk(request, upstream):
            await self._write(request, response, chunk)
        await response.write_eof()
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse, chunk: bytes) -> None:
        """A client that reads nothing for long enough is disconnected: it would hold a connection on each side."""
        try:
            async with asyncio.timeout(STALLED * self._body_timeout):
                await response.write(chunk)
        except TimeoutError:
            logger.info("the client does not read the answer to %s %s any more", request.method, request.path)
            if request.transport is not None:
                request.transport.abort()
            raise

    async def _next_chunk(self, request: web.Request, upstream: aiohttp.ClientResponse) -> bytes:
        """What has arrived by now, at least a byte; empty at the end."""
        try:
            return await upstream.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            # The status is long sent. A clean end would pass half an answer for a whole one, so cut the line.
            logger.warning("the Agent Server broke off its answer to %s %s: %s", request.method, request.path, error)
            if request.transport is not None:
                request.transport.abort()
            raise

    async def exists(self, path: str, what: str, headers: Mapping[str, str], *, recently: bool = False) -> bool:
        """Whether the Agent Server has it, by a GET with the caller's credentials. Concurrent calls with the same
        credentials share one request; with `recently`, calls within `RECENT_SECONDS` share it too.

        Raises RestError: 401 and 403 as the Agent Server answers them, 503 when it gives no usable answer.
        """
        who = frozenset((name, value) for name, value in credentials_of(headers) if name.lower() not in TRACES)
        if recently and self._existing.holds((path, who)):
            return True
        asked = self._existing.now()
        try:
            status, body = await self._lookups.run((path, who), lambda: self._ask(path, headers))
        except _FAILED as error:
            raise Unverified(what, self._unreachable(error)) from None
        match status:
            case 200:
                if recently:
                    self._existing.found((path, who), asked)
                return True
            case 404:
                return False
            case 401 | 403:
                raise RestError(status, error_text(body) or f"The Agent Server refuses to show {what}")
            case _:
                raise Unverified(what, f"The Agent Server at {self.url} answered HTTP {status}")

    def forget(self) -> None:
        """Clears the cache of `exists`: something was deleted."""
        self._existing.forget()

    async def threads_among(self, ids: Sequence[str], headers: Mapping[str, str]) -> set[str]:
        """Those of these threads that exist for these credentials.

        Raises RestError as `exists` does.
        """
        found: set[str] = set()
        for start in range(0, len(ids), SEARCH_LIMIT):
            some = ids[start : start + SEARCH_LIMIT]
            query = {"ids": some, "select": ["thread_id"], "limit": len(some)}
            try:
                status, body = await self._ask("/threads/search", headers, query)
            except _FAILED as error:
                raise Unverified("its threads", self._unreachable(error)) from None
            if status in (401, 403):
                raise RestError(status, error_text(body) or "The Agent Server refuses to show threads")
            try:
                found |= {thread["thread_id"] for thread in json.loads(body)} & set(some)
            except (ValueError, KeyError, TypeError):
                raise Unverified("its threads", f"The Agent Server at {self.url} answered HTTP {status}") from None
        return found

    async def _ask(self, path: str, headers: Mapping[str, str], query: object = None) -> tuple[int, bytes]:
        """Status and body of a GET, or a POST of `query`, with the credentials among these headers. Raises one of
        `_FAILED`."""
        sent = end_to_end(CIMultiDict(credentials_of(headers)), NOT_FORWARDED | self._withheld)
        if query is not None:
            sent["Content-Type"] = "application/json"
        async with self._session.request(
            "GET" if query is None else "POST",
            URL(self.url + path, encoded=True),
            headers=sent,
            json=query,
            timeout=aiohttp.ClientTimeout(total=LOOKUP_TIMEOUT_SECONDS),
            allow_redirects=False,
        ) as answer:
            return answer.status, await answer.read()

    def _unreachable(self, error: Exception) -> str:
        if isinstance(error, aiohttp.ClientHttpProxyError):  # whose own text has the proxy's URL
            return f"The proxy before the Agent Server at {self.url} answered HTTP {error.status}"
        return f"The Agent Server at {self.url} does not answer: {str(error) or type(error).__name__}"
