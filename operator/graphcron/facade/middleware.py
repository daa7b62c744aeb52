"""The facade's middlewares: request paths, callers, CORS, and errors as JSON."""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from graphcron.facade.auth import callers
from graphcron.facade.auth.callers import API_KEY_HEADER, NOBODY, Caller, Keys, Mode, check_crons
from graphcron.facade.cors import Origins, is_preflight
from graphcron.facade.errors import RestError
from graphcron.facade.handlers import CALLER, Routes, json_answer
from graphcron.facade.proxy.path_guard import is_literal_cron_path, reaches_crons
from graphcron.facade.request_log import OWNER, PASSED_THROUGH
from graphcron.facade.schemas import BODY_LIMIT
from graphcron.facade.store.store import Changed, Missing, Refused, Unavailable

logger = logging.getLogger(__name__)

CallerOf = Callable[[Sequence[str]], Awaitable[Caller]]

RETRY_AFTER_SECONDS = 5


def route_template_of(routes: Routes) -> Callable[[web.Request], str]:
    """The route's template, of which there are few."""

    def route_of(request: web.Request) -> str:
        resource = request.match_info.route.resource
        if resource is None or request.match_info.handler == routes.pass_through:
            return PASSED_THROUGH
        return re.sub(r":[^{}]*}", "}", resource.canonical)

    return route_of


def allow_browsers(origins: Origins, routes: Routes) -> Middleware:
    """Preflights of cron endpoints are answered here, and answers say which page may read them."""

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.handler == routes.pass_through and not reaches_crons(request.raw_path):
            return await handler(request)
        if is_preflight(request.method, request.headers):
            return web.Response(text="OK", headers=origins.preflight(request.headers))
        response = await handler(request)
        response.headers.update(origins.headers(request.headers))
        return response

    return allow


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return json_answer({"detail": detail}, status, retry | (headers or {}))


@web.middleware
async def guard_paths(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Odd spellings of cron paths are nobody's: neither ours nor the Agent Server's."""
    if reaches_crons(request.raw_path) and not is_literal_cron_path(request.raw_path):
        raise RestError(404, "Not Found")
    return await handler(request)


def identify_callers(mode: Mode, keys: Callable[[], Keys], caller_of: CallerOf | None, routes: Routes) -> Middleware:
    """Nothing but the probes is answered before it is known who asks. Without a mode everything but crons is."""
    probes = (routes.healthz, routes.readyz)

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Not by path: paths have many spellings, handlers have none.
        called = request.match_info.handler
        if called in probes:
            return await handler(request)
        if called == routes.pass_through and is_preflight(request.method, request.headers):
            # A browser sends no key with it, and does nothing but ask.
            request[CALLER] = NOBODY
            return await handler(request)
        if mode is Mode.TOKEN_REVIEW and caller_of:
            caller = await caller_of(request.headers.getall(hdrs.AUTHORIZATION, []))
        else:
            caller = callers.identify(mode, keys(), request.headers.getall(API_KEY_HEADER, []))
        if called not in (routes.openapi, routes.pass_through):
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
        return _problem(error.status, error.detail)
    except Missing:
        return _problem(404, "Not Found")
    except Refused as error:
        return _problem(422, str(error))
    except Changed as error:
        return _problem(409, f"{error}: read it again and repeat the change")
    except Unavailable as error:
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
