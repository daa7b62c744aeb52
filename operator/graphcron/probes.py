"""The HTTP ports of operator and notifier: liveness and readiness probes on one, Prometheus metrics on the other."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from graphcron import http_server
from graphcron.environ import cannot_listen

LIMITS = http_server.Limits(connections=100)
"""Of each port: kubelet and Prometheus use one or two."""


@contextlib.asynccontextmanager
async def serving(
    *,
    health_port: int,
    metrics_port: int,
    problems: Callable[[], list[str]],
    synced: Callable[[], bool],
    registry: CollectorRegistry,
) -> AsyncIterator[None]:
    """Serve until left: `/healthz` is 503 with the problems that a restart would solve, `/readyz` is 503 until
    everything was listed and is watched, `/metrics` is for Prometheus. Raises CannotStart."""

    async def healthz(_: web.Request) -> web.Response:
        found = problems()
        return web.Response(status=503 if found else 200, text="\n".join(found or ["ok"]) + "\n")

    async def readyz(_: web.Request) -> web.Response:
        ready = synced()
        return web.Response(status=200 if ready else 503, text="ok\n" if ready else "not everything is listed yet\n")

    probes, metrics = web.Application(), web.Application()
    probes.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    metrics.add_routes([web.get("/metrics", make_aiohttp_handler(registry))])
    async with contextlib.AsyncExitStack() as stack:
        for app, port, variable in (
            (probes, health_port, "GRAPHCRON_HEALTH_PORT"),
            (metrics, metrics_port, "GRAPHCRON_METRICS_PORT"),
        ):
            try:
                runner = await http_server.listen(app, None, port, LIMITS)
            except OSError as error:
                raise cannot_listen(error, port, variable) from None
            stack.push_async_callback(runner.cleanup)
        yield
