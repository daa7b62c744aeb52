"""What the operator costs, against the least that could do its work (`bare_client`): each on an apiserver of its own.

`python -m bench.operator_scale [COUNT …] [--idle SECONDS] [--rounds N]`: 1,000 unless counts are given, of several how
cost grows. It fails when a figure misses its limit. Wall times of both share the machine with the apiserver, which is
what holds both up; CPU per object is what tells them apart. What a machine that is shared has to give changes from
minute to minute: so the creation is measured some times by turns, and the median counts.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from graphcron.operator.cronjob import Installation
from graphcron.operator.observed import Observed
from graphcron.operator.reconcile import conclude, decide
from graphcron.operator.run_pod import RunPods

NAMESPACE = "default"
CRONS = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons"
CREATING = 40
"""Creations in flight: more than either can keep up with."""
EDITS = 200
RESTARTS = 3
PATIENCE = 900.0

LIMITS = {
    "all Ready, s": 1.3, "CPU per object, ms": 3 / 1.4,
    "restart, s": 3.0, "edited while down, s": 2.0, "edit p50, ms": 2.0, "edit p99, ms": 2.0,
}  # fmt: skip
"""Times the bare client's. Of CPU 3 ms are allowed where that takes 1.4: other machines are slower, or faster."""
IDLE_PERCENT = 1.0
PEAK_MIB = 200.0


@dataclass
class Subject:
    """A program that is measured."""

    name: str
    command: list[str]
    environment: dict[str, str]
    metrics: int = 0
    process: asyncio.subprocess.Process | None = None
    log: Path = Path(os.devnull)

    async def start(self) -> float:
        """Returns when, by `perf_counter`."""
        assert self.process is None
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=os.environ | self.environment,
                stdout=asyncio.subprocess.PIPE if not self.metrics else log,
                stderr=log,
            )
        return began

    async def stop(self) -> None:
        assert self.process
        self.process.terminate()
        await self.process.wait()
        self.process = None

    @property
    def cpu(self) -> float:
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mib(self) -> float:
        assert self.process
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", text)
        assert found
        return int(found[1]) / 1024


class Watcher:
    """Sees what users see: which GraphCrons are ready, and when a CronJob changes."""

    def __init__(self) -> None:
        self.behind: set[str] = set()
        self.schedules: dict[str, str] = {}
        self.following = 0
        self.changed = asyncio.Condition()

    async def follow(self, session: aiohttp.ClientSession, path: str) -> None:
        async with session.get(path, params={"limit": "1"}) as answer:
            listed = await answer.json()
            assert answer.status == 200, listed
        version = listed["metadata"]["resourceVersion"]
        self.following += 1
        while True:  # the apiserver ends watches of a resource that has only just been defined, or forgets them
            watch = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "20"}
            async with session.get(path, params=watch) as answer:
                assert answer.status == 200, await answer.text()
                async for line in answer.content:
                    event = json.loads(line)
                    assert event["type"] != "ERROR", event
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._see(event)
                    async with self.changed:
                        self.changed.notify_all()

    def _see(self, event: dict[str, Any]) -> None:
        item = event["object"]
        name = item["metadata"]["name"]
        if item["kind"] == "CronJob":
            self.schedules[name] = item["spec"]["schedule"]
        elif (item.get("status") or {}).get("observedGeneration") == item["metadata"]["generation"]:
            self.behind.discard(name)

    async def until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds), self.changed:
            while not holds():
                await self.changed.wait()


