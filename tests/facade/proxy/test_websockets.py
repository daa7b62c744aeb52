"""WebSockets of the Agent Server through the facade."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType
from yarl import URL

from graphcron.facade.auth.callers import Mode
from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

WAIT = 10.0
"""Seconds after which a test gives up; none waits for it when all is well."""


@pytest.fixture
async def client(upstream: UpstreamFake) -> AsyncIterator[Client]:
    async with (
        serving(MemoryStore(), await upstream.start()) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Client(url, session)


async def test_messages_go_both_ways_whole_and_in_order(client: Client) -> None:
    long = "ü" * 5_000_000
    async with client.session.ws_connect(client.url + "/socket", max_msg_size=0) as socket:
        await socket.send_str("a")
        await socket.send_bytes(b"\x00\xff")
        await socket.send_str(long)
        assert await socket.receive_str(timeout=WAIT) == "a"
        assert await socket.receive_bytes(timeout=WAIT) == b"\x00\xff"
        assert await socket.receive_str(timeout=WAIT) == long


async def test_the_agent_server_hears_who_asks_and_chooses_the_protocol(client: Client, upstream: UpstreamFake) -> None:
    url = URL(client.url + "/socket?a=%2C", encoded=True)
    headers = {"x-api-key": "mine", "Cookie": "a=1"}
    async with client.session.ws_connect(url, headers=headers, protocols=["first", "second"]) as socket:
        assert socket.protocol == "second"
    [(line, heard)] = upstream.seen
    assert line == "GET /socket?a=%2C"
    assert headers.items() <= heard.items()


async def test_pings_are_answered_by_the_agent_server(client: Client) -> None:
    async with client.session.ws_connect(client.url + "/socket", autoping=False) as socket:
        await socket.ping(b"there?")
        answer = await socket.receive(timeout=WAIT)
        assert (answer.type, answer.data) == (WSMsgType.PONG, b"there?")


async def test_how_the_agent_server_ends_it_is_told(client: Client) -> None:
    async with client.session.ws_connect(client.url + "/socket", autoclose=False) as socket:
        await socket.send_str("close 4003 no such thread")
        answer = await socket.receive(timeout=WAIT)
        assert (answer.type, answer.data, answer.extra) == (WSMsgType.CLOSE, 4003, "no such thread")


async def test_how_the_client_ends_it_is_told(client: Client, upstream: UpstreamFake) -> None:
    async with client.session.ws_connect(client.url + "/socket") as socket:
        await socket.close(code=4001)
    await asyncio.wait_for(upstream.stream_ended.wait(), WAIT)
    assert upstream.socket_closed_with == 4001


async def test_an_agent_server_that_breaks_off_looks_like_no_clean_end(client: Client) -> None:
    async with client.session.ws_connect(client.url + "/socket", autoclose=False) as socket:
        await socket.send_str("break")
        answer = await socket.receive(timeout=WAIT)
        assert (answer.data, answer.extra) == (1014, "the Agent Server broke off")


async def test_a_client_that_vanishes_takes_its_conversation_along(client: Client, upstream: UpstreamFake) -> None:
    socket = await client.session.ws_connect(client.url + "/socket")
    assert not socket.closed
    await client.session.close()  # no close frame: the line is cut
    await asyncio.wait_for(upstream.stream_ended.wait(), WAIT)
    assert upstream.socket_closed_with == 1001


async def test_what_is_no_websocket_there_is_an_error_here(client: Client) -> None:
    for path in ("/threads/nope", "/info"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(client.url + path)
        assert refused.value.status == {"/threads/nope": 404, "/info": 502}[path]


async def test_an_agent_server_that_is_down_is_502() -> None:
    async with serving(MemoryStore(), "http://127.0.0.1:9") as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url + "/socket")
        assert refused.value.status == 502


@pytest.mark.parametrize("path", ["/runs/crons", "/runs%2Fcrons/x", "/x/../runs//crons"])
async def test_no_handshake_reaches_crons(client: Client, upstream: UpstreamFake, path: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.session.ws_connect(client.url + path)
    assert upstream.seen == []


async def test_nobody_without_a_key_is_connected(upstream: UpstreamFake) -> None:
    async with (
        serving(MemoryStore(), await upstream.start(), Mode.API_KEYS) as url,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url + "/socket")
        assert refused.value.status == 401
    assert upstream.seen == []


async def test_a_handshake_that_is_none_is_a_request_like_any_other(client: Client) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}  # without a key and a version
    status, echo, _ = await client.call("GET", "/any", headers=headers)
    assert status == 200
    assert "Upgrade" not in echo["headers"]
