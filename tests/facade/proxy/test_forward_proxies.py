"""The facade behind a company's proxy: the Agent Server is reached through it, by HTTP and by WebSocket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from graphcron.facade.proxy.upstream import Upstream
from graphcron.facade.settings import FacadeSettings
from tests.support.certificates import self_signed, serving_with
from tests.support.connect_proxy import ConnectProxy
from tests.support.facade_server import MINIMAL, Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

INSIDE = "agents.invalid"
"""A name that the proxy alone knows."""


@asynccontextmanager
async def behind(proxy: str, url: str, **settings: object) -> AsyncIterator[Client]:
    """A client of a facade that has that proxy for both schemes."""
    url = url.replace("127.0.0.1", INSIDE)
    async with (
        serving(MemoryStore(), url, http_proxy=proxy, https_proxy=proxy, **settings) as facade,
        aiohttp.ClientSession() as session,
    ):
        yield Client(facade, session)


@asynccontextmanager
async def tls_server(certificate: Path) -> AsyncIterator[str]:
    """An Agent Server that knows each assistant, and repeats what a WebSocket says."""

    async def anything(request: web.Request) -> web.StreamResponse:
        if request.path != "/socket":
            return web.json_response({"path": request.path})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", anything)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving_with(certificate)).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_plain_http_goes_through_the_proxy(upstream: UpstreamFake) -> None:
    proxy = ConnectProxy("ann:s3cret")
    with proxy.listening() as where:
        async with behind(f"http://ann:s3cret@{where}", await upstream.start()) as client:
            status, _, _ = await client.call("GET", "/info")
            assert status == 200
            assert (await client.call("POST", "/runs/crons", MINIMAL))[0] == 200
    assert len(proxy.asked) == len(upstream.seen) == 2
    assert all(f" http://{INSIDE}:" in line for line in proxy.asked)
    assert not any("proxy-authorization" in map(str.lower, headers) for _, headers in upstream.seen)


async def test_tls_and_websockets_go_through_the_proxy(tmp_path: Path) -> None:
    certificate, proxy = self_signed(tmp_path), ConnectProxy("ann:s3cret")
    with proxy.listening() as where:
        async with (
            tls_server(certificate) as url,
            behind(f"http://ann:s3cret@{where}", url, ca_file=str(certificate)) as client,
        ):
            assert (await client.call("GET", "/info"))[1] == {"path": "/info"}
            async with client.session.ws_connect(client.url + "/socket") as socket:
                await socket.send_str("hello")
                assert await socket.receive_str(timeout=10) == "hello"
    assert proxy.asked
    assert all(line.startswith(f"CONNECT {INSIDE}:") for line in proxy.asked)


async def test_what_no_proxy_lists_is_reached_directly(upstream: UpstreamFake) -> None:
    proxy = ConnectProxy()
    with proxy.listening() as where:
        given = {"http_proxy": f"http://{where}", "no_proxy": "127.0.0.0/8"}
        async with (
            serving(MemoryStore(), await upstream.start(), **given) as url,
            aiohttp.ClientSession() as session,
        ):
            assert (await Client(url, session).call("GET", "/info"))[0] == 200
    assert proxy.asked == []


@pytest.mark.parametrize("path", ["/info", "/runs/crons"])
async def test_a_proxy_that_lets_nobody_through_is_named_without_its_password(
    tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, proxy = self_signed(tmp_path), ConnectProxy("ann:other")
    with proxy.listening() as where:
        async with (
            tls_server(certificate) as url,
            behind(f"http://ann:s3cret@{where}", url, ca_file=str(certificate)) as client,
        ):
            status, answer, _ = await client.call("POST", path, MINIMAL)
    assert status in (502, 503)
    assert "The proxy before the Agent Server" in answer["detail"]
    assert "407" in answer["detail"]
    assert "s3cret" not in str(answer) + caplog.text


async def test_a_proxy_that_is_away_is_named_without_its_password(upstream: UpstreamFake) -> None:
    with ConnectProxy().listening() as where:
        pass
    async with behind(f"http://ann:s3cret@{where}", await upstream.start()) as client:
        status, answer, _ = await client.call("GET", "/info")
    assert status == 502
    assert where in answer["detail"]
    assert "s3cret" not in str(answer)


@pytest.mark.parametrize("proxy", ["https://ann:s3cret@proxy", "socks5://proxy", "proxy"])
async def test_a_proxy_that_is_none_is_refused_at_the_start(proxy: str) -> None:
    with pytest.raises(ValueError, match="must be http://") as refused:
        async with Upstream.connect("http://agent.example", proxy=proxy):
            pass
    assert "s3cret" not in str(refused.value)


def test_the_environment_says_which_proxy_it_is() -> None:
    given = {"GRAPHCRON_NAMESPACE": "team", "AGENT_SERVER_URL": "https://agents.example"}
    assert FacadeSettings.read(given).proxy is None
    proxied = given | {"HTTPS_PROXY": "http://ann:s3cret@proxy:3128", "HTTP_PROXY": "http://other"}
    settings = FacadeSettings.read(proxied)
    assert settings.proxy == "http://ann:s3cret@proxy:3128"
    assert "s3cret" not in repr(settings)
    assert FacadeSettings.read(proxied | {"NO_PROXY": ".example"}).proxy is None
    assert FacadeSettings.read(proxied | {"https_proxy": "http://lower"}).proxy == "http://lower"
