"""What the operator's ports answer: alive while its watches bring something, ready when it has seen everything."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from tests.support.apiserver_fake import FakeApiserver
from tests.support.operator_process import operator
from tests.support.until import until

PATIENCE = 60.0


class Ports:
    """Asks one operator's probes and metrics."""

    def __init__(self) -> None:
        self.health, self.metrics = unused_port(), unused_port()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GRAPHCRON_HEALTH_PORT": str(self.health),
            "GRAPHCRON_METRICS_PORT": str(self.metrics),
            "GRAPHCRON_WATCH_SILENCE_SECONDS": "2",
            "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.2",
        }

    async def get(self, path: str) -> tuple[int, str]:
        port = self.metrics if path == "/metrics" else self.health
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                    return response.status, await response.text()
            except aiohttp.ClientConnectionError:
                return 0, ""

    async def until(self, path: str, status: int, text: str = "") -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.get(path)
                if found[0] == status and text in found[1]:
                    return
                await asyncio.sleep(0.05)

    async def figures(self) -> dict[str, float]:
        """Each sample by name and labels, as Prometheus writes them."""
        _, text = await self.get("/metrics")
        lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}


@pytest.fixture
async def apiserver() -> FakeApiserver:
    fake = FakeApiserver()
    fake.bookmark_seconds = 0.1
    return fake


@pytest.fixture
def ports() -> Ports:
    return Ports()


async def test_a_watch_that_goes_silent_fails_liveness_by_name_and_one_that_speaks_again_heals_it(
    apiserver: FakeApiserver, tmp_path: Path, ports: Ports
) -> None:
    """Its process lives, its other watches do, and the apiserver answers all else."""
    async with apiserver.serving() as url, operator(url, tmp_path, **ports.environment):
        await ports.until("/readyz", 200)
        assert await ports.get("/healthz") == (200, "ok\n")
        apiserver.mute = {"cronjobs"}
        await ports.until("/healthz", 503)
        assert (await ports.get("/healthz"))[1] == "nothing comes through the watch of cronjobs any more\n"
        apiserver.mute = set()
        await ports.until("/healthz", 200)


async def test_an_apiserver_that_is_away_is_no_reason_to_restart(
    apiserver: FakeApiserver, tmp_path: Path, ports: Ports
) -> None:
    """It leads no more and its watches are silent for longer than they may be; a restart would lose what it knows."""
    quick = {"GRAPHCRON_LEASE_DURATION_SECONDS": "4", "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "3"}
    async with AsyncExitStack() as stack:
        serving = AsyncExitStack()
        url = await serving.enter_async_context(apiserver.serving())
        await stack.enter_async_context(operator(url, tmp_path, **ports.environment, **quick))
        await ports.until("/readyz", 200)
        await ports.until("/metrics", 200, "graphcron_leader 1.0")
        await apiserver.cut_watches()
        await serving.aclose()
        await ports.until("/metrics", 200, "graphcron_leader 0.0")
        assert await ports.get("/healthz") == (200, "ok\n")


async def test_it_is_not_ready_before_everything_is_listed(
    apiserver: FakeApiserver, tmp_path: Path, ports: Ports
) -> None:
    apiserver.held = {"jobs"}
    async with apiserver.serving() as url, operator(url, tmp_path, **ports.environment):
        await until(lambda: any("/jobs" in path for _, path in apiserver.requests))
        await ports.until("/readyz", 503)
        assert (await ports.get("/healthz"))[0] == 200
        apiserver.held = set()
        await ports.until("/readyz", 200)


async def test_what_it_did_is_in_the_metrics(apiserver: FakeApiserver, tmp_path: Path, ports: Ports) -> None:
    cron = {"metadata": {"name": "hello"}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"}}
    async with apiserver.serving() as url, operator(url, tmp_path, **ports.environment):
        await apiserver.put("graphcrons", cron)
        await apiserver.put(
            "graphcrons", cron | {"metadata": {"name": "paused"}, "spec": cron["spec"] | {"enabled": False}}
        )
        await apiserver.put("graphcrons", cron | {"metadata": {"name": "wrong"}, "spec": {"schedule": "never"}})
        await ports.until("/metrics", 200, 'graphcron_graphcrons{state="ready"} 1.0')
        await ports.until("/metrics", 200, 'graphcron_graphcrons{state="suspended"} 1.0')
        await ports.until("/metrics", 200, 'graphcron_graphcrons{state="stalled"} 1.0')
        await ports.until("/metrics", 200, "graphcron_last_watch_timestamp_seconds 1.")
        figures = await ports.figures()
    assert figures['graphcron_api_writes_total{kind="CronJob",verb="patch"}'] == 2
    assert figures['graphcron_api_writes_total{kind="GraphCron",verb="patch"}'] == 3
    assert figures['graphcron_api_writes_total{kind="Lease",verb="create"}'] == 1
    assert figures["graphcron_leader"] == 1
    assert figures["graphcron_queue_depth"] == 0
    assert figures["graphcron_retries_total"] == 0
    assert figures['graphcron_reconcile_duration_seconds_count{outcome="stalled"}'] >= 1
    assert figures["graphcron_last_watch_timestamp_seconds"] > 1.7e9
    named = {name.partition("{")[0].removeprefix("graphcron_") for name in figures if "hello" in name}
    assert named == {"consecutive_failures", "next_run_timestamp_seconds", "phase"}, (
        "the gauges of each GraphCron alone"
    )
