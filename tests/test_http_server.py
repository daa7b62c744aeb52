"""The HTTP server on real sockets: slow clients, too many of them, and what is no HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web

from graphcron.http_server import RESERVE, Connection, Limits, listen
from tests.support.until import until

WAIT = 20.0
"""Seconds after which a test gives up; none waits for it when all is well."""
QUICK = Limits(connections=5, header_seconds=0.3)
PATIENT = Limits(connections=5, header_seconds=WAIT)


class Server:
    """`/` says whether its connection is one too many, `/held` answers once it is released, `/echo` reads a body."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.port = 0
        self.held = self.echoes = 0
        self.clients: list[asyncio.StreamWriter] = []

    async def root(self, request: web.Request) -> web.Response:
        assert isinstance(request.protocol, Connection)
        return web.Response(text="too many" if request.protocol.is_one_too_many else "ok")

    async def hold(self, _: web.Request) -> web.Response:
        self.held += 1
        await self.release.wait()
        return web.Response(text="released")

    async def echo(self, request: web.Request) -> web.Response:
        self.echoes += 1
        return web.Response(body=await request.read())

    async def broken(self, _: web.Request) -> web.Response:
        raise RuntimeError("hunter2")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    @asynccontextmanager
    async def serving(self, limits: Limits) -> AsyncIterator["Server"]:
        app = web.Application()
        app.add_routes([web.get("/", self.root), web.get("/held", self.hold), web.post("/echo", self.echo)])
        app.add_routes([web.get("/broken", self.broken), web.get("/socket", self.socket)])
        runner = await listen(app, "127.0.0.1", 0, limits)
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            self.release.set()
            for client in self.clients:
                client.close()
                with suppress(ConnectionError):
                    await client.wait_closed()
            await runner.cleanup()

    async def connect(
        self, sent: bytes = b"", of: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """`of` is the client's address."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(of, 0))
        writer.write(sent)
        self.clients.append(writer)
        return reader, writer

    async def answer(self, sent: bytes, of: str = "127.0.0.1") -> bytes:
        """All that comes until the server closes the connection."""
        reader, _ = await self.connect(sent, of)
        return await asyncio.wait_for(reader.read(), WAIT)


@pytest.fixture
async def quick() -> AsyncIterator[Server]:
    async with Server().serving(QUICK) as server:
        yield server


@pytest.fixture
async def patient() -> AsyncIterator[Server]:
    async with Server().serving(PATIENT) as server:
        yield server


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


class TestSlowHeaders:
    async def test_who_sends_nothing_is_disconnected_without_a_word(self, quick: Server) -> None:
        """Browsers connect in advance, and would take an answer for that to their first request."""
        assert await quick.answer(b"") == b""

    @pytest.mark.parametrize("sent", [b"G", HEAD, HEAD + b"x-api-key: hunt"], ids=["G", "head", "key"])
    async def test_half_a_request_is_answered_408_and_closed(self, quick: Server, sent: bytes) -> None:
        head, _, body = (await quick.answer(sent)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body) == {"detail": "The request did not come in time"}

    async def test_one_that_trickles_gets_no_more_time(self, quick: Server) -> None:
        reader, writer = await quick.connect(HEAD)
        async with asyncio.timeout(WAIT):
            # No more than the answer: what is sent after the end resets the connection.
            answer = asyncio.create_task(reader.readuntil(b"}"))
            while not answer.done():
                writer.write(b"x: y\r\n")
                await asyncio.sleep(0.05)
        assert b" 408 " in await answer

    async def test_half_of_a_later_request_is_no_better(self, quick: Server) -> None:
        reader, writer = await quick.connect(HEAD + b"\r\n")
        assert b"ok" in await asyncio.wait_for(reader.readuntil(b"ok"), WAIT)
        writer.write(HEAD)
        assert b" 408 " in await asyncio.wait_for(reader.read(), WAIT)

    async def test_half_of_one_behind_a_slow_answer_is_no_better(self, quick: Server) -> None:
        reader, writer = await quick.connect(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: quick.held == 1, WAIT)
        writer.write(HEAD)
        await asyncio.sleep(2 * QUICK.header_seconds)  # the answer may take as long as it wants
        quick.release.set()
        answer = await asyncio.wait_for(reader.read(), WAIT)
        assert (answer.count(b" 200 OK"), answer.count(b" 408 ")) == (1, 1)

    async def test_an_idle_connection_stays(self, quick: Server) -> None:
        reader, writer = await quick.connect(HEAD + b"\r\n")
        for _ in range(3):
            await asyncio.wait_for(reader.readuntil(b"ok"), WAIT)
            await asyncio.sleep(2 * QUICK.header_seconds)
            writer.write(HEAD + b"\r\n")
        await asyncio.wait_for(reader.readuntil(b"ok"), WAIT)

    async def test_one_whose_last_body_came_after_its_header_stays_as_long(self, quick: Server) -> None:
        """httpx sends a body by itself, and its next request minutes later."""
        reader, writer = await quick.connect(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        await until(lambda: quick.echoes == 1, WAIT)
        writer.write(b"ping")
        await asyncio.wait_for(reader.readuntil(b"ping"), WAIT)
        await asyncio.sleep(2 * QUICK.header_seconds)
        writer.write(HEAD + b"\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"ok"), WAIT)
        assert answer.startswith(b"HTTP/1.1 200 ")

    async def test_a_body_is_for_its_handler_to_wait_for(self, quick: Server) -> None:
        reader, writer = await quick.connect(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        for piece in (b"p", b"i", b"n", b"g"):
            await asyncio.sleep(QUICK.header_seconds)
            writer.write(piece)
        await asyncio.wait_for(reader.readuntil(b"ping"), WAIT)

    async def test_a_websocket_is_no_slow_request(self, quick: Server) -> None:
        url = f"ws://127.0.0.1:{quick.port}/socket"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            for _ in range(2):
                await asyncio.sleep(2 * QUICK.header_seconds)
                await socket.send_str("ping")
                assert await socket.receive_str(timeout=WAIT) == "ping"


HELD = b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
ONCE = HEAD + b"Connection: close\r\n\r\n"


class TestCrowds:
    async def test_those_who_wait_make_room_for_new_ones(self, patient: Server) -> None:
        """The longest waiting first; who comes with a whole request is served."""
        for _ in range(50):
            await patient.connect(HEAD)
        for _ in range(20):
            assert (await patient.answer(ONCE)).endswith(b"ok")

    async def test_no_more_than_the_limit_are_open(self, patient: Server) -> None:
        readers = [(await patient.connect(HEAD))[0] for _ in range(50)]
        await until(lambda: sum(not reader.at_eof() for reader in readers) == PATIENT.connections, WAIT)
        assert [reader.at_eof() for reader in readers[-PATIENT.connections :]] == [False] * PATIENT.connections

    async def test_when_all_are_busy_one_more_is_told_that_it_is_one_too_many(self, patient: Server) -> None:
        busy = [await patient.connect(HELD) for _ in range(PATIENT.connections)]
        await until(lambda: patient.held == len(busy), WAIT)
        assert (await patient.answer(ONCE)).endswith(b"too many")
        patient.release.set()
        for reader, _ in busy:
            await asyncio.wait_for(reader.readuntil(b"released"), WAIT)
        assert (await patient.answer(ONCE)).endswith(b"ok")

    async def test_beyond_the_reserve_nobody_is_let_in(self, patient: Server) -> None:
        busy = [await patient.connect(HELD) for _ in range(PATIENT.connections + RESERVE)]
        await until(lambda: patient.held == len(busy), WAIT)
        with suppress(ConnectionError):
            assert await patient.answer(HEAD + b"\r\n") == b""


class TestOneClient:
    """Of five connections, one client may have two."""

    @pytest.fixture
    async def fair(self) -> AsyncIterator[Server]:
        async with Server().serving(Limits(connections=5, header_seconds=WAIT, per_client=2)) as server:
            yield server

    async def test_one_that_is_busy_with_all_that_it_may_have_leaves_the_others_alone(self, fair: Server) -> None:
        busy = [await fair.connect(HELD) for _ in range(2)]
        await until(lambda: fair.held == len(busy), WAIT)
        assert (await fair.answer(ONCE)).endswith(b"too many")
        assert (await fair.answer(ONCE, of="127.0.0.2")).endswith(b"ok")

    async def test_its_own_idle_ones_make_room_and_not_those_of_others(self, fair: Server) -> None:
        other, _ = await fair.connect(HEAD, of="127.0.0.2")
        mine = [(await fair.connect(HEAD))[0] for _ in range(2)]
        assert (await fair.answer(ONCE)).endswith(b"ok")
        await until(lambda: mine[0].at_eof(), WAIT)
        assert (mine[1].at_eof(), other.at_eof()) == (False, False)

    async def test_beyond_the_reserve_it_is_not_let_in(self, fair: Server) -> None:
        busy = [await fair.connect(HELD) for _ in range(2 + RESERVE)]
        await until(lambda: fair.held == len(busy), WAIT)
        with suppress(ConnectionError):
            assert await fair.answer(ONCE) == b""


NO_HTTP = {
    "words": b"hunter2 hunter2\r\n\r\n",
    "no method": b"hunt\x00er2 / HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hunter2",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an endless line": b"GET /hunter2" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "an endless header": b"GET / HTTP/1.1\r\nx-api-key: hunter2" + b"a" * 100_000 + b"\r\n\r\n",
    "headers without end": b"GET / HTTP/1.1\r\n" + b"x: hunter2\r\n" * 10_000 + b"\r\n",
    "a header that is none": b"GET / HTTP/1.1\r\nhunter2\r\n\r\n",
    "a length that is none": b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: hunter2\r\n\r\n",
    "two lengths": b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhunter2",
    "length and chunks": b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nhunter2",
    "an odd version": b"GET / HTTP/9.hunter2\r\n\r\n",
}


class TestErrors:
    @pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
    async def test_what_is_no_http_gets_one_sentence_that_quotes_nothing(
        self, patient: Server, sent: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        head, _, body = (await patient.answer(sent)).partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
        assert json.loads(body)["detail"].startswith("This is no HTTP request that can be read (")
        assert b"\r\nServer:" not in head
        assert b"hunter2" not in head + body
        assert "a request that is no HTTP was refused" in caplog.text
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"GET /nowhere HTTP/1.1\r\n", 404),
            (b"DELETE / HTTP/1.1\r\n", 405),
            (b"POST /echo HTTP/1.1\r\nExpect: hunter2\r\n", 417),
            (b"POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n", 413),
            (b"GET /broken HTTP/1.1\r\n", 500),
        ],
    )
    async def test_all_other_errors_are_the_same_json(self, patient: Server, sent: bytes, status: int) -> None:
        body = b"x" * 2_000_000 if status == 413 else b""
        answer = await patient.answer(sent + b"Host: a\r\nConnection: close\r\n\r\n" + body)
        head, _, content = answer.partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status
        assert list(json.loads(content)) == ["detail"]
        assert b"application/json" in head
        assert (b"\r\nAllow: " in head) == (status == 405)
        assert b"\r\nServer:" not in head
        assert b"hunter2" not in answer

    async def test_a_success_names_no_server_either(self, patient: Server) -> None:
        answer = await patient.answer(ONCE)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nServer:" not in answer
