"""Run now while the operator is killed: each request makes one Job, at a real apiserver, through a real facade.

`GRAPHCRON_TEST_SEED` repeats a run, as far as processes can be repeated.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.control_plane import ControlPlane
from graphcron.resource.identity import RUN_REQUESTED
from tests.support.charts_operator import NAMESPACE, ChartsOperator, charts_operator
from tests.support.extent import Extent
from tests.support.facade_process import facade
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.until import until

REQUESTS, SAMPLE = 100, 30
REQUESTS_PER_KILL = 15
IN_FLIGHT = 8
LOST_ANSWERS = 0.2
"""The part of requests that their client sends once more, as if it had never got the answer."""
CRON = "0b0ac0de-0000-4000-8000-000000000001"
SHORT_LEASE = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "2",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "1.5",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.3",
}
GRAPHCRON = {
    "apiVersion": "graphcron.dev/v1",
    "kind": "GraphCron",
    "metadata": {"name": CRON, "namespace": NAMESPACE},
    "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent", "concurrencyPolicy": "Allow"},
}


class World:
    """An operator that can be killed, a facade, and the apiserver behind both."""

    def __init__(self, plane: ControlPlane, operator: ChartsOperator, session: aiohttp.ClientSession) -> None:
        self.plane, self.operator, self.session = plane, operator, session
        self.chance = random.Random(int(os.environ.get("GRAPHCRON_TEST_SEED") or 23))
        self.answers: Counter[int] = Counter()

    async def status(self) -> dict[str, Any]:
        async with self.session.get(f"/graphcron/v1/crons/{CRON}") as response:
            assert response.status == 200, await response.text()
            found: dict[str, Any] = await response.json()
            return found

    def requested(self) -> list[str]:
        """The tokens of all Jobs."""
        path = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
        _, found = self.plane.api.request("GET", path)
        return [job["metadata"]["annotations"][RUN_REQUESTED] for job in found["items"]]

    async def run(self, key: str) -> str:
        """The token of a request, which is sent until it is taken."""
        async with asyncio.timeout(60):
            while True:
                headers = {"Idempotency-Key": key}
                async with self.session.post(f"/graphcron/v1/crons/{CRON}/run", headers=headers) as response:
                    answer = await response.json()
                self.answers[response.status] += 1
                if response.status == 202:
                    return str(answer["token"])
                assert response.status in (409, 503), answer
                assert int(response.headers["Retry-After"]) > 0
                await asyncio.sleep(self.chance.uniform(0, 0.2))

    async def kill(self, times: int) -> None:
        """Kill the operator some Jobs later, in the midst of its work, and start it again."""
        for _ in range(times):
            goal = len(self.requested()) + self.chance.randint(1, REQUESTS_PER_KILL - IN_FLIGHT)
            await until(lambda goal=goal: len(self.requested()) >= goal)  # type: ignore[misc]
            await asyncio.sleep(self.chance.uniform(0, 0.05))
            await asyncio.to_thread(self.operator.kill)
            self.operator.start()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with graphcron_apiserver(tmp_path, NAMESPACE) as plane, charts_operator(plane, tmp_path, **SHORT_LEASE) as operator:
        kubeconfig = tmp_path / "facade.kubeconfig"
        kubeconfig.write_text(plane.service_account_kubeconfig(NAMESPACE, "graphcron-facade"))
        settings = {"KUBECONFIG": str(kubeconfig), "GRAPHCRON_NAMESPACE": NAMESPACE, "GRAPHCRON_AUTH_MODE": "open"}
        async with facade(tmp_path / "facade", **settings) as (url, _, _), aiohttp.ClientSession(url) as session:
            yield World(plane, operator, session)


async def test_each_request_makes_one_job_whenever_the_operator_is_killed(world: World, extent: Extent) -> None:
    requests = extent.count(REQUESTS, SAMPLE)
    world.plane.install(GRAPHCRON, f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons")

    async def is_scheduled() -> bool:
        return str((await world.status())["phase"]) == "Scheduled"

    await until(is_scheduled)
    keys, tokens = iter([f"request-{number}" for number in range(requests)]), []

    async def client() -> None:
        for key in keys:
            token = await world.run(key)
            if world.chance.random() < LOST_ANSWERS:
                assert await world.run(key) == token
            tokens.append(token)

    await asyncio.gather(world.kill(requests // REQUESTS_PER_KILL), *(client() for _ in range(IN_FLIGHT)))

    async def is_carried_out() -> bool:
        request = (await world.status())["last_request"]
        return bool(request["outcome"] == "Started")

    await until(is_carried_out)
    assert len(set(tokens)) == requests
    assert Counter(world.requested()) == Counter(tokens)
