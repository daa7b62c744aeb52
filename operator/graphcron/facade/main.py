"""The facade process: builds the app from its settings, listens, and stops without losing a request."""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import web

from graphcron import http_server, logs
from graphcron.environ import InvalidSettings, cannot_listen
from graphcron.facade.app import DRAINING, METRICS, connected, make_app, metrics_app
from graphcron.facade.auth.api_keys import InvalidKeys, KeyDirectory
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import Keys, Mode
from graphcron.facade.auth.token_review import TokenReviews
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.cached_store import CachedStore
from graphcron.http_server import DEFAULT_LIMITS, Limits
from graphcron.kube.client import Kube

logger = logging.getLogger(__name__)

WARNINGS = {
    Mode.OPEN: "auth mode open: whoever reaches this facade sees, changes and deletes every cron of the namespace",
    Mode.CLOSED: "no auth mode is set, so nobody may use crons here: set facade.auth.mode of the chart",
}

SHUTDOWN_SECONDS = 20.0
"""For requests in progress; Kubernetes kills a pod 30 seconds after SIGTERM."""


def main(environ: Mapping[str, str]) -> None:
    """The `graphcron facade` command: serves until SIGTERM or SIGINT, then finishes what it accepted.

    Raises CannotStart and NoCluster."""
    settings = FacadeSettings.read(environ)
    logs.configure(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings))


async def _serve(settings: FacadeSettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    keys = _keys(settings)
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(Kube.connect())
        upstream = await stack.enter_async_context(connected(settings))
        store = CachedStore(kube, settings.namespace)
        auth = Authentication(settings.auth_mode, keys, TokenReviews(kube, settings.token_audience).caller)
        app = make_app(settings, store, auth, upstream, _now, console=_console(settings, store, auth))
        app[METRICS].observe_cache(store.age)
        # The ports first: a process that cannot have them has not begun anything yet.
        scraped = await start(
            metrics_app(app[METRICS]), settings.host, settings.metrics_port, variable="GRAPHCRON_METRICS_PORT"
        )
        stack.push_async_callback(scraped.cleanup)
        runner = await start(app, settings.host, settings.port, settings.limits)
        await stack.enter_async_context(store.watching())
        stack.push_async_callback(runner.cleanup)
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
        await stopped.wait()
        # Kubernetes takes a while to remove this endpoint; until then requests that come here are served.
        app[DRAINING].set()
        logger.info("stopping: not ready, accepting requests for %g s more", settings.shutdown_delay)
        await asyncio.sleep(settings.shutdown_delay)


def _console(settings: FacadeSettings, store: CachedStore, auth: Authentication) -> web.Application | None:
    if not settings.console:
        return None
    from graphcron.facade.console import make_facade_console  # its libraries take ten megabytes

    return make_facade_console(settings, store, auth, _now)


def _now() -> datetime:
    return datetime.now(UTC)


def _keys(settings: FacadeSettings) -> Callable[[], Keys]:
    if settings.keys_dir is None or settings.auth_mode is not Mode.API_KEYS:
        return Keys
    try:
        return KeyDirectory(Path(settings.keys_dir)).keys
    except InvalidKeys as invalid:
        raise InvalidSettings(f"the Secret with the API keys ({settings.keys_dir}) cannot be used: {invalid}") from None


async def start(
    app: web.Application,
    host: str | None,
    port: int,
    limits: Limits = DEFAULT_LIMITS,
    variable: str = "GRAPHCRON_PORT",
) -> web.AppRunner:
    """Listens on the port that this variable has. Raises CannotStart. A client that leaves cancels its request, and
    bodies stay as they came: both matter to streams."""
    try:
        return await http_server.listen(
            app,
            host,
            port,
            limits,
            handler_cancellation=True,
            auto_decompress=False,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
    except OSError as error:
        raise cannot_listen(error, port, variable, host) from None
