"""Objects that are as large as an apiserver stores: operator and facade go on with the others, within their limits.

The apiserver is a real one. Its CRD bounds nothing, as an older one did: what was stored then is there still.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from examples.demo.session import Session, wait_for
from tests.chart.helm import render
from tests.support.charts_operator import NAMESPACE, ChartsOperator, charts_operator
from tests.support.facade_process import facade
from tests.support.manifests import graphcron, ready

PATH = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons"

HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "modes": ({"streamMode": [1] * 500_000}, "RequestTooLarge"),
    "some-modes": ({"streamMode": [1] * 200_000}, "InvalidSpec"),
    "few-modes": ({"streamMode": [1] * 1000}, "InvalidSpec"),
    "fields": ({"f" * 100_000 + str(number): number for number in range(4)}, "InvalidSpec"),
    "unknown": ({f"f{number}": number for number in range(20_000)}, "InvalidSpec"),
    "deep": ({"input": json.loads("[" * 900 + "]" * 900)}, "InvalidSpec"),
    "long": ({"timezone": "x" * 400_000}, "InvalidSpec"),
    "ended": ({"endTime": "2" * 400_000}, "InvalidSpec"),
    **{f"objects-{number}": ({"input": [{}] * 450_000}, "RequestTooLarge") for number in range(8)},
    **{f"lists-{number}": ({"input": [[]] * 160_000}, "RequestTooLarge") for number in range(8)},
}
"""By name: what is in the spec, and the reason that says so."""

STATUS_BYTES = 10_000


def memory_limit(component: str) -> int:
    """Bytes that the chart lets the container have."""
    (deployment,) = (
        item for item in render() if item["kind"] == "Deployment" and component in item["metadata"]["name"]
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return int(container["resources"]["limits"]["memory"].removesuffix("Mi")) * 2**20


def peak(pid: int) -> int:
    """Bytes of memory that a process has had at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def versions(plane: ControlPlane) -> dict[str, str]:
    _, found = plane.api.request("GET", PATH)
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in found["items"]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("plane")
    crd = yaml.safe_load((HERE.root / "crds/graphcrons.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    (folder / "crd.yaml").write_text(yaml.safe_dump(crd))
    with control_plane(folder) as plane:
        plane.api.seconds = 60  # an apiserver takes seconds for such an object, and more on a busy machine
        plane.install_crd(folder / "crd.yaml")
        plane.install({"metadata": {"name": NAMESPACE}}, "/api/v1/namespaces")
        for name, (spec, _) in HOSTILE.items():
            plane.install(graphcron(name, **spec), PATH)
        many = graphcron("labels")
        many["metadata"]["labels"] = {f"{number}{'x' * 50}": "" for number in range(12_000)}
        plane.install(many, PATH)
        yield plane


@pytest.fixture(scope="module")
def operator(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartsOperator]:
    with charts_operator(plane, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


def test_the_operator_says_so_of_each_and_goes_on_with_the_others(
    plane: ControlPlane, operator: ChartsOperator
) -> None:
    session = Session(NAMESPACE, plane.place)
    session.apply(graphcron("good"))
    ready(session, "good")

    def condition(name: str) -> dict[str, Any]:
        _, found = plane.api.request("GET", f"{PATH}/{name}")
        assert len(str(found.get("status", {}))) < STATUS_BYTES
        conditions = {one["type"]: one for one in found.get("status", {}).get("conditions", [])}
        return dict(conditions.get("Ready", {}))

    for name, (_, reason) in HOSTILE.items():
        wait_for(f"{name} to be stalled", partial(condition, name), 60)
        assert (condition(name)["status"], condition(name)["reason"]) == ("False", reason), name
    assert condition("labels")["reason"] == "RequestTooLarge"
    before = versions(plane)
    operator.restart()
    session.kubectl("patch", "graphcron", "good", "--type=merge", "-p", '{"spec":{"schedule":"2 2 2 2 *"}}')
    wait_for(
        "an edit after a restart",
        lambda: (session.one("cronjob", "good") or {})["spec"]["schedule"] == "2 2 2 2 *",
        60,
    )
    changed = {name for name, version in versions(plane).items() if version != before[name]}
    assert changed == {"good"}
    assert peak(operator.pid) < memory_limit("operator") * 0.9
    assert max(map(len, operator.lines())) < 10_000


async def test_the_facade_lists_them_within_its_memory(plane: ControlPlane, tmp_path: Path) -> None:
    there = {"KUBECONFIG": str(plane.kubeconfig), "GRAPHCRON_NAMESPACE": NAMESPACE, "GRAPHCRON_AUTH_MODE": "open"}
    async with facade(tmp_path, **there) as (url, _, process):
        async with asyncio.timeout(60), ClientSession() as session:
            found: list[Any] = []
            while len(found) <= len(HOSTILE):
                async with session.post(f"{url}/runs/crons/search", json={"limit": 1000}) as answer:
                    found = await answer.json() if answer.status == 200 else []
                await asyncio.sleep(0.1)
        assert peak(process.pid) < memory_limit("facade") * 0.9
