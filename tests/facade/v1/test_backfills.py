"""The backfills of a cron by REST."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from graphcron.facade.auth.callers import Mode, read_keys
from tests.support.facade_server import Client, made, serving
from tests.support.store_memory import MemoryStore

ADA, BOB = "ada-key-" + "a" * 20, "bob-key-" + "b" * 20
RANGE = {"from": "2026-11-01T00:00:00+01:00", "to": "2026-11-08T00:00:00Z"}


@pytest.fixture
async def client(store: MemoryStore) -> AsyncIterator[Client]:
    keys, _ = read_keys({"ada": ADA.encode(), "bob": BOB.encode()})
    async with (
        serving(store, None, Mode.API_KEYS, auth={"keys": lambda: keys}) as url,
        aiohttp.ClientSession(headers={"x-api-key": ADA}) as session,
    ):
        yield Client(url, session)


@pytest.fixture
async def path(client: Client) -> str:
    return f"/graphcron/v1/crons/{(await made(client))['cron_id']}/backfills"


async def test_one_is_made_seen_and_ended(client: Client, store: MemoryStore, path: str) -> None:
    body = RANGE | {"parallelism": 4, "order": "NewestFirst", "dry_run": True}
    status, answer, headers = await client.call("POST", path, body)
    assert (status, headers["Location"]) == (201, f"{path}/{answer['name']}")
    (manifest,) = store.backfills.manifests.values()
    assert manifest["kind"] == "GraphCronBackfill"
    assert manifest["spec"] == {
        "graphCron": next(iter(store.manifests)), "from": "2026-10-31T23:00:00Z", "to": "2026-11-08T00:00:00Z",
        "parallelism": 4, "order": "NewestFirst", "dryRun": True,
    }  # fmt: skip
    assert manifest["metadata"]["labels"] == {"graphcron.dev/owner": "ada"}
    assert (await client.call("GET", headers["Location"]))[1] == answer
    assert (await client.call("GET", path))[1] == {"backfills": [answer]}
    assert (await client.call("DELETE", headers["Location"]))[0] == 204
    assert (await client.call("GET", path))[1] == {"backfills": []}
    for method in ("GET", "DELETE"):
        assert (await client.call(method, headers["Location"]))[0] == 404


async def test_a_key_makes_one(client: Client, store: MemoryStore, path: str) -> None:
    answers = [await client.call("POST", path, RANGE, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert [status for status, _, _ in answers] == [201, 201]
    assert answers[0][1] == answers[1][1]
    status, answer, _ = await client.call("POST", path, RANGE | {"rerun": True}, headers={"Idempotency-Key": "a"})
    assert (status, "has already made backfill" in answer["detail"]) == (422, True)
    assert len(store.backfills.manifests) == 1


async def test_those_of_a_cron_are_its_owners(client: Client, store: MemoryStore, path: str) -> None:
    _, answer, _ = await client.call("POST", path, RANGE)
    bob = {"x-api-key": BOB}
    for method, place, body in (
        ("GET", path, None), ("POST", path, RANGE), ("GET", f"{path}/{answer['name']}", None),
        ("DELETE", f"{path}/{answer['name']}", None),
    ):  # fmt: skip
        assert (await client.call(method, place, body, headers=bob))[0] == 404
    own = (await client.call("POST", "/runs/crons", {"assistant_id": "a", "schedule": "* * * * *"}, headers=bob))[1]
    through = f"/graphcron/v1/crons/{own['cron_id']}/backfills/{answer['name']}"
    assert (await client.call("DELETE", through, headers=bob))[0] == 404, "by way of a cron of bob's"
    assert len(store.backfills.manifests) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": RANGE["from"]}, "to must be after from"),
        ({"from": "1980-01-01T00:00:00Z"}, "1990"),
        ({"from": "yesterday"}, "from must be a time with an offset"),
        ({"from": None}, "from must be a time"),
        ({"parallelism": 101}, "parallelism must be"),
        ({"order": "Random"}, "order must be"),
        ({"dryRun": True}, "'dryRun'"),
        ({"from_": RANGE["from"]}, "'from_'"),
    ],
)
async def test_what_is_wrong_is_said(
    client: Client, store: MemoryStore, path: str, change: dict[str, Any], said: str
) -> None:
    status, answer, _ = await client.call("POST", path, RANGE | change)
    assert (status, said in answer["detail"]) == (422, True), answer
    assert store.backfills.manifests == {}


async def test_there_are_a_hundred_of_one_cron(client: Client, path: str) -> None:
    for number in range(100):
        assert (await client.call("POST", path, RANGE, headers={"Idempotency-Key": str(number)}))[0] == 201
    assert (await client.call("POST", path, RANGE))[0] == 429
    assert (await client.call("POST", path, RANGE, headers={"Idempotency-Key": "7"}))[0] == 201
