"""The write gate: what is not sent while this process does not lead."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube.client import Kube
from graphcron.kube.errors import NotLeading
from graphcron.kube.write_gate import WriteGate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A Kube with a gate, and an apiserver that answers when it is let."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.gate = WriteGate(self.clock)
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.kube: Kube
        self.configuration = Configuration()

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.method)
        await self.may_answer.wait()
        return web.json_response({"metadata": {"name": "a", "resourceVersion": "1"}})


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bench.handle)
    async with TestServer(app) as server:
        bench.configuration.host = str(server.make_url("")).rstrip("/")
        async with ApiClient(bench.configuration) as client:
            bench.kube = Kube(client, bench.gate)
            yield bench


async def test_closed_it_lets_reads_and_the_lease_pass_alone(bench: Bench) -> None:
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    with pytest.raises(NotLeading):
        await bench.kube.create_event("team", {})
    await bench.kube.get_cron_job("team", "a")
    await bench.kube.create_lease("team", {"metadata": {"name": "lease"}})
    await bench.kube.replace_lease("team", {"metadata": {"name": "lease"}})
    assert bench.asked == ["GET", "POST", "PUT"]


async def test_open_it_lets_writes_pass_until_its_moment(bench: Bench) -> None:
    bench.gate.open_until(110.0)
    await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    bench.clock.now = 110.0
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert bench.asked == ["PATCH"]


async def test_the_gate_is_asked_after_a_wait_for_credentials(bench: Bench) -> None:
    """The token is renewed, which takes a while, and the lease runs out meanwhile."""

    async def renew(_: Configuration) -> None:
        bench.clock.now = 110.0

    bench.configuration.api_key = {"BearerToken": "Bearer s3cret"}
    bench.configuration.refresh_api_key_hook = renew
    bench.gate.open_until(110.0)
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert bench.asked == []


async def test_one_who_closes_it_can_wait_for_what_is_under_way(bench: Bench) -> None:
    bench.gate.open_until(110.0)
    bench.may_answer.clear()
    write = asyncio.create_task(bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}}))
    while not bench.asked:  # noqa: ASYNC110 - the server is another task, and announces nothing
        await asyncio.sleep(0.01)
    bench.gate.close()
    drained = asyncio.create_task(bench.gate.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    bench.may_answer.set()
    await drained
    assert (await write)["metadata"]["name"] == "a"


async def test_shut_it_stays_shut_though_the_lease_is_renewed(bench: Bench) -> None:
    """The process ends, and keeps the Lease until then, so that no other writes meanwhile."""
    bench.gate.open_until(110.0)
    bench.gate.shut()
    bench.gate.open_until(120.0)
    assert not bench.gate.is_open
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert bench.asked == []
