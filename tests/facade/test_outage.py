"""Outage of a real apiserver: every create that was answered exists once, and the watch goes on."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.control_plane import ControlPlane
from graphcron.facade.store.cached_store import CachedStore
from graphcron.kube.client import Kube
from graphcron.kube.resources import Manifest
from tests.support.extent import Extent
from tests.support.facade_server import serving
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.kubeconfig import api_client
from tests.support.until import until

CRONS = "/apis/graphcron.dev/v1/namespaces/default/graphcrons"
CREATES, SAMPLE = 160, 80
IN_FLIGHT = 20
PAUSE = 0.2
"""Seconds after a 503; a polite client would wait for as long as it is told."""
WAIT = 90.0
"""Seconds after which a test gives up; none waits for it when all is well."""


class CountingKube(Kube):
    """Knows how often all GraphCrons were asked for."""

    lists = 0

    def pages(self, *what: Any, **options: Any) -> AsyncIterator[tuple[list[Manifest], int]]:
        self.lists += 1
        return super().pages(*what, **options)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path) as plane:
        yield plane


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[CountingKube]:
    files = {"ssl_ca_cert": "ca.crt", "cert_file": "admin.crt", "key_file": "admin.key"}
    settings = {name: str(plane.place.pki / file) for name, file in files.items()}
    async with api_client(plane.url, **settings) as client:
        yield CountingKube(client)


class Creates:
    """Clients that create cron after cron. Those with even numbers repeat what failed, with an Idempotency-Key."""

    def __init__(self, session: aiohttp.ClientSession, url: str, count: int) -> None:
        self._session = session
        self.numbers = range(count)
        self._url = url
        self.made: dict[int, str] = {}
        self.refused = Counter[int]()
        self.others: list[tuple[int, str]] = []

    async def run(self) -> None:
        numbers = iter(self.numbers)

        async def client() -> None:
            for number in numbers:
                await self._create(number)

        async with asyncio.TaskGroup() as clients:
            for _ in range(IN_FLIGHT):
                clients.create_task(client())

    async def _create(self, number: int) -> None:
        body = {"assistant_id": "agent", "schedule": "0 0 1 1 *", "metadata": {"number": number}}
        headers = {} if number % 2 else {"Idempotency-Key": str(uuid.uuid4())}
        while True:
            async with self._session.post(f"{self._url}/runs/crons", json=body, headers=headers) as response:
                if response.status == 200:
                    self.made[number] = (await response.json())["cron_id"]
                    return
                if response.status != 503 or not response.headers.get("Retry-After", "").isdigit():
                    self.others.append((response.status, await response.text()))
                    return
            self.refused[number] += 1
            await asyncio.sleep(PAUSE)
            if not headers:
                return


async def test_creates_that_were_answered_exist_once_and_the_watch_goes_on(
    plane: ControlPlane, kube: CountingKube, extent: Extent
) -> None:
    async with (
        CachedStore(kube, "default").watching() as crons,
        serving(crons, None) as url,
        aiohttp.ClientSession() as session,
        asyncio.timeout(WAIT),
    ):
        await until(lambda: crons.age() is not None)
        creates = Creates(session, url, extent.count(CREATES, SAMPLE))
        running = asyncio.create_task(creates.run())
        await until(lambda: len(creates.made) >= len(creates.numbers) // 4)
        plane.kill_apiserver()
        await until(lambda: bool(creates.refused))
        await asyncio.to_thread(plane.start)
        await running

        assert not creates.others
        found = [(cron["metadata"]["name"], cron["spec"]["metadata"]["number"]) for cron in in_kubernetes(plane)]
        times = Counter(number for _, number in found)
        assert set(creates.made.items()) <= {(number, name) for name, number in found}
        assert {number for number in creates.numbers if number % 2 == 0} <= set(creates.made), "they were repeated"
        # One that got a 503 may be there: the apiserver took it and was killed before it said so. But not twice.
        assert set(times.values()) == {1}
        assert set(times) <= set(creates.made) | set(creates.refused)

        kubectl_made = {"metadata": {"name": "later"}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"}}
        manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron"} | kubectl_made
        await asyncio.to_thread(plane.install, manifest, CRONS)

        async def comes_from_memory() -> bool:
            lists = kube.lists
            async with session.post(f"{url}/runs/crons/count", json={}) as response:
                return response.status == 200 and await response.json() == len(found) + 1 and kube.lists == lists

        while not await comes_from_memory():  # noqa: ASYNC110 - the watch announces nothing to others
            await asyncio.sleep(PAUSE)


def in_kubernetes(plane: ControlPlane) -> list[Any]:
    status, answer = plane.api.request("GET", CRONS)
    assert status == 200
    return list(answer["items"])
