"""The facade's app: LangGraph's cron endpoints over GraphCrons, everything else from the Agent Server.

The facade keeps no state, so any number of them may run and any may be killed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from prometheus_client.aiohttp import make_aiohttp_handler

from graphcron.facade.auth.callers import API_KEY_HEADER, Keys, Mode
from graphcron.facade.cors import Origins
from graphcron.facade.handlers import AddressesOf, Routes
from graphcron.facade.metrics import FacadeMetrics
from graphcron.facade.middleware import (
    CallerOf,
    allow_browsers,
    answer_errors,
    guard_paths,
    identify_callers,
    route_template_of,
)
from graphcron.facade.openapi import document
from graphcron.facade.proxy.upstream import AgentServer
from graphcron.facade.quota import NO_QUOTA, Quota
from graphcron.facade.request_log import observed, say_id
from graphcron.facade.schemas import BODY_LIMIT
from graphcron.facade.store.store import Store


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
    routes = Routes(crons, clock, quota, document(mode), metrics.conflicts.inc, draining, addresses_of)
    middlewares = [
        observed(metrics, route_template_of(routes), frozenset(PROBES)),
        allow_browsers(origins, routes),
        answer_errors,
        guard_paths,
        identify_callers(mode, keys, caller_of, routes),
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


def _only(*methods: str) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse
