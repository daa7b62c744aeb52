"""The routes of `/graphcron/v1`. No path below it is ever the Agent Server's."""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from graphcron.facade.v1.backfills import BackfillHandlers
from graphcron.facade.v1.links import BASE, COSTS, CRONS

CRON = CRONS + "/{cron_id:[^/]+}"


def v1_routes(handlers: BackfillHandlers) -> list[web.RouteDef]:
    """In order: a path with another method stops at the second half."""
    reads, acts = (hdrs.METH_GET, hdrs.METH_HEAD), ("run", "pause", "resume")
    return [
        web.get(COSTS, handlers.costs),
        web.get(CRONS, handlers.list),
        web.get(CRON, handlers.get),
        web.get(f"{CRON}/firings", handlers.firings),
        web.get(f"{CRON}/backfills", handlers.backfills),
        web.post(f"{CRON}/backfills", handlers.start_backfill),
        web.get(f"{CRON}/backfills/{{name:[^/]+}}", handlers.backfill),
        web.delete(f"{CRON}/backfills/{{name:[^/]+}}", handlers.end_backfill),
        *(web.post(f"{CRON}/{act}", getattr(handlers, act)) for act in acts),
        web.route("*", COSTS, only(*reads)),
        web.route("*", CRONS, only(*reads)),
        web.route("*", CRON, only(*reads)),
        web.route("*", f"{CRON}/firings", only(*reads)),
        web.route("*", f"{CRON}/backfills", only(*reads, hdrs.METH_POST)),
        web.route("*", f"{CRON}/backfills/{{name:[^/]+}}", only(*reads, hdrs.METH_DELETE)),
        *(web.route("*", f"{CRON}/{act}", only(hdrs.METH_POST)) for act in acts),
        web.route("*", f"{BASE}{{rest:(/.*)?}}", _nothing),
    ]


def only(*methods: str) -> Handler:
    """A handler that refuses all methods, and names these."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse


async def _nothing(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound
