"""The HTTP servers of operator and facade: aiohttp's, with bounds for slow clients and for their number.

aiohttp waits for an hour for the rest of a request, takes any number of connections, and answers what is no HTTP in
text that quotes it. There is no setting for any of these, so its protocol class is extended.
"""

import asyncio
import json
import logging
import ssl
from dataclasses import dataclass, field
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http import SERVER_SOFTWARE
from aiohttp.web_protocol import RequestHandler

log = logging.getLogger(__name__)

LINGER_SECONDS = 2.0
"""For the rest of a body that was answered without it. Closed at once, the client could lose the answer."""

RESERVE = 64
"""Connections beyond the limit: their requests are still read, so that probes are answered."""


@dataclass(frozen=True)
class Limits:
    """`connections` at once, of which an idle one is closed for a new one, and `per_client` of one address, 0 for any
    number; `header_seconds` for a request's header."""

    connections: int = 500
    header_seconds: float = 10.0
    per_client: int = 0


DEFAULT_LIMITS = Limits()


@dataclass
class _Connections:
    """All connections of a server, and those among them that wait for a request, the longest first."""

    open: set["Connection"] = field(default_factory=set)
    waiting: dict["Connection", None] = field(default_factory=dict)


class Connection(RequestHandler):
    """One connection: it waits for a request, or requests of it are being handled."""

    def __init__(self, server: web.Server, limits: Limits, all_of_them: _Connections, **options: Any) -> None:
        super().__init__(server, **options)
        self._limits = limits
        self._all = all_of_them
        self._answered = 0
        self._ahead = False
        """Whether a part of the next request came before the last one was answered."""
        self._heard = False
        """Whether anything has come while it waits for a request."""
        self._lingers = False
        """Whether the rest of a body comes that nobody wants."""
        self._deadline: asyncio.TimerHandle | None = None
        self.is_one_too_many = False
        """Whether all others, of its client or of all, were busy when it was made: no more than probes are to be
        answered."""
        self.client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.client = str((transport.get_extra_info("peername") or ("",))[0])
        limit = self._limits.per_client
        own = sum(other.client == self.client for other in self._all.open) if limit else 0
        greedy = limit > 0 and own >= limit
        if greedy or len(self._all.open) >= self._limits.connections:
            idle = next((other for other in self._all.waiting if not greedy or other.client == self.client), None)
            self.is_one_too_many = idle is None
            if idle:
                idle.abort()
        self._all.open.add(self)
        self._wait_for_a_request(begun=True)
        if len(self._all.open) > self._limits.connections + RESERVE or (greedy and own >= limit + RESERVE):
            self.abort()

    def abort(self) -> None:
        """Close it at once, also when the client does not read what was sent."""
        self._all.open.discard(self)
        self._wait_no_more()
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._all.open.discard(self)
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before, current = self._request_count, self._current_request
        was_read = current is not None and current.content.is_eof()
        # aiohttp calls it with nothing to go on with what it has.
        if data and not self._is_busy and not self._lingers:
            self._wait_for_a_request(begun=True)
            self._heard = True
        super().data_received(data)
        if self._request_count > before:
            self._ahead = self._lingers = self._heard = False
            self._wait_no_more()
            if current is not None and not current.content.is_eof():
                # No next request can come before the end of this one's body: what came is no HTTP.
                current.content.set_exception(web.RequestPayloadError("the rest of the body is no HTTP"))
        elif data and was_read:  # otherwise it was the rest of this one's body
            self._ahead = True

    @property
    def _is_busy(self) -> bool:
        return self._request_count > self._answered

    def _wait_for_a_request(self, *, begun: bool) -> None:
        self._all.waiting.setdefault(self)
        if begun and self._deadline is None:
            self._deadline = self._loop.call_later(self._limits.header_seconds, self._give_up)

    def _wait_no_more(self) -> None:
        self._all.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.transport is None or self.transport.get_write_buffer_size():
            self.abort()
            return
        if self._heard or self._answered:  # who has sent nothing, such as a browser in advance, expects no answer
            self.transport.write(_TOO_SLOW)
        self.force_close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Also of the errors that no handler and no middleware sees."""
        if isinstance(resp, web.HTTPException):
            allow = {str(hdrs.ALLOW): resp.headers[hdrs.ALLOW]} if hdrs.ALLOW in resp.headers else {}
            resp = _problem(resp.status, resp.reason, allow)
        finished = await super().finish_response(request, resp, start_time)
        self._answered += 1
        self._lingers = not request.content.is_eof()
        if request.content.exception() is not None:
            self.force_close()  # nothing that could be read would come
        if not self._is_busy:
            self._wait_for_a_request(begun=self._ahead and not self._lingers)
        self._ahead = False
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, and to a failure of a handler. It quotes nothing: a header can be a key."""
        if status == 400:
            log.info("a request that is no HTTP was refused: %s", type(exc).__name__)
            detail = f"This is no HTTP request that can be read ({type(exc).__name__})"
        else:
            if request.transport is not None and not request.transport.is_closing():
                log.error("%s %s failed", request.method, request.path, exc_info=exc)
            detail = "Internal Server Error"
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        answer = _problem(status, detail)
        answer.force_close()
        return answer


class _Answer(web.Response):
    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop(hdrs.SERVER, None)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    return _Answer(status=status, text=json.dumps({"detail": detail}), headers=headers, content_type="application/json")


_DETAIL = b'{"detail": "The request did not come in time"}'
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_DETAIL), _DETAIL)
)


async def _nameless(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """No version of Python and aiohttp in the answers; the name of a server behind this one stays."""
    if response.headers.get(hdrs.SERVER) == SERVER_SOFTWARE:
        del response.headers[hdrs.SERVER]


class _Runner(web.AppRunner):
    def __init__(self, app: web.Application, limits: Limits, auto_decompress: bool, **options: Any) -> None:
        super().__init__(app, **options)
        self._limits = limits
        self._auto_decompress = auto_decompress
        self._connections = _Connections()

    @property
    def server(self) -> Any:
        """What makes the protocol of each connection, for the site that listens."""
        return self._connect if super().server is not None else None

    def _connect(self) -> Connection:
        server = super().server
        assert server is not None, "it is set up"
        return Connection(
            server,
            self._limits,
            self._connections,
            loop=asyncio.get_running_loop(),
            access_log=None,
            lingering_time=LINGER_SECONDS,
            auto_decompress=self._auto_decompress,
        )


async def listen(
    app: web.Application,
    host: str | None,
    port: int,
    limits: Limits,
    *,
    auto_decompress: bool = True,
    handler_cancellation: bool = False,
    shutdown_timeout: float = 1.0,
    ssl_context: ssl.SSLContext | None = None,
) -> web.AppRunner:
    """Serve an application that was not served before, by TLS with a context for it; `cleanup` of what is returned ends
    that. Raises OSError."""
    app.on_response_prepare.append(_nameless)
    runner = _Runner(
        app,
        limits,
        auto_decompress,
        handler_cancellation=handler_cancellation,
        shutdown_timeout=shutdown_timeout,
        handle_signals=False,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=ssl_context).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
