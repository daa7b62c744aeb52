"""Any order of edits, deletions, crashes, lost watches and refusals ends in one state, and then nothing is written.

A real apiserver of its own, a proxy that misbehaves, and the operator as a process. The steps are random, and with
`--exhaustive` others in each run: the seed is printed, and GRAPHCRON_TEST_SEED repeats a run.
"""

import asyncio
import copy
import json
import os
import random
import signal
import ssl
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import unused_port

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from graphcron.kube import jsontext
from graphcron.operator.cronjob import Installation
from graphcron.operator.observed import Observed, owns
from graphcron.operator.reconcile import conclude, decide
from graphcron.operator.run_pod import RunPods
from tests.chart.helm import render
from tests.support.extent import SEED, Extent
from tests.support.kubeconfig import cluster_and_user
from tests.support.operator_process import operator_by
from tests.support.unruly_proxy import UnrulyProxy
from tests.support.until import until

STEPS, SAMPLE = 60, 20
PATIENCE = 60.0
NAMES = [f"cron-{number}" for number in range(8)]
CRONS = "/apis/graphcron.dev/v1/namespaces/team/graphcrons"
CRON_JOBS = "/apis/batch/v1/namespaces/team/cronjobs"
INSTALLATION = Installation(RunPods(image="graphcron:test", server_url="http://agent.example"))

READABLE: list[dict[str, Any]] = [
    {"schedule": "0 0 1 1 *", "assistantId": "agent"},
    {"schedule": "30 4 1 1 *", "timezone": "Europe/Berlin", "assistantId": "agent"},
    {"schedule": "0 0 1 1 *", "assistantId": "agent", "enabled": False},
    {"schedule": "0 12 L 12 *", "assistantId": "agent", "input": {"text": "last day"}},
]
UNREADABLE: list[dict[str, Any]] = [
    {"schedule": "never", "assistantId": "agent"},
    {"schedule": 7, "assistantId": ["agent"]},
    {"schedule": "0 0 1 1 *"},
    {"schedule": "0 0 1 1 *", "assistantId": "agent", "timezone": "Europe/Nowhere"},
    {"future": {"field": True}},
]
"""What an older CRD let in, or a newer one; a schema without rules lets it in here."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("plane")
    with control_plane(folder) as plane:
        manifest = yaml.safe_load((HERE.root / "crds/graphcrons.yaml").read_text())
        for version in manifest["spec"]["versions"]:
            version["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        (folder / "crd.yaml").write_text(yaml.safe_dump(manifest))
        plane.install_crd(folder / "crd.yaml")
        for namespace in ("team", "ns", "elsewhere"):
            plane.install({"metadata": {"name": namespace}}, "/api/v1/namespaces")
        yield plane


class World:
    """The apiserver as users, the garbage collector and chance act on it."""

    def __init__(self, plane: ControlPlane, proxy: UnrulyProxy, url: str, folder: Path) -> None:
        self.plane = plane
        self.proxy = proxy
        self.url = url
        self.folder = folder
        self.health = unused_port()
        self._process: asyncio.subprocess.Process
        self._stack = AsyncExitStack()

    async def ask(self, method: str, path: str, body: object = None, *, may: tuple[int, ...] = ()) -> Any:
        async with asyncio.timeout(PATIENCE):
            while True:
                status, answer = await asyncio.to_thread(self.plane.api.request, method, path, body)
                if status != 429:  # of an apiserver that has only just begun: kubectl asks again, too
                    break
                await asyncio.sleep(0.2)
        assert status < 300 or status in may, (method, path, answer)
        return answer

    async def graphcrons(self) -> dict[str, dict[str, Any]]:
        return {item["metadata"]["name"]: item for item in (await self.ask("GET", CRONS))["items"]}

    async def cron_jobs(self) -> dict[str, dict[str, Any]]:
        found = (await self.ask("GET", CRON_JOBS))["items"]  # a list does not repeat what its items are
        return {item["metadata"]["name"]: item | {"apiVersion": "batch/v1", "kind": "CronJob"} for item in found}

    async def start_operator(self) -> None:
        settings = {"GRAPHCRON_POD": "operator", "GRAPHCRON_HEALTH_PORT": str(self.health)}
        running = operator_by({"server": self.url}, {"token": "none"}, self.folder, **settings)
        self._process = await self._stack.enter_async_context(running)
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, output: asyncio.StreamReader | None) -> None:
        """A pipe that nobody reads would stop the operator."""
        assert output
        async for line in output:
            sys.stdout.write(line.decode())

    async def stop_operator(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
        await self._reading
        await self._stack.aclose()

    async def collect(self) -> None:
        """As the garbage collector: what is owned by nobody goes."""
        uids = {graphcron["metadata"]["uid"] for graphcron in (await self.graphcrons()).values()}
        for name, cron_job in (await self.cron_jobs()).items():
            if not any(owner["uid"] in uids for owner in cron_job["metadata"].get("ownerReferences", [])):
                await self.ask("DELETE", f"{CRON_JOBS}/{name}", may=(404,))

    async def is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.health}/readyz"
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def until(self, holds: Any, what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await holds():  # noqa: ASYNC110 - the operator announces nothing
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"{what}: not so after {PATIENCE:.0f} s: {await self.unsettled()}")

    async def unsettled(self) -> list[str]:
        """GraphCrons that the core would still do something about, and CronJobs that nobody owns."""
        graphcrons, cron_jobs = await self.graphcrons(), await self.cron_jobs()
        now = datetime.now(UTC)
        left = []
        for name, graphcron in graphcrons.items():
            live = cron_jobs.get(name)
            seen = Observed(graphcron, live if live and owns(graphcron, live) else None)
            plan = decide(seen, INSTALLATION, now)
            wanted, _ = conclude(seen, plan, now)
            if plan.apply is not None or wanted != graphcron.get("status"):
                left.append(f"{name}: apply {plan.apply}, status {wanted}, and it is {graphcron.get('status')}")
        uids = {graphcron["metadata"]["uid"] for graphcron in graphcrons.values()}
        for name, live in cron_jobs.items():
            if not any(owner["uid"] in uids for owner in live["metadata"].get("ownerReferences", [])):
                left.append(f"the CronJob {name}")
        return left

    async def settled(self) -> bool:
        await self.collect()
        return not await self.unsettled()


class Steps:
    """What can happen, each by a method; `chance` decides which, and on what."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.events: list[str] = []
        self.crashes = 1
        """Restarts of the apiserver that are left: each takes seconds."""

    async def step(self) -> None:
        acts = {
            self.create: 10, self.edit: 10, self.delete: 5, self.edit_cron_job: 4, self.delete_cron_job: 3,
            self.restart_operator: 2, self.kill_operator: 2, self.cut: 4, self.expire: 4, self.go_blind: 2,
            self.refuse: 6, self.restart_apiserver: 1,
        }  # fmt: skip
        (act,) = self.chance.choices(list(acts), list(acts.values()))
        self.events.append(act.__name__)
        await act()
        if self.chance.random() < 0.3:
            await asyncio.sleep(self.chance.random() * 0.3)  # at any moment of what the operator is doing
        if self.chance.random() < 0.5:
            await self.world.collect()

    def _spec(self) -> dict[str, Any]:
        return copy.deepcopy(self.chance.choice(READABLE * 2 + UNREADABLE))

    async def create(self) -> None:
        name = self.chance.choice(NAMES)
        manifest = {
            "apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": name}, "spec": self._spec(),
        }  # fmt: skip
        await self.world.ask("POST", CRONS, manifest, may=(409,))

    async def edit(self) -> None:
        found = await self.world.graphcrons()
        if found:
            manifest = found[self.chance.choice(sorted(found))]
            manifest["spec"] = self._spec()
            await self.world.ask("PUT", f"{CRONS}/{manifest['metadata']['name']}", manifest, may=(404, 409))

    async def delete(self) -> None:
        await self.world.ask("DELETE", f"{CRONS}/{self.chance.choice(NAMES)}", may=(404,))

    async def edit_cron_job(self) -> None:
        found = await self.world.cron_jobs()
        if found:
            manifest = found[self.chance.choice(sorted(found))]
            manifest["spec"] |= {"schedule": "1 1 1 1 *", "suspend": self.chance.random() < 0.5}
            await self.world.ask("PUT", f"{CRON_JOBS}/{manifest['metadata']['name']}", manifest, may=(404, 409))

    async def delete_cron_job(self) -> None:
        await self.world.ask("DELETE", f"{CRON_JOBS}/{self.chance.choice(NAMES)}", may=(404,))

    async def restart_operator(self) -> None:
        await self.world.stop_operator()
        await self.world.start_operator()

    async def kill_operator(self) -> None:
        await self.world.stop_operator(signal.SIGKILL)
        await self.world.start_operator()

    async def cut(self) -> None:
        self.world.proxy.cut()

    async def expire(self) -> None:
        self.world.proxy.expire()

    async def go_blind(self) -> None:
        """Things happen that no watch tells of; a list finds them, or what is missing in it does."""
        self.world.proxy.blind = True
        self.chance.choice([self.world.proxy.cut, self.world.proxy.expire])()
        for _ in range(3):
            await self.chance.choice([self.create, self.edit, self.delete, self.edit_cron_job, self.delete_cron_job])()
        await self.world.collect()
        self.world.proxy.blind = False

    async def refuse(self) -> None:
        self.world.proxy.refusals += [self.chance.choice([409, 429, 429, 500])] * self.chance.randrange(1, 6)

    async def restart_apiserver(self) -> None:
        if self.crashes:
            self.crashes -= 1
            self.world.plane.kill_apiserver()
            self.world.plane.start()


