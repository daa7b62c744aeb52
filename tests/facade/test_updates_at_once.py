"""Many updates of one cron at the same moment, at a real apiserver: all succeed, and none of them is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.control_plane import ControlPlane
from tests.support.api_keys import ADA, BOB, sent
from tests.support.facade_process import facade
from tests.support.facade_server import MINIMAL, Client, made
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.until import until

CRONS = "/apis/graphcron.dev/v1/namespaces/default/graphcrons"
WAIT = 60.0
"""Seconds after which a test gives up; none waits for it when all is well."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver")) as plane:
        yield plane


@asynccontextmanager
async def client_of(plane: ControlPlane, folder: Path, **settings: str) -> AsyncIterator[Client]:
    """A client of a facade process in front of that apiserver."""
    there = {"KUBECONFIG": str(plane.kubeconfig), "GRAPHCRON_NAMESPACE": "default", "GRAPHCRON_LOG_LEVEL": "WARNING"}
    unlimited = aiohttp.TCPConnector(limit=0)
    async with (
        facade(folder, **there, **settings) as (url, _, _),
        aiohttp.ClientSession(connector=unlimited) as session,
    ):
        yield Client(url, session)


@pytest.fixture
async def client(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Client]:
    async with client_of(plane, tmp_path, GRAPHCRON_AUTH_MODE="open") as client:
        yield client


async def statuses(client: Client, path: str, bodies: list[dict[str, Any]], **options: Any) -> Counter[int]:
    """Of updates that are all sent at once."""
    async with asyncio.timeout(WAIT):
        answers = await asyncio.gather(*(client.call("PATCH", path, body, **options) for body in bodies))
    return Counter(status for status, _, _ in answers)


def kubectl_made(plane: ControlPlane, name: str, spec: dict[str, Any]) -> str:
    """The cron id of a GraphCron that was made beside the facade, with nothing in it that an update could rely on."""
    bare = {"schedule": "0 0 1 1 *", "assistantId": "agent"}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": name}, "spec": bare | spec}
    status, answer = plane.api.request("POST", CRONS, manifest)
    assert status == 201, answer
    return str(answer["metadata"]["uid"])


async def seen(client: Client, path: str) -> str:
    """That path, once the facade's watch has brought the cron, which was made beside it."""

    async def is_there() -> bool:
        return (await client.call("GET", path))[0] == 200

    await until(is_there, WAIT)
    return path


def change_beside(plane: ControlPlane, name: str, **parts: dict[str, Any]) -> None:
    """As somebody with kubectl does, whom the facade's watch tells of a moment later."""
    _, found = plane.api.request("GET", f"{CRONS}/{name}")
    changed = found | {part: found[part] | fields for part, fields in parts.items()}
    assert plane.api.request("PUT", f"{CRONS}/{name}", changed)[0] == 200


@pytest.mark.parametrize("many", [20, 200])
async def test_each_adds_its_key_to_the_metadata(client: Client, many: int) -> None:
    cron = await made(client)
    path = f"/runs/crons/{cron['cron_id']}"
    keys = {f"key-{number}": number for number in range(many)}
    assert await statuses(client, path, [{"metadata": {key: value}} for key, value in keys.items()]) == {200: many}
    _, read, _ = await client.call("GET", path)
    assert read["metadata"] == keys


@pytest.mark.parametrize("many", [20, 200])
async def test_each_changes_another_field(client: Client, many: int) -> None:
    cron = await made(client, end_time="2100-01-01T00:00:00Z")
    path = f"/runs/crons/{cron['cron_id']}"
    kinds: list[dict[str, Any]] = [
        {"schedule": "0 0 2 2 *"},
        {"timezone": "Asia/Tokyo"},
        {"input": {"a": None}},
        {"config": {"tags": ["x"]}},
        {"webhook": "https://1.1.1.1/hook"},
        {"enabled": True},
        {"end_time": None},
    ]
    bodies = [kinds[number % len(kinds)] | {"metadata": {f"key-{number}": number}} for number in range(many)]
    assert await statuses(client, path, bodies) == {200: many}
    _, read, _ = await client.call("GET", path)
    assert read["metadata"] == {f"key-{number}": number for number in range(many)}
    assert (read["schedule"], read["timezone"], read["end_time"]) == ("0 0 2 2 *", "Asia/Tokyo", None)
    payload = read["payload"]
    assert (payload["input"], payload["config"]["tags"]) == ({"a": None}, ["x"])


