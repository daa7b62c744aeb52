"""A body that is passed on: piece by piece, and what its sender did wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from aiohttp import web

from graphcron.facade.errors import BROKEN_BODY, TOO_SLOW, RestError
from graphcron.facade.main import start
from graphcron.facade.proxy.request_body import RequestBody

WAIT = 10.0
"""Seconds after which a test gives up; none waits for it when all is well."""


class Taker:
    """A server that takes the body of one request; `pause` is how long it leaves each piece lying, `ahead` how much it
    reads before."""

    def __init__(self, seconds: float, pause: float = 0.0, ahead: int | None = None) -> None:
        self.seconds, self.pause, self.ahead = seconds, pause, ahead
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.body: RequestBody | None = None
        self.over = asyncio.Event()
        self.raised: BaseException | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self.body = RequestBody(request, self.seconds)
        try:
            if self.ahead is not None:
                self.pieces.put_nowait(await self.body.ahead(self.ahead) or b"(more)")
            async for piece in self.body:
                self.pieces.put_nowait(piece)
                await asyncio.sleep(self.pause)
        except (TimeoutError, web.RequestPayloadError, RestError) as error:
            self.raised = error
        self.over.set()
        return web.Response()

    @asynccontextmanager
    async def asked(self, head: bytes) -> AsyncIterator[asyncio.StreamWriter]:
        """A connection on which this was sent, and the body may follow."""
        app = web.Application()
        app.router.add_post("/", self.handle)
        runner = await start(app, "127.0.0.1", 0)
        try:
            _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n")
            with closing(writer):
                yield writer
        finally:
            await runner.cleanup()

    async def piece(self) -> bytes:
        return await asyncio.wait_for(self.pieces.get(), WAIT)

    async def fault(self) -> tuple[int, str] | None:
        """Status and sentence, once the body is over."""
        await asyncio.wait_for(self.over.wait(), WAIT)
        assert self.body
        return (self.body.fault.status, self.body.fault.detail) if self.body.fault else None


async def test_each_piece_goes_on_before_the_next_has_come() -> None:
    taker = Taker(WAIT)
    async with taker.asked(b"Content-Length: 6") as sender:
        for text in (b"one", b"two"):
            sender.write(text)
            assert await taker.piece() == text
        assert await taker.fault() is None


async def test_a_sender_that_falls_silent_is_too_slow() -> None:
    taker = Taker(0.3)
    async with taker.asked(b"Content-Length: 6") as sender:
        sender.write(b"one")
        assert await taker.fault() == (408, TOO_SLOW)
        assert isinstance(taker.raised, TimeoutError), "the client that sends it on must not take it for whole"


async def test_a_receiver_that_is_slow_is_not_the_senders_fault() -> None:
    taker = Taker(0.3, pause=0.6)
    async with taker.asked(b"Content-Length: 3") as sender:
        sender.write(b"one")
        assert await taker.fault() is None


async def test_half_a_body_that_goes_on_as_no_http_is_broken() -> None:
    taker = Taker(WAIT)
    async with taker.asked(b"Transfer-Encoding: chunked") as sender:
        sender.write(b"3\r\none\r\n")
        assert await taker.piece() == b"one"
        sender.write(b"nonsense\r\n")
        assert await taker.fault() == (400, BROKEN_BODY)
        assert isinstance(taker.raised, web.RequestPayloadError)


async def test_what_was_read_ahead_goes_on_all_the_same() -> None:
    for limit, read in ((6, b"onetwo"), (5, b"(more)")):
        taker = Taker(WAIT, ahead=limit)
        async with taker.asked(b"Content-Length: 6") as sender:
            sender.write(b"onetwo")
            assert await taker.piece() == read
            assert await taker.piece() == b"onetwo"
            assert await taker.fault() is None


async def test_a_sender_that_falls_silent_before_is_too_slow() -> None:
    taker = Taker(0.3, ahead=6)
    async with taker.asked(b"Content-Length: 6") as sender:
        sender.write(b"one")
        assert await taker.fault() == (408, TOO_SLOW)
        assert isinstance(taker.raised, RestError), "it can be answered: nothing was sent on"
