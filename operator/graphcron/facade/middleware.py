"""The middlewares: path guard, authentication, CORS, and errors as JSON."""

import logging
import re

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import NOBODY, check_crons
from graphcron.facade.cors import Origins, is_preflight
from graphcron.facade.errors import RestError
from graphcron.facade.handlers import CALLER, json_answer
from graphcron.facade.proxy.path_guard import is_literal_cron_path, reaches_crons
from graphcron.facade.request_log import OWNER, PASSED_THROUGH
from graphcron.facade.schemas import BODY_LIMIT
from graphcron.facade.store.store import Changed, Missing, Rejected, StoreUnavailable
from graphcron.http_server import Connection
from graphcron.resource.fields import clipped

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

PROBES = ("/healthz", "/readyz")
OPENAPI = "/openapi.json"
CONSOLE = "/console"
"""Where the web console is, if it is served."""
ANY_PATH = "/{path:.*}"
"""The route of requests that are passed on to the Agent Server."""


def route_of(request: web.Request) -> str:
    """The template of the request's route, of which there are few; `other` for what is passed through or has no route.
    A route has one template, where its path has many spellings."""
    resource = request.match_info.route.resource
    if resource is None or (template := resource.canonical) == _ANY_TEMPLATE:
        return PASSED_THROUGH
    return re.sub(r":[^{}]*}", "}", template)


_ANY_TEMPLATE = "/{path}"


def is_console(request: web.Request) -> bool:
    """Whether the console answers a request: it knows its viewers by itself, and no other page may read it."""
    return route_of(request).split("/")[:2] == CONSOLE.split("/")


def allow_browsers(origins: Origins) -> Middleware:
    """Answers preflights of cron endpoints, and names in each answer the page that may read it."""

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_console(request) or (route_of(request) == PASSED_THROUGH and not reaches_crons(request.raw_path)):
            return await handler(request)
        if is_preflight(request.method, request.headers):
            return web.Response(text="OK", headers=origins.preflight(request.headers))
        response = await handler(request)
        response.headers.update(origins.headers(request.headers))
        return response

    return allow


DETAIL_LIMIT = 4096
"""Characters: a sentence can quote a name or a schedule, which the caller may have sent in any length."""


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return json_answer({"detail": clipped(detail, DETAIL_LIMIT)}, status, retry | (headers or {}))


@web.middleware
async def refuse_crowds(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers nothing but the probes on a connection that is one too many."""
    connection = request.protocol
    if isinstance(connection, Connection) and connection.is_one_too_many and route_of(request) not in PROBES:
        response = _problem(503, "This GraphCron facade has too many connections: try again later")
        response.force_close()
        return response
    return await handler(request)


@web.middleware
async def guard_paths(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 404 for odd spellings of cron paths, which are neither ours nor the Agent Server's."""
    if reaches_crons(request.raw_path) and not is_literal_cron_path(request.raw_path):
        raise RestError(404, "Not Found")
    return await handler(request)


def identify_callers(auth: Authentication) -> Middleware:
    """Answers nothing but the probes before the caller is known. Without an auth mode, cron endpoints are closed."""

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        route, reads = route_of(request), request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
        if (reads and route in PROBES) or is_console(request):
            return await handler(request)
        if route == PASSED_THROUGH and is_preflight(request.method, request.headers):
            request[CALLER] = NOBODY  # a browser sends no credentials with a preflight
            return await handler(request)
        caller = await auth.caller(request.headers)
        if route != PASSED_THROUGH and not (reads and route == OPENAPI):
            check_crons(caller)
        request[CALLER] = caller
        if caller.owner:
            request[OWNER] = caller.owner
        return await handler(request)

    return identify


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error is JSON with one `detail`."""
    try:
        return await handler(request)
    except RestError as error:
        again = None if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return _problem(error.status, error.detail, again)
    except Missing:
        return _problem(404, "Not Found")
    except Rejected as error:
        return _problem(422, str(error))
    except Changed as error:
        return _problem(409, f"{error}: read it again and repeat the change")
    except StoreUnavailable as error:
        return _problem(503, str(error))
    except web.HTTPRequestEntityTooLarge:
        return _problem(413, f"The request body is larger than {BODY_LIMIT} bytes, the most that a cron may have")
    except web.HTTPException as error:
        kept = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return _problem(error.status, error.reason, kept)
    except Exception:
        if request.transport is None or request.transport.is_closing():
            raise
        logger.exception("%s %s failed", request.method, request.path)
        return _problem(500, "Internal Server Error")
