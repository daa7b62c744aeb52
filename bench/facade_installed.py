"""What the facade's requests cost as it is installed, with the operator at work beside it.

`python -m bench.facade_installed`: real processes of facade and operator with the chart's settings, in front of an etcd
and an apiserver of their own. Each request stands beside the plain call to the apiserver that does the same. A round
measures both sides, every other one in the other order; the figures are medians of the rounds, and the ratio comes with
its smallest and its largest. What LangGraph's server needs for the same is in `bench.facade`.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench import facade_sides as sides
from bench.facade import IN_FLIGHT, at_once, body, creator
from cluster.control_plane import ControlPlane, control_plane

BLOCK = 100
"""Requests of one side in a round."""
PATIENCE_SECONDS = 300.0

Step = Callable[[int], Awaitable[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crons", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="graphcron-bench-") as folder, control_plane(Path(folder)) as plane:
        for crd in sorted((sides.ROOT / "crds").glob("*.yaml")):
            plane.install_crd(crd)
        asyncio.run(measure(plane, options.crons, options.rounds))


async def measure(plane: ControlPlane, crons: int, rounds: int) -> None:
    async with sides.upstream() as agent_server:
        with operator(plane), sides.facade(plane, agent_server) as (url, _):
            connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
            async with aiohttp.ClientSession(url, connector=connector) as facade, sides.to_apiserver(plane) as direct:
                plain = Plain(direct, plane.url)
                await at_once(plain.create, range(crons))
                await plain.reconciled()
                ours = Rest(facade)
                print(f"with {crons} crons, medians of {rounds} rounds")
                print(f"{'':<44}{'facade':>10}{'plain':>10}{'ratio':>8}{'from':>7}{'to':>7}   wanted")
                await by_rounds("create, a second, 20 in flight", rounds, ours.create, plain.create, IN_FLIGHT, 0.8)
                ours.names, plain.names = ours.made[:], plain.made[:]
                await by_rounds("get, ms", rounds, ours.get, plain.get, 1, 1.2)
                await by_rounds("update, ms", rounds, ours.patch, plain.patch, 1, 1.2)
                await by_rounds("update, a second, 20 in flight", rounds, ours.patch, plain.patch, IN_FLIGHT, 0.8)
                await by_rounds("delete, ms", rounds, ours.delete, plain.delete, 1, 1.3)


async def by_rounds(what: str, rounds: int, ours: Step, theirs: Step, in_flight: int, wanted: float) -> None:
    """Alone, the median of a request in milliseconds, and less is better; otherwise requests a second."""
    results: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for number in (0, 1) if turn % 2 else (1, 0):
            step = (ours, theirs)[number]
            numbers = range(turn * BLOCK, (turn + 1) * BLOCK)
            if in_flight > 1:
                results[number].append(BLOCK / await at_once(step, numbers, in_flight))
            else:
                results[number].append(statistics.median([await timed(step, one) for one in numbers]) * 1e3)
    ratios = [our / their for our, their in zip(*results, strict=True)]
    middle = [statistics.median(values) for values in (*results, ratios)]
    sign = "≥" if in_flight > 1 else "≤"
    print(
        f"{what:<44}{middle[0]:>10.1f}{middle[1]:>10.1f}{middle[2]:>8.2f}{min(ratios):>7.2f}{max(ratios):>7.2f}"
        f"   {sign} {wanted}",
        flush=True,
    )


async def timed(step: Step, number: int) -> float:
    started = time.perf_counter()
    await step(number)
    return time.perf_counter() - started


class Rest:
    """The requests of an SDK."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._create = creator(session)
        self.made: list[str] = []
        self.names: Sequence[str] = ()

    async def create(self, number: int) -> None:
        self.made.append((await self._create(number))["cron_id"])

    async def get(self, number: int) -> None:
        await self._ask("GET", self.names[number % len(self.names)])

    async def patch(self, number: int) -> None:
        await self._ask("PATCH", self.names[number % len(self.names)], {"metadata": {"turn": str(uuid.uuid4())}})

    async def delete(self, number: int) -> None:
        await self._ask("DELETE", self.made.pop())

    async def _ask(self, method: str, name: str, json: Any = None) -> None:
        async with self._session.request(method, f"/runs/crons/{name}", json=json) as answer:
            assert answer.status in (200, 204), await answer.text()
            await answer.read()


class Plain:
    """The same by the apiserver's own API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url + sides.CRONS
        self.made: list[str] = []
        self.names: Sequence[str] = ()

    async def create(self, number: int) -> None:
        rest = body(number)
        name = str(uuid.uuid4())
        manifest = {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {"name": name},
            "spec": {"assistantId": rest.pop("assistant_id"), **rest},
        }
        await self._ask("POST", "", manifest)
        self.made.append(name)

    async def get(self, number: int) -> None:
        await self._ask("GET", f"/{self.names[number % len(self.names)]}")

    async def patch(self, number: int) -> None:
        """A merge patch."""
        change = {"spec": {"metadata": {"turn": str(uuid.uuid4())}}}
        await self._ask("PATCH", f"/{self.names[number % len(self.names)]}", change)

    async def delete(self, number: int) -> None:
        await self._ask("DELETE", f"/{self.made.pop()}")

    async def reconciled(self) -> None:
        """Wait until the operator has written each status."""
        for _ in range(int(PATIENCE_SECONDS)):
            async with self._session.get(self._url) as answer:
                items = (await answer.json())["items"]
            if all("conditions" in item.get("status", {}) for item in items):
                return
            await asyncio.sleep(1)
        raise SystemExit(f"the operator did not reconcile {len(items)} GraphCrons within {PATIENCE_SECONDS:.0f} s")

    async def _ask(self, method: str, path: str, json: Any = None) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        async with self._session.request(
            method, self._url + path, json=json, headers={"Content-Type": kind} if json else None
        ) as answer:
            assert answer.status in (200, 201), await answer.text()
            await answer.read()


@contextmanager
def operator(plane: ControlPlane) -> Iterator[int]:
    """`graphcron operator`, with what the chart sets; its pid."""
    port = sides.free_port()
    environment = {
        "PYTHONPATH": str(sides.ROOT / "operator"),
        "KUBECONFIG": str(plane.kubeconfig),
        "GRAPHCRON_RUN_IMAGE": "graphcron:bench",
        "GRAPHCRON_WATCH_NAMESPACE": sides.NAMESPACE,
        "GRAPHCRON_NAMESPACE": sides.NAMESPACE,
        "GRAPHCRON_HEALTH_PORT": str(port),
        "GRAPHCRON_METRICS_PORT": str(sides.free_port()),
        "AGENT_SERVER_URL": "http://127.0.0.1:1",
    }
    argv = [sys.executable, "-m", "graphcron", "operator"]
    with sides.process("the operator", argv, port, "/readyz", sides.ROOT, **environment) as pid:
        yield pid


if __name__ == "__main__":
    main()
