"""The reverse proxy to the Agent Server: bytes, streams, headers and lost connections."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest

from graphcron.facade.proxy.upstream import Upstream
from tests.support.facade_server import Client, raw, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

WAIT = 10.0
"""Seconds after which a test gives up; none waits for it when all is well."""


class TestBytes:
    @pytest.mark.parametrize(
        "path",
        [
            "/info",
            "/",
            "/store/items?namespace=a&namespace=b&key=%2F",
            "/a%2Fb/%41?q=%41+%20",
            "/a//b/../c/./d/",
            "/a;b=c/@:!$&'()*+,=~",
            "/threads/x/state?x=runs/crons",
            "/assistants/x/%7Bname%7D",
            "/q?",
            "/runs/batch",
            "/crons/runs",
        ],
    )
    async def test_path_and_query_arrive_as_they_were_sent(self, client: Client, path: str) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        answer = await raw(client.url, request)
        expected = path.removesuffix("?")  # an empty query is the same request
        assert f'"line": "GET {expected}"'.encode() in answer

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
    async def test_any_method_and_its_body_arrive(self, client: Client, method: str) -> None:
        _, echo, _ = await client.call(method, "/any", data=b"\x00\xff body")
        assert (echo["line"], bytes.fromhex(echo["body"])) == (f"{method} /any", b"\x00\xff body")

    async def test_a_request_without_a_body_stays_without(self, client: Client) -> None:
        _, echo, _ = await client.call("GET", "/any")
        assert not {"Transfer-Encoding", "Content-Length", "Content-Type"} & echo["headers"].keys()

    async def test_compressed_bodies_stay_compressed(self, client: Client) -> None:
        body = gzip.compress(b"text")
        _, echo, _ = await client.call("POST", "/any", data=body, headers={"Content-Encoding": "gzip"})
        assert bytes.fromhex(echo["body"]) == body
        assert echo["headers"]["Content-Encoding"] == "gzip"
        async with client.session.get(client.url + "/compressed") as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert await response.read() == b"not really gzip"

    async def test_head_keeps_the_length_of_what_get_would_send(self, client: Client) -> None:
        status, body, headers = await client.call("HEAD", "/compressed")
        assert (status, body, headers["Content-Length"]) == (200, "", "15")


class TestStreams:
    async def test_an_event_arrives_before_the_next_is_made(self, client: Client, upstream: UpstreamFake) -> None:
        async with client.session.post(client.url + "/runs/stream") as response:
            assert response.content_type == "text/event-stream"
            assert await asyncio.wait_for(response.content.readany(), WAIT) == b"data: 1\n\n"
            assert not upstream.stream_ended.is_set()
            upstream.next_event.set()
            assert await asyncio.wait_for(response.content.read(), WAIT) == b"data: 2\n\n"

    async def test_a_client_that_leaves_ends_the_stream_upstream(self, client: Client, upstream: UpstreamFake) -> None:
        async with client.session.post(client.url + "/runs/stream") as response:
            await asyncio.wait_for(response.content.readany(), WAIT)
            response.close()
        await asyncio.wait_for(upstream.stream_ended.wait(), WAIT)

    async def test_a_slow_client_slows_the_agent_server(self, client: Client, upstream: UpstreamFake) -> None:
        """Of a gigabyte only what the buffers of two connections hold is sent while nobody reads."""
        async with client.session.get(client.url + "/flood") as response:
            sent = -1
            while sent != upstream.flooded_mib or sent == 0:
                sent = upstream.flooded_mib
                await asyncio.sleep(0.3)
            assert sent < 64
            async for _ in response.content.iter_any():
                if upstream.flooded_mib > 128:
                    break
            assert upstream.flooded_mib > 128, "it goes on when somebody reads"
            response.close()

    async def test_an_upload_arrives_while_it_is_being_sent(self, client: Client) -> None:
        """Two pieces; the second is sent only after the first was answered."""
        answered = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"x" * 10
            await answered.wait()
            yield b"x" * 5

        async with client.session.post(client.url + "/upload", data=pieces()) as response:
            assert await asyncio.wait_for(response.content.readline(), WAIT) == b"10\n"
            answered.set()
            assert await asyncio.wait_for(response.content.readline(), WAIT) == b"15\n"

    async def test_bodies_beyond_the_limit_for_crons_go_through(self, client: Client) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(64):
                yield b"x" * 65536

        async with client.session.post(client.url + "/upload", data=pieces()) as response:
            assert (await response.text()).split()[-1] == str(64 * 65536)

    async def test_half_an_answer_never_looks_whole(self, client: Client) -> None:
        with pytest.raises(aiohttp.ClientError):
            await client.call("GET", "/broken")


class TestTrouble:
    async def test_an_agent_server_that_is_down_is_502_and_named(self) -> None:
        async with (
            serving(MemoryStore(), "http://127.0.0.1:9") as url,
            aiohttp.ClientSession() as session,
        ):
            status, given, _ = await Client(url, session).call("GET", "/info")
        assert status == 502
        assert given["detail"].startswith("The Agent Server at http://127.0.0.1:9 does not answer")


class TestLostConnections:
    async def test_a_server_that_closes_after_a_500_loses_no_request(self) -> None:
        """As LangGraph's does: the answer of 500 looks as if the connection stayed, and the next request on it would
        get none. Sent twice, it could be done twice."""
        first: list[asyncio.StreamWriter] = []
        lines: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines.append(head.partition(b" HTTP")[0])
                await reader.readexactly(2)
                if not first:
                    first.append(writer)
                    writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno")
                elif writer is first[0]:
                    writer.transport.abort()
                    return
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
                    writer.close()
                    return

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with serving(MemoryStore(), f"http://127.0.0.1:{port}") as url, aiohttp.ClientSession() as session:
                answers = []
                for _ in range(2):
                    async with session.post(f"{url}/threads", data=b"{}") as answer:
                        answers.append((answer.status, await answer.text()))
            first[0].close()
        assert answers == [(500, "no"), (200, "yes")]
        assert lines == [b"POST /threads"] * 2


async def test_an_agent_server_url_with_credentials_is_refused() -> None:
    """They would be told to whoever gets a 502."""
    with pytest.raises(ValueError, match="without credentials"):
        async with Upstream.connect("http://user:secret@example.com"):
            pass
