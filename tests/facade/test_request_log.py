"""The request log and the metrics of requests, and CORS over HTTP."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from graphcron.facade.app import METRICS, metrics_app
from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.main import start
from graphcron.facade.metrics import FacadeMetrics
from tests.support.facade_server import Client, application, listening, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

ADA = "ada-0123456789abcdef"
ADAS = {"x-api-key": ADA}
CRON = {"assistant_id": "agent", "schedule": "27 15 * * *"}
PAGE = {"Origin": "https://app.example"}
PREFLIGHT = PAGE | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


@pytest.fixture
async def app(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[web.Application]:
    keys, _ = read_keys({"ada": ADA.encode()})
    async with application(
        store,
        await upstream.start(),
        Mode.API_KEYS,
        {"keys": lambda: keys},
        cors_origins=frozenset({PAGE["Origin"]}),
    ) as app:
        yield app


@pytest.fixture
async def client(app: web.Application) -> AsyncIterator[Client]:
    async with listening(app) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)


@pytest.fixture
def metrics(app: web.Application) -> FacadeMetrics:
    return app[METRICS]


class TestRequestId:
    async def test_is_made_told_and_passed_on(self, client: Client, upstream: UpstreamFake) -> None:
        _, _, headers = await client.call("GET", "/anything/else?x=1", headers=ADAS)
        assert str(uuid.UUID(headers["X-Request-Id"])) == headers["X-Request-Id"]
        assert CIMultiDict(upstream.seen[-1][1])["X-Request-Id"] == headers["X-Request-Id"]

    async def test_of_the_caller_is_kept(self, client: Client, upstream: UpstreamFake) -> None:
        given = ADAS | {"x-request-id": "trace-1.a_b~c"}
        for path in ("/runs/crons/nope", "/anything/else"):
            assert (await client.call("GET", path, headers=given))[2]["X-Request-Id"] == "trace-1.a_b~c"
        assert CIMultiDict(upstream.seen[-1][1])["X-Request-Id"] == "trace-1.a_b~c"

    @pytest.mark.parametrize("given", ["a b", "x" * 129, "<script>", ""])
    async def test_that_is_no_plain_token_is_replaced(self, client: Client, given: str) -> None:
        headers = (await client.call("GET", "/healthz", headers={"X-Request-Id": given}))[2]
        assert str(uuid.UUID(headers["X-Request-Id"])) == headers["X-Request-Id"]


class TestLog:
    async def test_is_one_line_a_request_with_what_helps_and_no_secret(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        body = CRON | {"input": {"password": "hunter2"}}
        _, _, headers = await client.call(
            "POST", "/runs/crons?token=hunter2", body, headers=ADAS | {"Cookie": "hunter2"}
        )
        (record,) = (record for record in caplog.records if record.name == "graphcron.requests")
        fields = record.fields  # type: ignore[attr-defined]
        assert fields.pop("milliseconds") > 0
        assert fields.pop("bytes") > 100
        assert fields == {
            "request_id": headers["X-Request-Id"],
            "method": "POST",
            "route": "/runs/crons",
            "path": "/runs/crons",
            "status": 200,
            "owner": "ada",
        }
        assert "hunter2" not in caplog.text
        assert ADA not in caplog.text

    async def test_of_probes_is_for_debugging(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        await client.call("GET", "/readyz")
        (record,) = (record for record in caplog.records if record.name == "graphcron.requests")
        assert record.levelno == logging.DEBUG

    @pytest.mark.parametrize(
        "sent",
        [
            b"GET /info HTTP/1.1\r\nHost: a\r\nx-api-key: hunter2\x01\r\n\r\n",
            b"GET /info HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + b"hunter2" * 2000 + b"\r\n\r\n",
            b"GET /info/\xfc?token=hunter2 HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
        ids=["a control character", "too long", "a path that is none"],
    )
    async def test_what_is_no_http_is_not_quoted(self, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        async with serving(MemoryStore()) as url:
            address = URL(url)
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(sent)
            assert b" 400 " in await reader.readline()
            writer.close()
        assert "that is no HTTP was refused" in caplog.text
        assert "hunter2" not in caplog.text
        assert "Traceback" not in caplog.text


class TestMetrics:
    async def test_count_by_route_and_never_by_path(self, client: Client, metrics: FacadeMetrics) -> None:
        for number in range(3):
            await client.call("GET", f"/runs/crons/{number}", headers=ADAS)
            await client.call("GET", f"/anything/{number}", headers=ADAS)
        await client.call("PROPFIND", "/anything", headers=ADAS)
        value = metrics.registry.get_sample_value
        name = "graphcron_facade_requests_total"
        assert value(name, {"method": "GET", "route": "/runs/crons/{cron_id}", "code": "422"}) == 3
        assert value(name, {"method": "GET", "route": "other", "code": "200"}) == 3
        assert value(name, {"method": "OTHER", "route": "other", "code": "200"}) == 1
        duration = "graphcron_facade_request_duration_seconds_count"
        assert value(duration, {"method": "GET", "route": "other"}) == 3

    async def test_conflicts_are_counted(self, client: Client, store: MemoryStore, metrics: FacadeMetrics) -> None:
        _, cron, _ = await client.call("POST", "/runs/crons", CRON, headers=ADAS)
        rival = store.manifests[cron["cron_id"]]
        store.rivals = [rival | {"spec": rival["spec"] | {"metadata": {"a": 1}}}]
        body = {"metadata": {"b": 2}}
        status, _, _ = await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", body, headers=ADAS)
        assert status == 200
        assert metrics.registry.get_sample_value("graphcron_facade_conflicts_total") == 1

    async def test_are_served_on_a_port_of_their_own(self, client: Client, metrics: FacadeMetrics) -> None:
        await client.call("GET", "/healthz")
        runner = await start(metrics_app(metrics), "127.0.0.1", 0)
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
            async with client.session.get(url) as answer:
                text = await answer.text()
        finally:
            await runner.cleanup()
        assert 'graphcron_facade_requests_total{code="200",method="GET",route="/healthz"} 1.0' in text


class TestBrowsers:
    async def test_a_preflight_needs_no_key(self, client: Client, upstream: UpstreamFake) -> None:
        status, text, headers = await client.call("OPTIONS", "/runs/crons", headers=PREFLIGHT)
        assert (status, text, headers["Access-Control-Allow-Origin"]) == (200, "OK", PAGE["Origin"])
        assert upstream.seen == []

    async def test_a_preflight_for_the_agent_server_is_its_own_to_answer(
        self, client: Client, upstream: UpstreamFake
    ) -> None:
        status, _, headers = await client.call("OPTIONS", "/anything/else", headers=PREFLIGHT)
        assert status == 200
        assert "Access-Control-Allow-Origin" not in headers
        assert upstream.seen[-1][0] == "OPTIONS /anything/else"
        assert (await client.call("OPTIONS", "/anything/else"))[0] == 401, "which is none"

    @pytest.mark.parametrize("headers", [ADAS, {}])
    async def test_each_answer_to_a_page_can_be_read_by_it_also_an_error(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        for path, body in (("/runs/crons/search", {}), ("/runs/crons/search", {"limit": 0})):
            told = (await client.call("POST", path, body, headers=headers | PAGE))[2]
            assert told["Access-Control-Allow-Origin"] == PAGE["Origin"]

    async def test_another_page_cannot(self, client: Client) -> None:
        headers = (
            await client.call("POST", "/runs/crons/count", {}, headers=ADAS | {"Origin": "https://evil.example"})
        )[2]
        assert "Access-Control-Allow-Origin" not in headers