async def test_each_of_those_to_a_bare_graphcron_of_kubectl(client: Client, plane: ControlPlane) -> None:
    path = await seen(client, f"/runs/crons/{kubectl_made(plane, 'bare', {})}")
    assert await statuses(client, path, [{"metadata": {str(number): 1}} for number in range(100)]) == {200: 100}
    _, read, _ = await client.call("GET", path)
    assert read["metadata"] == {str(number): 1 for number in range(100)}


async def test_each_of_those_through_three_replicas(plane: ControlPlane, tmp_path: Path) -> None:
    """To the same cron, which has nothing that an update could rely on."""
    path = f"/runs/crons/{kubectl_made(plane, 'shared', {'input': {'text': 'x' * 150_000}})}"
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(client_of(plane, tmp_path / str(number), GRAPHCRON_AUTH_MODE="open"))
            for number in range(3)
        ]
        for client in replicas:
            await seen(client, path)
        bodies = [[{"metadata": {f"{replica}-{number}": 1}} for number in range(30)] for replica in range(3)]
        found = await asyncio.gather(
            *(statuses(client, path, sent) for client, sent in zip(replicas, bodies, strict=True))
        )
        assert found == [{200: 30}] * 3
        _, read, _ = await replicas[0].call("GET", path)
    assert read["metadata"] == {key: 1 for sent in bodies for body in sent for key in body["metadata"]}


async def test_each_of_those_to_a_large_cron(client: Client) -> None:
    """Its size depends on all of it, and together they stay below the limit."""
    cron = await made(client, input={"text": "x" * 150_000})
    path = f"/runs/crons/{cron['cron_id']}"
    assert await statuses(client, path, [{"metadata": {str(number): "y" * 100}} for number in range(50)]) == {200: 50}
    _, read, _ = await client.call("GET", path)
    assert set(read["metadata"]) == {str(number) for number in range(50)}


async def test_together_they_do_not_grow_beyond_what_a_run_may_ask(client: Client) -> None:
    cron = await made(client, input={"text": "x" * 150_000})
    path = f"/runs/crons/{cron['cron_id']}"
    bodies = [{"metadata": {str(number): "y" * 20_000}} for number in range(10)]
    found = await statuses(client, path, bodies)
    assert found == {200: 4, 422: 6}
    _, read, _ = await client.call("GET", path)
    assert len(read["metadata"]) == 4


async def test_a_key_may_be_any_text_and_a_value_any_json(client: Client) -> None:
    odd: dict[str, Any] = {
        "": 1,
        "a/b": 2,
        "a~b": 3,
        "~1": 4,
        "-": 5,
        "0": 6,
        "ü": None,
        "n": 9007199254740993,
        "f": 0.5,
    }
    cron = await made(client, metadata={"kept": {"deep": None}, "changed": {"a": 1}})
    path = f"/runs/crons/{cron['cron_id']}"
    _, patched, _ = await client.call("PATCH", path, {"metadata": odd | {"changed": {"b": [None]}}})
    expected = odd | {"kept": {"deep": None}, "changed": {"b": [None]}}
    assert patched["metadata"] == expected
    assert (await client.call("GET", path))[1]["metadata"] == expected


