"""A proxy before a real apiserver that does to the operator what networks and busy apiservers do: it cuts watches, lets
their versions expire, turns new ones away, and answers writes with 409, 429 and 500. It counts the writes that came
through."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

_EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
_DROPPED = ("Host", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Authorization", "Accept-Encoding")
"""Headers that belong to one of the two connections."""


class UnrulyProxy:
    """`refusals` are the statuses that the next writes are answered with; Leases are left alone."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self._url = url
        self._trust = trust
        self._session: aiohttp.ClientSession
        self._watches: set[asyncio.Task[object]] = set()
        self.refusals: list[int] = []
        self.blind = False
        """No new watch and no list is answered: changes go unseen."""
        self.writes: list[str] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=True) as self._session,
            TestServer(app) as server,
        ):
            yield str(server.make_url("")).rstrip("/")
            self.cut()

    def cut(self) -> None:
        """End every watch, as a proxy that was restarted does."""
        for task in self._watches:
            task.cancel()

    def expire(self) -> None:
        """End every watch by saying that its version is too old: its client has to list anew."""
        for task in self._watches:
            task.cancel("expired")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        is_watch = "watch" in request.query
        if self.blind and (is_watch or "limit" in request.query):
            return web.json_response({"kind": "Status", "code": 503, "message": "blind"}, status=503)
        is_write = request.method != "GET" and "/leases" not in request.path
        if is_write and self.refusals:
            status = self.refusals.pop(0)
            return web.json_response(
                {"kind": "Status", "code": status, "message": "unruly"}, status=status, headers={"Retry-After": "1"}
            )
        headers = {name: value for name, value in request.headers.items() if name not in _DROPPED}
        try:
            async with self._session.request(
                request.method, self._url + request.path_qs, headers=headers, data=await request.read() or None,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            ) as answer:  # fmt: skip
                if is_watch:
                    return await self._watch(request, answer)
                body = await answer.read()
        except aiohttp.ClientError as error:
            return web.json_response({"kind": "Status", "code": 502, "message": str(error)}, status=502)
        if is_write and answer.status < 300 and "/events" not in request.path:
            self.writes.append(f"{request.method} {request.path}")
        return web.Response(status=answer.status, body=body, content_type=answer.content_type)

    async def _watch(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
        await response.prepare(request)
        task = asyncio.current_task()
        assert task
        self._watches.add(task)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
        except asyncio.CancelledError as cancelled:
            if cancelled.args == ("expired",):
                await response.write(json.dumps(_EXPIRED).encode() + b"\n")
            else:
                raise
        except aiohttp.ClientError:
            pass
        finally:
            self._watches.discard(task)
        return response
