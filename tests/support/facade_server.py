"""The facade on a real socket, in front of a store and, when there is one, an upstream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from graphcron.facade.app import connected, make_app
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import Mode
from graphcron.facade.handlers import Resolver
from graphcron.facade.main import start
from graphcron.facade.resolver import addresses_of
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.store import Store

WAIT = 10.0
"""Seconds after which a test gives up; none waits for it when all is well."""

MINIMAL = {"assistant_id": "agent", "schedule": "27 15 * * *"}

SETTINGS = FacadeSettings.read({"GRAPHCRON_NAMESPACE": "team", "GRAPHCRON_WEBHOOK_HOSTS": "any"})


@asynccontextmanager
async def application(
    store: Store,
    agent_server_url: str | None = None,
    mode: Mode = Mode.OPEN,
    auth: dict[str, Any] | None = None,
    resolver: Resolver = addresses_of,
    **settings: Any,
) -> AsyncIterator[web.Application]:
    """`auth` are fields of Authentication, `settings` of FacadeSettings."""
    given = SETTINGS.model_copy(update=settings | {"agent_server_url": agent_server_url, "auth_mode": mode})
    async with connected(given) as upstream:
        yield make_app(
            given, store, Authentication(mode, **(auth or {})), upstream, lambda: datetime.now(UTC), resolver
        )


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """The URL of an application while it serves."""
    runner = await start(app, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(*what: Any, **options: Any) -> AsyncIterator[str]:
    """The URL of an `application` while it serves."""
    async with application(*what, **options) as app, listening(app) as url:
        yield url


class Client:
    """Calls with JSON or bytes and returns status, JSON and headers."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def call(self, method: str, path: str, json: object = None, **options: Any) -> tuple[int, Any, Any]:
        if json is not None:
            options["json"] = json
        url = URL(self.url + path, encoded=True)  # byte for byte: paths are what some tests are about
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            text = await response.text()
            given = await response.json() if response.content_type == "application/json" and text else text
            return response.status, given, response.headers


async def made(client: Client, **fields: Any) -> dict[str, Any]:
    status, cron, _ = await client.call("POST", "/runs/crons", MINIMAL | fields)
    assert status == 200
    return dict(cron)


async def raw(url: str, request: bytes) -> bytes:
    """The answer to bytes that no well-behaved client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), WAIT)
    writer.close()
    await writer.wait_closed()
    return answer
