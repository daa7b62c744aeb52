"""A small Agent Server as the facade meets one: threads, assistants, a stream, and an echo of what arrived.

A real aiohttp server on a real socket. It records every request line, so a test can say what never came through.
"""

import asyncio
import uuid
from typing import Any

from aiohttp import WSMsgType, web

AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"


class UpstreamFake:
    """`seen` are the request lines and headers as they arrived."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.threads: set[str] = set()
        self.assistants: set[str] = {AGENT}
        self.threads_of: dict[str, set[str]] = {}
        """Threads that go with an assistant when it is deleted with its threads."""
        self.metadata_of: dict[str, dict[str, Any]] = {}
        """Of threads that a search without ids may find."""
        self.search_status = 200
        self.search_status_once_pruned = 200
        self.lookup_status: int | None = None
        """When set, the answer to each question for a thread or an assistant."""
        self.lookup_body = b'{"detail": "no"}'
        self.next_event = asyncio.Event()
        self.stream_ended = asyncio.Event()
        self.socket_closed_with: int | None = None
        self.flooded_mib = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        app = web.Application(client_max_size=2**30)
        app.add_routes(
            [
                web.post("/threads", self._create_thread),
                web.post("/threads/search", self._search_threads),
                web.post("/threads/prune", self._prune_threads),
                web.route("*", "/{kind:threads|assistants}/{id}", self._thing),
                web.post("/runs/stream", self._stream),
                web.get("/socket", self._socket),
                web.get("/flood", self._flood),
                web.post("/upload", self._upload),
                web.get("/broken", self._broken),
                web.get("/redirect", self._redirect),
                web.get("/compressed", self._compressed),
                web.route("*", "/{path:.*}", self._echo),
            ]
        )
        self._runner = web.AppRunner(
            app, handler_cancellation=True, auto_decompress=False, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _record(self, request: web.Request) -> None:
        self.seen.append((f"{request.method} {request.raw_path}", dict(request.headers)))

    async def _create_thread(self, request: web.Request) -> web.Response:
        self._record(request)
        thread = str(uuid.uuid4())
        self.threads.add(thread)
        return web.json_response({"thread_id": thread})

    async def _search_threads(self, request: web.Request) -> web.Response:
        self._record(request)
        query = await request.json()
        if "ids" not in query:
            wanted = query["metadata"].items()
            return web.json_response(
                [{"thread_id": thread} for thread, has in self.metadata_of.items() if wanted <= has.items()]
            )
        wanted = query["ids"]
        found = [{"thread_id": thread} for thread in wanted if thread in self.threads]
        return web.json_response(found if self.search_status == 200 else {"detail": "no"}, status=self.search_status)

    async def _prune_threads(self, request: web.Request) -> web.Response:
        self._record(request)
        pruned = self.threads & set((await request.json())["thread_ids"])
        self.threads -= pruned
        self.search_status = self.search_status_once_pruned
        return web.json_response({"pruned_count": len(pruned)})

    async def _thing(self, request: web.Request) -> web.Response:
        self._record(request)
        things = self.threads if request.match_info["kind"] == "threads" else self.assistants
        if self.lookup_status is not None:
            return web.Response(status=self.lookup_status, body=self.lookup_body)
        if request.match_info["id"] not in things:
            return web.json_response({"detail": "Not Found"}, status=404)
        if request.method == "DELETE":
            things.remove(request.match_info["id"])
            if request.query.get("delete_threads") == "true":
                self.threads -= self.threads_of.get(request.match_info["id"], set())
            return web.Response(status=204)
        return web.json_response({})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """One event at once, the next when the test says so; records its end, also by cancellation."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(b"data: 1\n\n")
            await self.next_event.wait()
            await response.write(b"data: 2\n\n")
        finally:
            self.stream_ended.set()
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        """Repeats what it hears; `close CODE REASON` it obeys, and at `break` it drops the line."""
        self._record(request)
        socket = web.WebSocketResponse(protocols=["second", "third"], max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            elif message.data == "break":
                assert request.transport is not None
                request.transport.abort()
            elif message.data.startswith("close "):
                _, code, reason = message.data.split(" ", 2)
                await socket.close(code=int(code), message=reason.encode())
            else:
                await socket.send_str(message.data)
        self.socket_closed_with = socket.close_code
        self.stream_ended.set()
        return socket

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        """More than anybody's buffers hold; counts what it could get rid of."""
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(1024):
                await response.write(bytes(1024 * 1024))
                self.flooded_mib += 1
        finally:
            self.stream_ended.set()
        return response

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Answers each piece of the body as it arrives with its length so far."""
        response = web.StreamResponse()
        await response.prepare(request)
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
            await response.write(f"{size}\n".encode())
        return response

    async def _broken(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async def _redirect(self, request: web.Request) -> web.Response:
        headers = {"Location": f"http://{request.host}/elsewhere?a=1"}
        if "away" in request.query:
            headers["Location"] = "https://example.com/elsewhere"
        return web.Response(status=307, headers=headers)

    async def _compressed(self, request: web.Request) -> web.Response:
        return web.Response(body=b"not really gzip", headers={"Content-Encoding": "gzip", "Content-Type": "text/x"})

    async def _echo(self, request: web.Request) -> web.Response:
        self._record(request)
        answer: dict[str, Any] = {
            "line": f"{request.method} {request.raw_path}",
            "headers": dict(request.headers),
            "body": (await request.read()).hex(),
        }
        response = web.json_response(answer)
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["Connection"] = "X-Private"
        response.headers["X-Private"] = "hop"
        response.headers["X-Kept"] = "end"
        return response
