"""A receiver of webhooks on a real socket, that can fail, hang, go away and come back at the same port."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from aiohttp import web


class Got(NamedTuple):
    """One request, whatever was answered."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    accepted: bool

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class WebhookReceiver:
    """`mode` is ok, fail, hang, redirect, or lose: it takes the message, and breaks off before it answers."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.lose_next = 0
        """As many messages as it loses before it takes one."""
        self.got: list[Got] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> list[Got]:
        return [got for got in self.got if got.accepted]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        mode = self.mode
        if self.lose_next and mode == "ok":
            self.lose_next -= 1
            mode = "lose"
        now = asyncio.get_running_loop().time()
        self.got.append(Got(now, request.path, dict(request.headers), body, mode in ("ok", "lose")))
        match mode:
            case "hang":
                await asyncio.sleep(3600)
            case "lose":
                assert request.transport
                request.transport.abort()
            case "redirect":
                raise web.HTTPFound("/elsewhere")
        return web.Response(status=200 if mode in ("ok", "lose") else 503, text="a secret of the receiver")


@contextlib.asynccontextmanager
async def webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()
