"""Serves LangGraph's cron endpoints over GraphCrons, and everything else over to the Agent Server: one URL for the SDK.

The facade keeps no state, so any number of them may run and any may be killed.
"""

import asyncio
import logging
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from prometheus_client.aiohttp import make_aiohttp_handler

from graphcron import access, logs, openapi, store
from graphcron.access import API_KEY_HEADER, NO_QUOTA, Caller, Keys, Mode, Quota
from graphcron.api_keys import InvalidKeys, KeyDirectory
from graphcron.body import BODY_LIMIT, RestError
from graphcron.cache import CachedStore
from graphcron.cors import Origins, is_preflight
from graphcron.environ import InvalidSettings
from graphcron.facade_settings import FacadeSettings
from graphcron.kube.client import Kube
from graphcron.observing import OWNER, PASSED_THROUGH, FacadeMetrics, observed, say_id
from graphcron.passthrough import AgentServer
from graphcron.paths import is_literal_cron_path, reaches_crons
from graphcron.routes import CALLER, AddressesOf, Routes, json_answer
from graphcron.store import KubeStore, Store
from graphcron.tokens import TokenReviews

logger = logging.getLogger(__name__)

CallerOf = Callable[[Sequence[str]], Awaitable[Caller]]

WARNINGS = {
    Mode.OPEN: "auth mode open: whoever reaches this facade sees, changes and deletes every cron of the namespace",
    Mode.CLOSED: "no auth mode is set, so nobody may use crons here: set facade.auth.mode of the chart",
}

RETRY_AFTER_SECONDS = 5

LOOKUP_SECONDS = 5.0
"""For the addresses of a webhook's host."""

SHUTDOWN_SECONDS = 20.0
"""For requests under way; Kubernetes kills 30 seconds after it asked."""


def main(environ: Mapping[str, str]) -> None:
    """The `graphcron facade` command: serves until SIGTERM or SIGINT, then finishes what it accepted."""
    settings = FacadeSettings.read(environ)
    logs.configure(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings))