async def test_what_is_decided_by_others_fields_is_decided_by_their_newest(client: Client, plane: ControlPlane) -> None:
    """The sentence is the same, whoever knew it: the facade from memory, or the apiserver."""
    made_beside = kubectl_made(plane, "started", {"startTime": "2050-01-01T00:00:00Z"})
    path = await seen(client, f"/runs/crons/{made_beside}")
    status, given, _ = await client.call("PATCH", path, {"end_time": "2049-01-01T00:00:00Z"})
    assert (status, given["detail"]) == (422, "spec: startTime must be before endTime")
    # Behind the facade's back: the watch may not have brought it yet when the update is decided.
    for start, end, expected in (("2060", "2055", 422), ("2040", "2045", 200)):
        change_beside(plane, "started", spec={"startTime": f"{start}-01-01T00:00:00Z"})
        status, given, _ = await client.call("PATCH", path, {"end_time": f"{end}-01-01T00:00:00Z"})
        assert status == expected, given


async def test_enabling_resumes_what_the_operator_suspended_a_moment_ago(client: Client, plane: ControlPlane) -> None:
    """Memory may not know of it. It is enabled, so only the request can resume it, and each is another one."""
    path = await seen(client, f"/runs/crons/{kubectl_made(plane, 'failing', {'maxFailures': 1, 'enabled': True})}")
    requests = set()
    for enabled in (True, False, True, False):
        change_status(plane, "failing", {"observedGeneration": 1, "enabled": enabled})
        before = requested(plane, "failing")
        status, cron, _ = await client.call("PATCH", path, {"enabled": True})
        assert (status, cron["enabled"]) == (200, True)
        assert cron["next_run_date"] is not None
        assert (requested(plane, "failing") == before) is enabled
        requests.add(requested(plane, "failing"))
    assert len(requests) == 3
    _, found = plane.api.request("GET", f"{CRONS}/failing")
    assert found["metadata"]["generation"] == 1


def requested(plane: ControlPlane, name: str) -> str | None:
    _, found = plane.api.request("GET", f"{CRONS}/{name}")
    token: str | None = found["metadata"].get("annotations", {}).get("graphcron.dev/resume-requested")
    return token


def change_status(plane: ControlPlane, name: str, status: dict[str, Any]) -> None:
    """As the operator does."""
    _, found = plane.api.request("GET", f"{CRONS}/{name}")
    assert plane.api.request("PUT", f"{CRONS}/{name}/status", found | {"status": status})[0] == 200


async def test_another_owners_cron_is_not_changed_whatever_memory_says(plane: ControlPlane, tmp_path: Path) -> None:
    (keys := tmp_path / "keys").mkdir()
    for owner, key in (("ada", ADA), ("bob", BOB)):
        (keys / owner).write_text(key)
    mode = {"GRAPHCRON_AUTH_MODE": "apiKeys", "GRAPHCRON_API_KEYS_DIR": str(keys)}
    async with client_of(plane, tmp_path, **mode) as client:
        _, cron, _ = await client.call("POST", "/runs/crons", MINIMAL, headers=sent(ADA))
        path = f"/runs/crons/{cron['cron_id']}"
        assert await statuses(client, path, [{"enabled": False}] * 5, headers=sent(BOB)) == {404: 5}
        change_beside(plane, cron["cron_id"], metadata={"labels": {"graphcron.dev/owner": "bob"}})
        assert await statuses(client, path, [{"enabled": False}], headers=sent(ADA)) == {404: 1}
        assert await statuses(client, path, [{"enabled": False}], headers=sent(BOB)) == {200: 1}


async def test_one_made_anew_by_the_same_name_is_another_cron(client: Client, plane: ControlPlane) -> None:
    path = await seen(client, f"/runs/crons/{kubectl_made(plane, 'again', {})}")
    assert await statuses(client, path, [{"enabled": False}]) == {200: 1}
    assert plane.api.request("DELETE", f"{CRONS}/again")[0] == 200
    kubectl_made(plane, "again", {})
    assert await statuses(client, path, [{"enabled": False}]) == {404: 1}
    _, found = plane.api.request("GET", f"{CRONS}/again")
    assert "enabled" not in found["spec"]
