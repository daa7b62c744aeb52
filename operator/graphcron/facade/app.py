"""The facade's application: LangGraph's cron endpoints over GraphCrons, every other path from the Agent Server.

It keeps no state, so any number of facades may run and any may be killed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import hdrs, web
from prometheus_client.aiohttp import make_aiohttp_handler

from graphcron.environ import CannotStart
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import API_KEY_HEADER, Mode
from graphcron.facade.cors import Origins
from graphcron.facade.handlers import Clock, Handlers, Resolver
from graphcron.facade.metrics import FacadeMetrics
from graphcron.facade.middleware import (
    ANY_PATH,
    CONSOLE,
    OPENAPI,
    PROBES,
    allow_browsers,
    answer_errors,
    guard_paths,
    identify_callers,
    refuse_crowds,
    route_of,
)
from graphcron.facade.pass_through import PassThrough
from graphcron.facade.proxy.upstream import Upstream
from graphcron.facade.request_log import observed, say_id
from graphcron.facade.resolver import addresses_of
from graphcron.facade.schemas import BODY_LIMIT
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.store import Store
from graphcron.facade.v1.backfills import BackfillHandlers
from graphcron.facade.v1.routes import only, v1_routes

METRICS = web.AppKey("metrics", FacadeMetrics)
DRAINING = web.AppKey("draining", asyncio.Event)
"""Once it is set, `/readyz` answers 503."""


def make_app(
    settings: FacadeSettings,
    store: Store,
    auth: Authentication,
    upstream: Upstream | None,
    clock: Clock,
    resolver: Resolver = addresses_of,
    console: web.Application | None = None,
) -> web.Application:
    """The application in front of a store. `upstream` is None when there is no Agent Server, `console` when its path is
    the Agent Server's as any other."""
    metrics, draining = FacadeMetrics(), asyncio.Event()
    handlers = Handlers(settings, store, upstream, clock, resolver, metrics.conflicts.inc, draining)
    middlewares = [
        observed(metrics, route_of, frozenset(PROBES)),
        allow_browsers(Origins(settings.cors_origins)),
        answer_errors,
        refuse_crowds,
        guard_paths,
        identify_callers(auth),
    ]
    app = web.Application(middlewares=middlewares, client_max_size=BODY_LIMIT)
    app[METRICS], app[DRAINING] = metrics, draining
    app.on_response_prepare.append(say_id)
    if console is not None:
        app.add_subapp(CONSOLE, console)
    app.add_routes(v1_routes(BackfillHandlers(settings, store, clock)))
    app.add_routes(_routes(handlers, PassThrough(store, upstream)))  # last: it passes on what is nobody's
    return app


def _routes(handlers: Handlers, pass_through: PassThrough) -> list[web.RouteDef]:
    on_id = (hdrs.METH_DELETE, hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_PATCH)
    any_id, thread_id = "/runs/crons/{cron_id:[^/]+}", "/threads/{thread_id:[^/]+}/runs/crons"
    return [
        web.get("/healthz", handlers.healthz),
        web.get("/readyz", handlers.readyz),
        web.get(OPENAPI, handlers.openapi),
        web.post("/runs/crons", handlers.create),
        web.post(thread_id, handlers.create_for_thread),
        # Before the ids: `search` and `count` are none. With other methods they are, and no UUIDs.
        web.post("/runs/crons/search", handlers.search),
        web.post("/runs/crons/count", handlers.count),
        web.get(any_id, handlers.get),
        web.patch(any_id, handlers.patch),
        web.delete(any_id, handlers.delete),
        # Other methods stop here, or the last line would pass them on.
        web.route("*", "/runs/crons", only(hdrs.METH_POST)),
        web.route("*", thread_id, only(hdrs.METH_POST)),
        web.route("*", "/runs/crons/{reserved:search|count}", only(*on_id, hdrs.METH_POST)),
        web.route("*", any_id, only(*on_id)),
        *(web.route("*", path, only(hdrs.METH_GET, hdrs.METH_HEAD)) for path in (*PROBES, OPENAPI)),
        web.route("*", ANY_PATH, pass_through.handle),
    ]


@asynccontextmanager
async def connected(settings: FacadeSettings) -> AsyncIterator[Upstream | None]:
    """The Agent Server of these settings; None when they name none. Raises CannotStart."""
    if settings.agent_server_url is None:
        yield None
        return
    withheld = frozenset() if settings.forward_api_key else frozenset({API_KEY_HEADER})
    if settings.auth_mode is Mode.TOKEN_REVIEW:
        withheld |= {"authorization"}  # with it the Agent Server could do at the apiserver what its owner may
    async with AsyncExitStack() as stack:
        try:
            connection = Upstream.connect(
                settings.agent_server_url, settings.ca_file, withheld, settings.proxy, settings.body_timeout
            )
            upstream = await stack.enter_async_context(connection)
        except OSError as error:
            raise CannotStart(
                f"the file {settings.ca_file} cannot be used ({error.strerror or error}): AGENT_SERVER_CA_FILE names "
                "the authority of the Agent Server's certificate"
            ) from None
        except ValueError as error:
            raise CannotStart(str(error)) from None
        yield upstream


def metrics_app(metrics: FacadeMetrics) -> web.Application:
    """`/metrics` for Prometheus, on a port of its own: on the other port that path is the Agent Server's."""
    app = web.Application()
    app.add_routes([web.get("/metrics", make_aiohttp_handler(metrics.registry))])
    return app