async def _serve(settings: FacadeSettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    logging.getLogger("aiohttp.server").addFilter(without_quotes)
    keys, metrics, draining = _keys(settings), FacadeMetrics(), asyncio.Event()
    async with Kube.connect() as kube, _store(kube, settings, metrics) as crons:
        app = make_app(
            crons,
            settings.agent_server_url,
            ca_file=settings.ca_file,
            mode=settings.auth_mode,
            keys=keys,
            caller_of=TokenReviews(kube, settings.token_audience).caller,
            forward_api_key=settings.forward_api_key,
            quota=settings.quota,
            origins=Origins(settings.cors_origins),
            metrics=metrics,
            draining=draining,
            addresses_of=addresses_of if settings.check_webhook_hosts else None,
        )
        scraped = await start(metrics_app(metrics), settings.host, settings.metrics_port)
        runner = await start(app, settings.host, settings.port)
        logger.info(
            "serving crons of namespace %s on port %d, all else from %s",
            settings.namespace,
            settings.port,
            settings.agent_server_url or "nowhere",
        )
        if settings.agent_server_url is None:
            logger.warning("no Agent Server is configured: threads and assistants of new crons are not checked")
        if settings.auth_mode in WARNINGS:
            logger.warning(WARNINGS[settings.auth_mode])
        try:
            await stopped.wait()
            # Kubernetes takes a while to send nobody here any more: until then they are served.
            draining.set()
            logger.info("told to stop: not ready any more, listening for %g s yet", settings.shutdown_delay)
            await asyncio.sleep(settings.shutdown_delay)
        finally:
            await runner.cleanup()
            await scraped.cleanup()


@asynccontextmanager
async def _store(kube: Kube, settings: FacadeSettings, metrics: FacadeMetrics) -> AsyncIterator[Store]:
    if settings.writes_config_map is None:
        yield KubeStore(kube, settings.namespace)
        return
    async with CachedStore(kube, settings.namespace, settings.writes_config_map).watching() as crons:
        metrics.observe_cache(crons.age)
        yield crons


async def addresses_of(host: str) -> Sequence[str]:
    """As the system looks hosts up: by /etc/hosts and DNS."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label of more than 63 characters is a UnicodeError
        return []
    return sorted({str(address[0]) for *_, address in found})


def without_quotes(record: logging.LogRecord) -> bool:
    """For the log of aiohttp, which tells of what is no HTTP with a traceback that quotes it: a header with a key, or a
    path with a query."""
    if record.exc_info and isinstance(error := record.exc_info[1], HttpProcessingError):
        record.msg, record.args = "a request that is no HTTP was refused: %s", (type(error).__name__,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def _keys(settings: FacadeSettings) -> Callable[[], Keys]:
    if settings.keys_dir is None or settings.auth_mode is not Mode.API_KEYS:
        return Keys
    try:
        return KeyDirectory(Path(settings.keys_dir)).keys
    except InvalidKeys as invalid:
        raise InvalidSettings(f"the Secret with the API keys ({settings.keys_dir}) cannot be used: {invalid}") from None


async def start(app: web.Application, host: str | None, port: int) -> web.AppRunner:
    """Listens. A client that leaves cancels its request, and bodies stay as they came: both matter to streams."""
    runner = web.AppRunner(
        app, handler_cancellation=True, auto_decompress=False, shutdown_timeout=SHUTDOWN_SECONDS, access_log=None
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def make_app(
    crons: Store,
    agent_server_url: str | None,
    now: Callable[[], datetime] | None = None,
    ca_file: str | None = None,
    *,
    mode: Mode = Mode.CLOSED,
    keys: Callable[[], Keys] = Keys,
    caller_of: CallerOf | None = None,
    forward_api_key: bool = True,
    quota: Quota = NO_QUOTA,
    origins: Origins = Origins(),  # noqa: B008  frozen
    metrics: FacadeMetrics | None = None,
    draining: asyncio.Event | None = None,
    addresses_of: AddressesOf | None = None,
) -> web.Application:
    """The facade in front of a store. `now` is the clock; `ca_file` holds the authority that the Agent Server's
    certificate is judged by, instead of the system's. `keys` gives the API keys that count now, `caller_of` who sent
    an Authorization header, in mode tokenReview. Without `forward_api_key` the Agent Server never sees the caller's;
    tokens of Kubernetes it never sees. `origins` are the pages that browsers let call. Once `draining` is set it is
    not ready any more. By `addresses_of` hosts of webhooks are checked."""
    metrics = metrics or FacadeMetrics()
    clock = now or (lambda: datetime.now(UTC))
    routes = Routes(crons, clock, quota, openapi.document(mode), metrics.conflicts.inc, draining, addresses_of)
    middlewares = [
        observed(metrics, _route_of(routes), frozenset(PROBES)),
        _browsers(origins, routes),
        _answer_errors,
        _guard_paths,
        _identify(mode, keys, caller_of, routes),
    ]
    app = web.Application(middlewares=middlewares, client_max_size=BODY_LIMIT)
    if agent_server_url is not None:
        url = agent_server_url

        async def connect(_: web.Application) -> AsyncIterator[None]:
            withheld = frozenset() if forward_api_key else frozenset({API_KEY_HEADER})
            if mode is Mode.TOKEN_REVIEW:
                withheld |= {"authorization"}  # whoever has it may do at the apiserver what its owner may
            async with AgentServer.connect(url, ca_file, withheld) as routes.agent_server:
                yield

        app.cleanup_ctx.append(connect)

    app.on_response_prepare.append(say_id)
    own = (*PROBES, "/openapi.json")
    on_id = (hdrs.METH_DELETE, hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_PATCH)
    any_id, thread_id = "/runs/crons/{cron_id:[^/]+}", "/threads/{thread_id:[^/]+}/runs/crons"
    app.add_routes(
        [
            web.get("/healthz", routes.healthz),
            web.get("/readyz", routes.readyz),
            web.get("/openapi.json", routes.openapi),
            web.post("/runs/crons", routes.create),
            web.post(thread_id, routes.create_for_thread),
            # Before the ids: `search` and `count` are none. With other methods they are, and no UUIDs.
            web.post("/runs/crons/search", routes.search),
            web.post("/runs/crons/count", routes.count),
            web.get(any_id, routes.get),
            web.patch(any_id, routes.patch),
            web.delete(any_id, routes.delete),
            # Other methods stop here, or the last line would pass them on.
            web.route("*", "/runs/crons", _only(hdrs.METH_POST)),
            web.route("*", thread_id, _only(hdrs.METH_POST)),
            web.route("*", "/runs/crons/{reserved:search|count}", _only(*on_id, hdrs.METH_POST)),
            web.route("*", any_id, _only(*on_id)),
            *(web.route("*", path, _only(hdrs.METH_GET, hdrs.METH_HEAD)) for path in own),
            web.route("*", "/{path:.*}", routes.pass_through),
        ]
    )
    return app


def metrics_app(metrics: FacadeMetrics) -> web.Application:
    """What Prometheus asks, on a port of its own: on the other one `/metrics` is the Agent Server's."""
    app = web.Application()
    app.add_routes([web.get("/metrics", make_aiohttp_handler(metrics.registry))])
    return app


PROBES = ("/healthz", "/readyz")


def _route_of(routes: Routes) -> Callable[[web.Request], str]:
    """The route's template, of which there are few."""

    def route_of(request: web.Request) -> str:
        resource = request.match_info.route.resource
        if resource is None or request.match_info.handler == routes.pass_through:
            return PASSED_THROUGH
        return re.sub(r":[^{}]*}", "}", resource.canonical)

    return route_of


def _browsers(origins: Origins, routes: Routes) -> Middleware:
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


def _only(*methods: str) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return json_answer({"detail": detail}, status, retry | (headers or {}))


@web.middleware
async def _guard_paths(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Odd spellings of cron paths are nobody's: neither ours nor the Agent Server's."""
    if reaches_crons(request.raw_path) and not is_literal_cron_path(request.raw_path):
        raise RestError(404, "Not Found")
    return await handler(request)


def _identify(mode: Mode, keys: Callable[[], Keys], caller_of: CallerOf | None, routes: Routes) -> Middleware:
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
            request[CALLER] = access.NOBODY
            return await handler(request)
        if mode is Mode.TOKEN_REVIEW and caller_of:
            caller = await caller_of(request.headers.getall(hdrs.AUTHORIZATION, []))
        else:
            caller = access.identify(mode, keys(), request.headers.getall(API_KEY_HEADER, []))
        if called not in (routes.openapi, routes.pass_through):
            access.check_crons(caller)
        request[CALLER] = caller
        if caller.owner:
            request[OWNER] = caller.owner
        return await handler(request)

    return identify


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error is JSON with one `detail`."""
    try:
        return await handler(request)
    except RestError as error:
        return _problem(error.status, error.detail)
    except store.Missing:
        return _problem(404, "Not Found")
    except store.Refused as error:
        return _problem(422, str(error))
    except store.Changed as error:
        return _problem(409, f"{error}: read it again and repeat the change")
    except store.Unavailable as error:
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
