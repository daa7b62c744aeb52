"""The fence: what is not sent when this process does not lead, however late that shows."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube.client import Kube
from graphcron.kube.errors import NotLeading
from graphcron.kube.write_gate import Fence


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A Kube with a fence, and an apiserver that answers when it is let."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fence = Fence(self.clock)
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.kube: Kube

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
        configuration = Configuration()
        configuration.host = str(server.make_url("")).rstrip("/")
        async with ApiClient(configuration) as client:
            bench.kube = Kube(client, bench.fence)
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
    bench.fence.open_until(110.0)
    await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    bench.clock.now = 110.0
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert bench.asked == ["PATCH"]


async def test_a_write_that_slept_on_its_way_out_does_not_go_out(bench: Bench) -> None:
    """The process is stopped after the call, and before its bytes are handed to the kernel."""
    bench.fence.open_until(110.0)
    write = asyncio.create_task(bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}}))
    await asyncio.sleep(0)  # it has passed the first check, and has no connection yet
    bench.clock.now = 999.0
    with pytest.raises(NotLeading):
        await write
    assert bench.asked == []


def test_the_event_loop_hands_bytes_over_in_the_step_that_writes_them() -> None:
    """Else all that is done before the loop comes to it would lie between the look at the fence and the kernel, as with
    uvloop before 0.23."""

    async def write() -> bytes:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.setblocking(False)
            _, writer = await asyncio.open_connection(sock=ours)
            writer.write(b"now")
            try:
                return theirs.recv(10)
            finally:
                writer.close()

    assert uvloop.run(write()) == b"now"


async def test_one_who_closes_it_can_wait_for_what_is_under_way(bench: Bench) -> None:
    bench.fence.open_until(110.0)
    bench.may_answer.clear()
    write = asyncio.create_task(bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}}))
    while not bench.asked:  # noqa: ASYNC110 - the server is another task, and announces nothing
        await asyncio.sleep(0.01)
    bench.fence.close()
    emptied = asyncio.create_task(bench.fence.emptied())
    await asyncio.sleep(0)
    assert not emptied.done()
    bench.may_answer.set()
    await emptied
    assert (await write)["metadata"]["name"] == "a"


async def test_shut_it_stays_shut_though_the_lease_is_renewed(bench: Bench) -> None:
    """The process ends, and keeps the Lease until then, so that no other writes meanwhile."""
    bench.fence.open_until(110.0)
    bench.fence.shut()
    bench.fence.open_until(120.0)
    assert not bench.fence.is_open
    with pytest.raises(NotLeading):
        await bench.kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert bench.asked == []
