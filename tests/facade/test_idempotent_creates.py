"""Creates with an Idempotency-Key, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.store.store import Missing
from graphcron.kube.resources import Manifest
from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

BODY = {"assistant_id": "agent", "schedule": "27 15 * * *", "input": {"n": 1}}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
ADA, BOB = "ada-0123456789abcdef", "bob-0123456789abcdef"


class OneLook(MemoryStore):
    """Its first look finds nothing: so it is for twins that come at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.blind = 0

    async def get(self, cron_id: str) -> Manifest:
        if self.blind:
            self.blind -= 1
            raise Missing(cron_id)
        return await super().get(cron_id)


@pytest.fixture
def store() -> OneLook:
    return OneLook()


@pytest.fixture
async def client(store: OneLook, upstream: UpstreamFake) -> AsyncIterator[Client]:
    async with serving(store, await upstream.start()) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)


async def create(client: Client, body: object = BODY, headers: Any = KEY) -> tuple[int, Any]:
    status, answer, _ = await client.call("POST", "/runs/crons", body, headers=headers)
    return status, answer


async def test_a_repeated_create_returns_the_first_cron(client: Client, store: OneLook) -> None:
    status, first = await create(client)
    assert status == 200
    assert await create(client) == (200, first)
    assert len(store.manifests) == 1


async def test_without_the_header_each_create_makes_a_cron(client: Client, store: OneLook) -> None:
    await create(client, headers={})
    await create(client, headers={})
    assert len(store.manifests) == 2


async def test_the_first_cron_is_told_as_it_is_now(client: Client) -> None:
    _, first = await create(client)
    await client.call("PATCH", f"/runs/crons/{first['cron_id']}", {"enabled": False})
    status, again = await create(client)
    assert (status, again["cron_id"], again["enabled"]) == (200, first["cron_id"], False)


async def test_a_key_is_free_again_when_its_cron_is_deleted(client: Client, store: OneLook) -> None:
    _, first = await create(client)
    await client.call("DELETE", f"/runs/crons/{first['cron_id']}")
    assert (await create(client))[0] == 200
    assert len(store.manifests) == 1


async def test_another_request_with_the_same_key_is_refused(client: Client, store: OneLook) -> None:
    _, first = await create(client)
    status, answer = await create(client, BODY | {"input": {"n": 2}})
    assert status == 422
    assert first["cron_id"] in answer["detail"]
    assert len(store.manifests) == 1


async def test_another_request_that_comes_at_the_same_time_is_refused(client: Client, store: OneLook) -> None:
    await create(client)
    store.blind = 1
    assert (await create(client, BODY | {"input": {"n": 2}}))[0] == 422


async def test_the_same_body_for_a_thread_is_another_request(client: Client, upstream: UpstreamFake) -> None:
    thread = "11111111-1111-4111-8111-111111111111"
    upstream.threads.add(thread)
    await create(client)
    status, answer, _ = await client.call("POST", f"/threads/{thread}/runs/crons", BODY, headers=KEY)
    assert (status, "another request" in answer["detail"]) == (422, True)


async def test_creates_at_the_same_time_make_one_cron(client: Client, store: OneLook) -> None:
    answers = await asyncio.gather(*(create(client) for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    assert len({answer["cron_id"] for _, answer in answers}) == len(store.manifests) == 1


async def test_a_twin_that_lost_the_race_gets_the_winners_cron(client: Client, store: OneLook) -> None:
    _, first = await create(client)
    store.blind = 1
    assert await create(client) == (200, first)


async def test_an_assistant_that_is_gone_since_does_not_matter(client: Client, upstream: UpstreamFake) -> None:
    _, first = await create(client)
    await upstream.stop()
    assert await create(client) == (200, first)


async def test_the_last_room_may_be_what_the_first_one_took(store: OneLook) -> None:
    async with serving(store, None, crons_per_owner=1) as url, aiohttp.ClientSession() as session:
        client = Client(url, session)
        _, first = await create(client)
        assert await create(client) == (200, first)
        store.blind = 1
        assert await create(client) == (200, first)
        assert (await create(client, headers={"Idempotency-Key": "another"}))[0] == 429


@pytest.mark.parametrize("key", ["", "ü", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: Client, store: OneLook, key: str) -> None:
    status, answer = await create(client, headers={"Idempotency-Key": key})
    assert (status, answer["detail"].split(" must ")[0]) == (400, "Idempotency-Key")
    assert store.manifests == {}


async def test_each_owner_has_keys_of_their_own() -> None:
    keys, _ = read_keys({"ada": ADA.encode(), "bob": BOB.encode()})
    store = OneLook()
    async with (
        serving(store, None, Mode.API_KEYS, auth={"keys": lambda: keys}) as url,
        aiohttp.ClientSession() as session,
    ):
        client = Client(url, session)
        _, adas = await create(client, headers=KEY | {"x-api-key": ADA})
        _, bobs = await create(client, headers=KEY | {"x-api-key": BOB})
    assert adas["cron_id"] != bobs["cron_id"]
    assert (adas["user_id"], bobs["user_id"]) == ("ada", "bob")
