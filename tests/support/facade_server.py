"""The facade on a real socket, in front of a store and, when there is one, an upstream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from graphcron.facade.app import make_app
from graphcron.facade.auth.callers import Mode
from graphcron.facade.main import start
from graphcron.facade.store.store import Store


@asynccontextmanager
async def serving(
    store: Store, agent_server_url: str | None, mode: Mode = Mode.OPEN, **options: Any
) -> AsyncIterator[str]:
    """Its URL while it serves. `options` are those of `facade.app.make_app`."""
    runner = await start(make_app(store, agent_server_url, mode=mode, **options), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


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