@dataclass
class Bench:
    """One subject on an apiserver of its own, with so many GraphCrons."""

    plane: ControlPlane
    session: aiohttp.ClientSession
    subject: Subject
    count: int
    idle: float
    watcher: Watcher = field(default_factory=Watcher)
    figures: dict[str, float] = field(default_factory=dict)

    async def run(self, *, creation_only: bool) -> dict[str, float]:
        async with asyncio.TaskGroup() as group:  # a watch that fails ends it all
            following = [
                group.create_task(self.watcher.follow(self.session, path))
                for path in (CRONS, f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs")
            ]
            try:
                while self.watcher.following < len(following):  # noqa: ASYNC110 - a moment, and no figure yet
                    await asyncio.sleep(0.05)
                await self._create()
                if not creation_only:
                    await self._idle()
                    await self._edit()
                    await self._restart()
            finally:
                for task in following:
                    task.cancel()
                if self.subject.process:
                    await self.subject.stop()
        return self.figures

    async def _create(self) -> None:
        await self._start(0)
        writes, cpu, plane_cpu, began = self._writes(), self.subject.cpu, self.plane.cpu_seconds(), time.perf_counter()
        names = iter([f"cron-{number:05}" for number in range(self.count)])
        self.watcher.behind = {f"cron-{number:05}" for number in range(self.count)}

        async def create() -> None:
            for name in names:
                manifest = graphcron(name, int(name[-5:]))
                async with self.session.post(CRONS, json=manifest) as answer:
                    assert answer.status == 201, await answer.text()

        await asyncio.gather(*(create() for _ in range(CREATING)))
        self.figures["all created, s"] = time.perf_counter() - began
        await self.watcher.until(lambda: not self.watcher.behind)
        self.figures["all Ready, s"] = time.perf_counter() - began
        self.figures["CPU per object, ms"] = (self.subject.cpu - cpu) / self.count * 1e3
        self.figures["apiserver's CPU per object, ms"] = (self.plane.cpu_seconds() - plane_cpu) / self.count * 1e3
        self.figures["peak, MiB"] = self.subject.peak_mib
        self.figures["writes per object"] = (self._writes() - writes) / self.count

    async def _idle(self) -> None:
        await asyncio.sleep(2)
        writes, cpu, began = self._writes(), self.subject.cpu, time.perf_counter()
        await asyncio.sleep(self.idle)
        self.figures["idle CPU, %"] = (self.subject.cpu - cpu) / (time.perf_counter() - began) * 100
        self.figures["idle writes"] = self._writes() - writes

    async def _edit(self) -> None:
        """One at a time: from the answer to the edit until a user sees the CronJob change."""
        latencies = []
        step = max(1, self.count // EDITS)
        for number in range(0, self.count, step):
            name, schedule = f"cron-{number:05}", f"{number % 60} 7 1 1 *"
            await self._change(name, schedule)
            began = time.perf_counter()
            await self.watcher.until(lambda name=name, wanted=schedule: self.watcher.schedules[name] == wanted)  # type: ignore[misc]
            latencies.append((time.perf_counter() - began) * 1e3)
            await self.watcher.until(lambda: not self.watcher.behind)
        self.figures["edit p50, ms"] = statistics.median(latencies)
        self.figures["edit p99, ms"] = sorted(latencies)[int(len(latencies) * 0.99)]

    async def _restart(self) -> None:
        await self.subject.stop()
        writes = self._writes()
        times = []
        for _ in range(RESTARTS):
            times.append(await self._start(self.count))
            await asyncio.sleep(1)
            await self.subject.stop()
        self.figures["restart, s"] = statistics.median(times)
        self.figures["restart writes"] = self._writes() - writes
        writes, edits, times = self._writes(), 0, []
        for turn in range(RESTARTS):
            for number in range(turn, self.count, 100):
                await self._change(f"cron-{number:05}", f"{number % 60} 6 1 1 *")
                edits += 1
            began = await self.subject.start()
            await self.watcher.until(lambda: not self.watcher.behind)
            times.append(time.perf_counter() - began)
            await asyncio.sleep(1)
            await self.subject.stop()
        self.figures["edited while down, s"] = statistics.median(times)
        self.figures["writes per edit"] = (self._writes() - writes) / edits

    async def _change(self, name: str, schedule: str) -> None:
        self.watcher.behind.add(name)
        headers = {"Content-Type": "application/merge-patch+json"}
        body = json.dumps({"spec": {"schedule": schedule}})
        async with self.session.patch(f"{CRONS}/{name}", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def _start(self, known: int) -> float:
        """Seconds from its start until it has seen and compared everything: the bare client says so, the operator's
        metrics tell."""
        began = await self.subject.start()
        assert self.subject.process
        if not self.subject.metrics:
            assert self.subject.process.stdout
            await self.subject.process.stdout.readline()
            return time.perf_counter() - began
        async with asyncio.timeout(PATIENCE):
            while not await self._caught_up(known):  # noqa: ASYNC110 - it announces nothing
                await asyncio.sleep(0.1)
        return time.perf_counter() - began

    async def _caught_up(self, known: int) -> bool:
        url = f"http://127.0.0.1:{self.subject.metrics}/metrics"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                text = await answer.text()
        except aiohttp.ClientError:
            return False
        looks = sum(float(number) for number in re.findall(r"^graphcron_reconcile\w+_count{.*} (\S+)$", text, re.M))
        return looks >= known and "graphcron_queue_depth 0.0" in text and "graphcron_leader 1.0" in text

    def _writes(self) -> int:
        """Its own so far, Leases apart."""
        agent = f'"userAgent":"{"bare" if not self.subject.metrics else "graphcron/"}'
        with self.plane.audit_log.open() as lines:
            return sum(agent in line and '"resource":"leases"' not in line for line in lines)


def graphcron(name: str, number: int = 0) -> dict[str, Any]:
    """Due once a year, each at a minute of its own: none fires while it is measured."""
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "schedule": f"{number % 60} {number // 60 % 24} 1 2 *",
            "timezone": "Europe/Berlin",
            "assistantId": "agent",
            "input": {"messages": [{"role": "user", "content": "What happened since yesterday? " * 4}]},
        },
    }


def templates() -> tuple[str, str]:
    """A CronJob and a status as the operator writes them, with blanks."""
    manifest = graphcron("x-name")
    manifest["metadata"] |= {"uid": "x-uid", "generation": 1}
    seen = Observed(manifest, None)
    now = datetime.now(UTC)
    plan = decide(seen, Installation(RunPods(image="graphcron:bench", server_url="http://agent.example")), now)
    assert plan.apply
    status, _ = conclude(Observed(manifest, plan.apply | {"status": {}}), plan, now)
    cron_job = plan.apply | {"spec": plan.apply["spec"] | {"schedule": "x-schedule"}}
    text = json.dumps({"status": status | {"observedGeneration": "x-generation", "cronJobName": "x"}})
    return json.dumps(cron_job), text


def bare(plane: ControlPlane, folder: Path) -> Subject:
    cron_job, status = templates()
    pki = plane.place.pki
    given = {
        "url": plane.url, "ca": str(pki / "ca.crt"), "certificate": str(pki / "admin.crt"),
        "key": str(pki / "admin.key"), "cron_job": cron_job, "status": status,
    }  # fmt: skip
    script = str(Path(__file__).with_name("bare_client.py"))
    return Subject("bare", [sys.executable, script], {"BARE_CLIENT": json.dumps(given)}, log=folder / "bare.log")


def operator(plane: ControlPlane, folder: Path) -> Subject:
    metrics, health = _free_port(), _free_port()
    environment = {
        "KUBECONFIG": str(plane.kubeconfig), "PYTHONPATH": str(HERE.root / "operator"),
        "GRAPHCRON_RUN_IMAGE": "graphcron:bench", "AGENT_SERVER_URL": "http://agent.example",
        "GRAPHCRON_POD": "bench", "GRAPHCRON_METRICS_PORT": str(metrics), "GRAPHCRON_HEALTH_PORT": str(health),
        "GRAPHCRON_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "graphcron", "operator"]
    return Subject("operator", command, environment, metrics, log=folder / "operator.log")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def session_of(plane: ControlPlane) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        plane.url,
        connector=aiohttp.TCPConnector(ssl=plane.api.context, limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=2**22,
    ) as session:
        yield session


Make = Callable[[ControlPlane, Path], Subject]


async def measure(make: Make, count: int, idle: float, *, creation_only: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="graphcron-bench-") as name:
        folder = Path(name)
        with control_plane(folder) as plane:
            plane.install_crd(HERE.root / "crds/graphcrons.yaml")
            async with session_of(plane) as session:
                subject = make(plane, folder)
                try:
                    return await Bench(plane, session, subject, count, idle).run(creation_only=creation_only)
                finally:
                    sys.stderr.write(subject.log.read_text()[-2000:])


def summary(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of what was measured several times the median; of memory and writes the most."""
    found = {}
    for name in runs[-1]:
        values = [run[name] for run in runs if name in run]
        found[name] = max(values) if name in ("peak, MiB", "writes per object") else statistics.median(values)
    return found


def compare(count: int, ours: dict[str, float], theirs: dict[str, float]) -> list[str]:
    """Prints both; returns what missed its limit."""
    print(f"\n{count} GraphCrons{'':<22}{'operator':>10}{'bare':>10}{'ratio':>8}{'limit':>8}")
    missed = []
    for name, value in ours.items():
        other = theirs[name]
        ratio = value / other if other else float("nan")
        limit: float | None = LIMITS.get(name)
        late = limit is not None and ratio > limit
        shown = f"{limit:.3g}×" if limit else ""
        absolute = {"peak, MiB": PEAK_MIB, "idle CPU, %": IDLE_PERCENT}.get(name)
        exact = {"writes per object": 2, "idle writes": 0, "restart writes": 0, "writes per edit": 2}.get(name)
        if absolute is not None:
            late, shown = value > absolute, f"{absolute}"
        if exact is not None:
            late, shown = value != exact, f"= {exact}"
        print(f"  {name:<32}{value:>10.2f}{other:>10.2f}{ratio:>8.2f}{shown:>8}{'  MISSED' if late else ''}")
        missed += [f"{count}: {name}"] if late else []
    return missed


def plot(name: str, values: dict[int, float]) -> None:
    """Of a cost that grows with the number of objects all bars are as long."""
    print(f"\n{name}")
    longest = max(values.values())
    for count, value in values.items():
        print(f"{count:>7} {'█' * round(50 * value / longest):<50}{value:>7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1000])
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    missed, rows = [], []
    for count in given.counts:
        runs: dict[Make, list[dict[str, float]]] = {bare: [], operator: []}
        for turn in range(given.rounds):
            short = turn + 1 < given.rounds
            for make, seconds in ((bare, 1.0), (operator, given.idle)):
                runs[make].append(asyncio.run(measure(make, count, seconds, creation_only=short)))
                spent = runs[make][-1]["CPU per object, ms"]
                print(f"{count}, round {turn + 1}: {make.__name__} {spent:.2f} ms of CPU per object", flush=True)
        theirs, ours = summary(runs[bare]), summary(runs[operator])
        missed += compare(count, ours, theirs)
        rows.append((count, ours))
    if len(rows) > 1:
        plot("all Ready, s for each 1000", {count: ours["all Ready, s"] / count * 1e3 for count, ours in rows})
        plot("CPU per object, ms", {count: ours["CPU per object, ms"] for count, ours in rows})
        plot("restart, s for each 1000", {count: ours["restart, s"] / count * 1e3 for count, ours in rows})
    if missed:
        raise SystemExit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
