"""The request log: an id, one line and the metrics of each request to the facade.

Query strings, headers and bodies are never logged: they hold secrets.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from graphcron.facade.metrics import FacadeMetrics

logger = logging.getLogger("graphcron.requests")

HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("id", str)
OWNER = web.RequestKey("owner", str)
"""The owner, where the caller has one."""

_GIVEN = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_PATH_LIMIT = 200
_METHODS = hdrs.METH_ALL - {hdrs.METH_CONNECT}

CLIENT_LEFT = 499
"""Logged when the client closed the connection before the answer, as nginx does; no status of HTTP."""

PASSED_THROUGH = "other"
"""The route of requests that are passed through."""


def request_id(given: str | None) -> str:
    """The caller's id when it is a short plain token, else a new UUID: LangGraph's server stores it in its runs."""
    return given if given and _GIVEN.fullmatch(given) else str(uuid.uuid4())


def observed(metrics: FacadeMetrics, route_of: Callable[[web.Request], str], quiet: frozenset[str]) -> Middleware:
    """The outermost middleware. `quiet` are routes that are logged at DEBUG: probes come every two seconds."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        request[REQUEST_ID] = request_id(request.headers.get(HEADER))
        status, size = CLIENT_LEFT, 0
        try:
            response = await handler(request)
            status, size = response.status, response.body_length or response.content_length or 0
            return response
        finally:
            route, method = route_of(request), request.method if request.method in _METHODS else "OTHER"
            seconds = time.perf_counter() - began
            metrics.requests.labels(method, route, str(status)).inc()
            metrics.durations.labels(method, route).observe(seconds)
            fields = {
                "request_id": request[REQUEST_ID],
                "method": method,
                "route": route,
                "path": request.path[:_PATH_LIMIT],
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "bytes": size,
                "owner": request.get(OWNER),
            }
            level = logging.DEBUG if route in quiet else logging.INFO
            logger.log(level, "%s %r %d", method, fields["path"], status, extra={"fields": fields})

    return observe


async def say_id(request: web.Request, response: web.StreamResponse) -> None:
    """Sets X-Request-Id, of streams too; for `on_response_prepare`."""
    if (found := request.get(REQUEST_ID)) is not None:
        response.headers[HEADER] = found
