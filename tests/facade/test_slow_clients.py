"""Slow and broken clients of the facade: nobody else waits for them, and each is told in time."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from graphcron.facade.main import start
from graphcron.http_server import Limits
from tests.support.facade_server import WAIT, Client, application, raw
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def facade(limits: Limits, agent_server: str | None = None, **settings: Any) -> AsyncIterator[str]:
    """Its URL."""
    async with application(MemoryStore(), agent_server, **settings) as app:
        runner = await start(app, "127.0.0.1", 0, limits)
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def connect(url: str, sent: bytes) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(sent)
    return reader, writer


def status_and_detail(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nServer:" not in head
    return int(head.split()[1]), json.loads(body)["detail"]


HALF = {
    "header": b"POST /runs/crons HTTP/1.1\r\nHost: a\r\nContent-Le",
    "body": b'POST /runs/crons HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"assistant_id": ',
    "body that is passed on": b"POST /assistants HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
}


@pytest.mark.parametrize("sent", HALF.values(), ids=HALF)
async def test_300_half_sent_requests_are_ended_and_probes_stay_quick(sent: bytes, upstream: UpstreamFake) -> None:
    async with (
        facade(Limits(400, header_seconds=2.0), await upstream.start(), body_timeout=2.0) as url,
        aiohttp.ClientSession() as session,
    ):
        slow = [await connect(url, sent) for _ in range(300)]
        answers = asyncio.gather(*(asyncio.wait_for(reader.read(), WAIT) for reader, _ in slow))
        longest = 0.0
        while not answers.done():
            began = time.monotonic()
            async with session.get(f"{url}/healthz") as answer:
                assert answer.status == 200
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.02)
        assert {status_and_detail(answer)[0] for answer in await answers} == {408}
        assert longest < 1.0
        for _, writer in slow:
            writer.close()


async def test_a_body_that_trickles_to_a_cron_endpoint_has_one_deadline() -> None:
    async with facade(Limits(), body_timeout=0.5) as url:
        reader, writer = await connect(url, HALF["body"])
        # No more than the answer: what is sent after the end resets the connection.
        answer = asyncio.create_task(asyncio.wait_for(reader.readuntil(b"}"), WAIT))
        while not answer.done():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        assert status_and_detail(await answer) == (408, "The request body did not come in time")
        writer.close()


async def test_a_body_that_is_passed_on_may_take_long_as_long_as_it_comes(upstream: UpstreamFake) -> None:
    async with facade(Limits(), await upstream.start(), body_timeout=2.0) as url:
        # Of an endpoint that reads all of it: the answer of another could come before the body's end.
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
        reader, writer = await connect(url, head)
        for _ in range(10):  # together longer than the limit, which each meets with time to spare on a busy machine
            await asyncio.sleep(0.3)
            writer.write(b" ")
        assert b" 200 " in await asyncio.wait_for(reader.readline(), WAIT)
        assert (b" " * 10).hex().encode() in await asyncio.wait_for(reader.read(), WAIT)
        writer.close()


@pytest.mark.parametrize("path", [b"/runs/crons", b"/assistants"])
async def test_a_body_that_is_no_http_is_400(upstream: UpstreamFake, path: bytes) -> None:
    async with facade(Limits(), await upstream.start()) as url:
        head = b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        status, detail = status_and_detail(await raw(url, head + b"hunter2\r\n\r\n"))
        assert status == 400
        assert "hunter2" not in detail
        reader, writer = await connect(url, head + b"3\r\nabc\r\n")
        await asyncio.sleep(0.1)  # the handler reads the first piece
        writer.write(b"hunter2\r\n")
        status, detail = status_and_detail(await asyncio.wait_for(reader.read(), WAIT))
        assert status == 400
        assert "hunter2" not in detail
        writer.close()


async def test_when_streams_take_all_connections_others_get_503_and_probes_an_answer(upstream: UpstreamFake) -> None:
    async with (
        facade(Limits(3), await upstream.start()) as url,
        aiohttp.ClientSession() as streaming,
        aiohttp.ClientSession() as session,
    ):
        streams = [await streaming.post(f"{url}/runs/stream") for _ in range(3)]
        client = Client(url, session)
        status, answer, headers = await client.call("POST", "/runs/crons/count", {})
        assert (status, answer["detail"]) == (503, "This GraphCron facade has too many connections: try again later")
        assert headers["Retry-After"]
        assert headers["Connection"] == "close"
        assert (await client.call("GET", "/healthz"))[0] == 200
        upstream.next_event.set()
        for stream in streams:
            assert b"data: 2" in await stream.read()
        async with asyncio.timeout(WAIT):
            while (await client.call("POST", "/runs/crons/count", {}))[0] != 200:
                pass  # the server notices the end of a stream a moment later than its client


async def test_who_does_not_read_its_answer_is_disconnected(upstream: UpstreamFake) -> None:
    async with facade(Limits(), await upstream.start(), body_timeout=0.1) as url:
        reader, writer = await connect(url, b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        transport = writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()
        await asyncio.wait_for(upstream.stream_ended.wait(), WAIT)
        transport.resume_reading()
        size = 0
        with suppress(ConnectionError):
            while piece := await asyncio.wait_for(reader.read(1 << 20), WAIT):
                size += len(piece)
        assert size < 1 << 30, "it was cut off"
        writer.close()
