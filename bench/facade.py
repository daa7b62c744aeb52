"""What the facade costs: each figure beside its reference, taken by turns in the same run on the same machine.

`make bench`, or `python -m bench.facade --crons 1000 --requests 5000` for a quick look. It needs etcd and an apiserver
of its own (`cluster.control_plane`) and, as a reference, LangGraph's own server, and ends all of them.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from bench import facade_sides as sides
from cluster.control_plane import ControlPlane, control_plane

IN_FLIGHT = 20
BLOCK = 200
"""Creates of one side before it is the other's turn."""
ROUNDS = 9
FEW = 1000
"""Crons at which LangGraph's own server makes some 200 a second."""
SAMPLES = 200
"""Single requests of a kind on each side."""

Step = Callable[[int], Awaitable[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crons", type=int, default=10_000, help="how many crons are there when reads are measured")
    parser.add_argument("--requests", type=int, default=50_000, help="of the mixed load")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="graphcron-bench-") as folder, control_plane(Path(folder)) as plane:
        plane.install_crd(sides.ROOT / "crds/graphcrons.yaml")
        asyncio.run(measure(plane, options.crons, options.requests))


async def measure(plane: ControlPlane, crons: int, requests: int) -> None:
    print(f"{'':<44}{'ours':>10}{'reference':>12}{'ratio':>9}   wanted")
    async with sides.upstream() as agent_server:
        with ExitStack() as running:
            ours, _ = running.enter_context(sides.facade(plane, agent_server))
            theirs, _ = running.enter_context(sides.langgraph_api())
            async with _session(ours) as facade, _session(theirs) as langgraph, sides.to_apiserver(plane) as direct:
                apiserver = Apiserver(direct, plane.url)
                for size in dict.fromkeys((0, min(FEW, crons), crons)):
                    await fill(apiserver.create, await count(facade), size)
                    await fill(creator(langgraph), await count(langgraph), size)
                    await creates(facade, langgraph, apiserver, size)
                # Both sides made creates, ours by two doors.
                crons = max(await count(facade), await count(langgraph))
                await fill(apiserver.create, await count(facade), crons)
                await fill(creator(langgraph), await count(langgraph), crons)
                await reads(facade, langgraph)
            async with _session(ours) as facade, _session(agent_server) as straight:
                await passing(facade, straight)
            with sides.facade(plane, theirs) as (in_front, _):
                async with _session(in_front) as facade, _session(theirs) as straight:
                    await streaming(facade, straight)
        await memory(plane, agent_server, crons, requests)


# What is asked


def _session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=IN_FLIGHT + 1))


def body(number: int) -> dict[str, Any]:
    """A cron as people make them; one in a hundred belongs to the same tenant."""
    return {
        "assistant_id": "agent",
        "schedule": f"{number % 60} {number % 24} * * *",
        "timezone": "Europe/Berlin",
        "input": {
            "messages": [{"role": "user", "content": f"Write the morning report number {number}, in three lines"}]
        },
        "metadata": {"tenant": f"tenant-{number % 100}", "team": "reports", "number": number},
    }


class Apiserver:
    """Posts what the facade would have posted, and no more."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url + sides.CRONS

    async def create(self, number: int) -> None:
        rest = body(number)
        manifest = {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {"name": str(uuid.uuid4())},
            "spec": {"assistantId": rest.pop("assistant_id"), **rest},
        }
        async with self._session.post(self._url, json=manifest) as response:
            assert response.status == 201, await response.text()
            await response.json()


def creator(session: aiohttp.ClientSession) -> Step:
    async def create(number: int) -> Any:
        return await ask(session, "POST", "/runs/crons", body(number))

    return create


async def ask(session: aiohttp.ClientSession, method: str, path: str, json: Any = None) -> Any:
    async with session.request(method, path, json=json) as response:
        assert response.status in (200, 204), (response.status, await response.text())
        return await response.json() if response.status == 200 else None


async def count(session: aiohttp.ClientSession) -> int:
    return int(await ask(session, "POST", "/runs/crons/count", {}))


async def fill(create: Step, have: int, want: int) -> None:
    await at_once(create, range(have, want))


async def at_once(step: Step, numbers: Any, in_flight: int = IN_FLIGHT) -> float:
    """Seconds that all of them took, so many in flight."""
    queue = iter(numbers)

    async def worker() -> None:
        for number in queue:
            await step(number)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return time.perf_counter() - started


# The measurements


async def creates(
    facade: aiohttp.ClientSession, langgraph: aiohttp.ClientSession, apiserver: Apiserver, size: int
) -> None:
    """With so many crons there: LangGraph's own server takes longer for each the more it has."""
    steps = {"facade": creator(facade), "direct": apiserver.create, "langgraph": creator(langgraph)}
    rates: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():  # the first connections and the first compilation are nobody's
        await at_once(step, range(IN_FLIGHT))
    for turn in range(ROUNDS):
        for name, step in steps.items():
            rates[name].append(BLOCK / await at_once(step, range(turn * BLOCK, (turn + 1) * BLOCK)))
    ours, direct, theirs = (statistics.median(rates[name]) for name in steps)
    row(f"creates/s with {size} crons, to plain POSTs", ours, direct, "≥ 0.70")
    row(f"creates/s with {size} crons, to langgraph-api", ours, theirs, "> 1.00" if size else "")