@asynccontextmanager
async def world(plane: ControlPlane, folder: Path) -> AsyncIterator[World]:
    trust = ssl.create_default_context(cafile=plane.place.pki / "ca.crt")
    trust.load_cert_chain(plane.place.pki / "admin.crt", plane.place.pki / "admin.key")
    proxy = UnrulyProxy(plane.url, trust)
    async with proxy.serving() as url:
        world = World(plane, proxy, url, folder)
        await world.start_operator()
        try:
            yield world
        finally:
            await world.stop_operator()


async def test_any_order_of_events_ends_in_the_same_state_with_no_write_left(
    plane: ControlPlane, tmp_path: Path, extent: Extent
) -> None:
    seed = int(os.environ.get("GRAPHCRON_TEST_SEED") or (random.randrange(10**6) if extent.exhaustive else SEED))
    print(f"GRAPHCRON_TEST_SEED={seed}")  # noqa: T201 - pytest shows it when the test has failed
    async with world(plane, tmp_path) as here:
        steps = Steps(here, random.Random(seed))
        for _ in range(extent.count(STEPS, SAMPLE)):
            await steps.step()
        print(*steps.events)  # noqa: T201
        here.proxy.refusals.clear()
        await here.until(here.settled, "everything in line")
        await says_what_is(here)

        await here.stop_operator()
        here.proxy.writes.clear()
        await here.start_operator()
        await here.until(here.is_ready, "the operator is back")
        last = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "last"}}
        await here.ask("POST", CRONS, last | {"spec": READABLE[0]})
        await here.until(here.settled, "the last one in line")
        assert here.proxy.writes == [f"PATCH {CRON_JOBS}/last", f"PATCH {CRONS}/last/status"]


async def says_what_is(here: World) -> None:
    """The state by what a user reads: not by the code under test."""
    graphcrons, cron_jobs = await here.graphcrons(), await here.cron_jobs()
    for name, graphcron in graphcrons.items():
        conditions = {condition["type"]: condition["status"] for condition in graphcron["status"]["conditions"]}
        spec = graphcron["spec"]
        assert graphcron["status"]["observedGeneration"] == graphcron["metadata"]["generation"]
        if spec in UNREADABLE:
            assert (conditions["Ready"], conditions["Stalled"]) == ("False", "True"), spec
            continue
        assert conditions["Ready"] == "True", spec
        live = cron_jobs[name]["spec"]
        assert live["suspend"] is (spec.get("enabled") is False)
        assert live["timeZone"] == spec.get("timezone", "Etc/UTC")
        assert live["schedule"] == spec["schedule"].replace("L", "31")