async def reads(facade: aiohttp.ClientSession, langgraph: aiohttp.ClientSession) -> None:
    both = (facade, langgraph)
    search = {"metadata": {"tenant": "tenant-7"}, "sort_by": "updated_at", "sort_order": "asc", "limit": 10}
    have = await count(facade)

    async def searching(session: aiohttp.ClientSession) -> Step:
        return lambda _: ask(session, "POST", "/runs/crons/search", search)

    async def getting(session: aiohttp.ClientSession) -> Step:
        found = await ask(session, "POST", "/runs/crons/search", {"limit": 1000, "select": ["cron_id"]})
        ids = itertools.cycle([cron["cron_id"] for cron in found[:: max(1, len(found) // 100)]])
        return lambda _: ask(session, "GET", f"/runs/crons/{next(ids)}")

    for name, making in (("search", searching), ("get", getting)):
        ours, theirs = await by_turns(*[await making(session) for session in both])
        for label, of in (("p50", statistics.median), ("p95", p95)):
            row(f"{name} {label}, ms, of {have} crons", of(ours) * 1e3, of(theirs) * 1e3, "≤ 1.00" if of is p95 else "")
    for name, query in (("newest", {"limit": 10}), ("next to run", {"sort_by": "next_run_date", "limit": 10})):
        ours, theirs = await by_turns(*[wide(session, query) for session in both])
        row(f"the ten {name} of {have}, p95, ms", p95(ours) * 1e3, p95(theirs) * 1e3, "≤ 1.00")
        sided = ((facade, "/healthz"), (langgraph, "/ok"))
        (ours, our_wait), (theirs, their_wait) = [
            await crowded(side, wide(side, query), probe) for side, probe in sided
        ]
        row(f"the same, {IN_FLIGHT} in flight", p95(ours) * 1e3, p95(theirs) * 1e3, "≤ 1.00")
        row("longest wait of others meanwhile, ms", our_wait * 1e3, their_wait * 1e3, "")


def wide(session: aiohttp.ClientSession, query: dict[str, Any]) -> Step:
    """A search that every cron matches."""
    return lambda _: ask(session, "POST", "/runs/crons/search", query)


async def crowded(session: aiohttp.ClientSession, step: Step, probe: str) -> tuple[list[float], float]:
    """Seconds of each request, so many in flight; and the longest that a get of `probe` took beside them."""
    times: list[float] = []
    waits: list[float] = []

    async def timed(number: int) -> None:
        started = time.perf_counter()
        await step(number)
        times.append(time.perf_counter() - started)

    async def meanwhile() -> None:
        while True:
            started = time.perf_counter()
            await ask(session, "GET", probe)
            waits.append(time.perf_counter() - started)
            await asyncio.sleep(0.01)

    beside = asyncio.create_task(meanwhile())
    await at_once(timed, range(SAMPLES))
    beside.cancel()
    return times, max(waits)


async def passing(facade: aiohttp.ClientSession, straight: aiohttp.ClientSession) -> None:
    both = (facade, straight)
    ours, theirs = await by_turns(*[_small(session) for session in both])
    through, alone = statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3
    row(f"small request p50, ms (+{through - alone:.2f})", through, alone, "≤ 1 ms more")
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for rate, session in zip(rates, both, strict=True):
            rate.append(sides.STREAM_MB / await _large(session))
    through, alone = map(statistics.median, rates)
    row(f"{sides.STREAM_MB} MB stream, MB/s", through, alone, "≥ 0.95")
    firsts: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for first, session in zip(firsts, both, strict=True):
            first.append(await _first_event(session))
    through, alone = (statistics.median(first) * 1e3 for first in firsts)
    row("first event of a stream, ms", through, alone, "no 200 ms more")


async def streaming(facade: aiohttp.ClientSession, straight: aiohttp.ClientSession) -> None:
    """As `passing`, but what LangGraph's own server sends: the events of a run."""
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for rate, session in zip(rates, (facade, straight), strict=True):
            rate.append(await _run(session))
    through, alone = map(statistics.median, rates)
    row(f"{sides.STREAM_MB} MB of a run's events, MB/s", through, alone, "≥ 0.95")


async def memory(plane: ControlPlane, agent_server: str, crons: int, requests: int) -> None:
    starts: list[float] = []
    bare: list[float] = []
    for _ in range(3):
        bare.append(sides.bare_client(plane))
        started = time.perf_counter()
        with sides.facade(plane, agent_server):
            starts.append(time.perf_counter() - started)
    row(f"ready with {crons} crons, s, to a bare list", statistics.median(starts), statistics.median(bare), "≤ 2.00")
    with sides.facade(plane, agent_server) as (url, pid):
        async with _session(url) as facade:
            row("resident at start, MiB, to the limit", sides.resident_mib(pid), 200, "≤ 1.00")
            mixed = await _mixed(facade)
            await at_once(mixed, range(requests // 10))  # buffers, connections and caches come to their size
            before = sides.resident_mib(pid)
            await at_once(mixed, range(requests // 10, requests))
            after = sides.resident_mib(pid)
            row(f"resident after {requests} requests, to after {requests // 10}", after, before, "≈ 1.00")
            row("resident after all of them, MiB, to the limit", after, 200, "≤ 1.00")


async def _mixed(facade: aiohttp.ClientSession) -> Step:
    """Mostly gets, and of everything else some; what it makes it deletes, so that as many crons are left as before."""
    known = [cron["cron_id"] for cron in await ask(facade, "POST", "/runs/crons/search", {"limit": 1000})]
    create = creator(facade)
    made: list[str] = []

    async def step(number: int) -> None:
        match number % 20:
            case 0:
                made.append((await create(number))["cron_id"])
            case 10 if made:
                await ask(facade, "DELETE", f"/runs/crons/{made.pop()}")
            case 5:
                query = {"metadata": {"tenant": f"tenant-{number % 100}"}, "sort_by": "created_at"}
                await ask(facade, "POST", "/runs/crons/search", query)
            case 15:
                await ask(facade, "PATCH", f"/runs/crons/{known[number % len(known)]}", {"metadata": {"n": number}})
            case 7:
                await ask(facade, "GET", "/passed/through")
            case _:
                await ask(facade, "GET", f"/runs/crons/{known[number % len(known)]}")

    return step


def _small(session: aiohttp.ClientSession) -> Step:
    return lambda _: ask(session, "GET", "/small")


async def _large(session: aiohttp.ClientSession) -> float:
    started, size = time.perf_counter(), 0
    async with session.get("/large") as response:
        async for chunk in response.content.iter_any():
            size += len(chunk)
    assert size == sides.STREAM_MB * 1024 * 1024
    return time.perf_counter() - started


async def _run(session: aiohttp.ClientSession) -> float:
    """MB per second of a run's events, which hold the question twice and the answer to it, as long, once."""
    started, size = time.perf_counter(), 0
    question = "x" * (sides.STREAM_MB * 1024 * 1024 // 3)
    run = {
        "assistant_id": "agent",
        "stream_mode": "values",
        "input": {"messages": [{"role": "user", "content": question}]},
    }
    async with session.post("/runs/stream", json=run) as response:
        async for chunk in response.content.iter_any():
            size += len(chunk)
    assert size >= sides.STREAM_MB * 1024 * 1024
    return size / 1024 / 1024 / (time.perf_counter() - started)


async def _first_event(session: aiohttp.ClientSession) -> float:
    started = time.perf_counter()
    async with session.get("/events") as response:
        assert await response.content.readline() == b"data: first\n"
        return time.perf_counter() - started


async def by_turns(ours: Step, theirs: Step) -> tuple[list[float], list[float]]:
    """Seconds of each request, one in flight, so that whatever else the machine does falls on both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(-10, SAMPLES):
        for step, results in zip((ours, theirs), seconds, strict=True):
            started = time.perf_counter()
            await step(number)
            if number >= 0:
                results.append(time.perf_counter() - started)
    return seconds


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def row(what: str, ours: float, reference: float, wanted: str) -> None:
    print(f"{what:<44}{ours:>10.2f}{reference:>12.2f}{ours / reference:>9.2f}   {wanted}", flush=True)


if __name__ == "__main__":
    main()