DEEPEST, DEEP = 9_990, 1_500
"""About as many levels as an apiserver takes, and more than Python parses."""


async def test_what_python_cannot_parse_stalls_alone(plane: ControlPlane, tmp_path: Path, extent: Extent) -> None:
    """There at the start, and made later: by a list, and by a watch."""

    def ask(method: str, path: str, text: str = "") -> Any:
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(plane.url + path, text.encode() or None, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(asked, context=plane.api.context) as answer:  # noqa: S310
            return jsontext.loads(answer.read())

    def make(name: str, levels: int) -> None:
        head = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": name}}
        text = json.dumps(head | {"spec": READABLE[0] | {"input": "X"}})
        ask("POST", CRONS, text.replace('"X"', '{"a":' * levels + "1" + "}" * levels))

    def told() -> dict[str, tuple[str, str]]:
        """By name, as far as they have a status."""
        return {
            item["metadata"]["name"]: (condition["reason"], condition["message"])
            for item in ask("GET", CRONS)["items"]
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        }

    for path in (CRONS, CRON_JOBS):
        ask("DELETE", path)
    levels = extent.count(DEEPEST, DEEP)
    deep = ("InvalidSpec", "spec.input: nested deeper than 250 levels")
    make("deep-before", levels)
    make("plain-before", 1)
    async with world(plane, tmp_path):
        await until(lambda: len(told()) == 2)
        make("deep-after", levels)
        make("deeper-than-allowed", 600)
        make("plain-after", 249)
        await until(lambda: len(told()) == 5)
    found = told()
    ask("DELETE", CRONS)  # or the other tests would have to read them, too
    assert {name for name, said in found.items() if said == deep} == {
        "deep-before",
        "deep-after",
        "deeper-than-allowed",
    }
    assert {name for name, said in found.items() if said[0] == "Scheduled"} == {"plain-before", "plain-after"}


@pytest.mark.parametrize("scope", ["namespace", "cluster"])
async def test_the_charts_rights_are_enough_and_in_one_namespace_none_is_cluster_wide(
    plane: ControlPlane, tmp_path: Path, scope: str
) -> None:
    """The operator with the service account that the chart binds, in the release's namespace `ns`."""
    cluster, user = cluster_and_user(plane.service_account_kubeconfig("ns", "graphcron-operator"))
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    for item in render(f"scope={scope}", "crds.enabled=false"):
        if item["kind"] in ("Role", "RoleBinding"):
            plane.install(item, f"{rbac}/namespaces/ns/{item['kind'].lower()}s")
        elif item["kind"] in ("ClusterRole", "ClusterRoleBinding"):
            assert scope == "cluster"
            plane.install(item, f"{rbac}/{item['kind'].lower()}s")
    place = "ns" if scope == "namespace" else "elsewhere"
    crons = f"/apis/graphcron.dev/v1/namespaces/{place}/graphcrons"
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "hello"}}
    plane.install(manifest | {"spec": READABLE[0]}, crons)
    bad = manifest | {"metadata": {"name": "bad"}, "spec": UNREADABLE[1]}
    plane.install(bad, crons)
    watched = "ns" if scope == "namespace" else ""

    def reasons() -> set[str]:
        items = plane.api.request("GET", crons)[1]["items"]
        return {
            condition["reason"]
            for item in items
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        }

    settings = {"GRAPHCRON_NAMESPACE": "ns", "GRAPHCRON_LEASE": "graphcron-operator"}
    async with operator_by(cluster, user, tmp_path, GRAPHCRON_WATCH_NAMESPACE=watched, **settings):
        await until(lambda: reasons() == {"Scheduled", "InvalidSpec"})
        await until(lambda: plane.api.request("GET", f"/api/v1/namespaces/{place}/events")[1]["items"])
