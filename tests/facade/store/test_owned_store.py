"""Owners side by side over HTTP: each sees, changes and deletes their own crons only."""

import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest

from graphcron.facade.auth.callers import Mode
from tests.support.api_keys import ADA, BOB, known, made, sent
from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT, UpstreamFake


@pytest.fixture
async def client(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
    """Of a facade in mode apiKeys, without a key."""
    url = await upstream.start()
    async with serving(store, url, Mode.API_KEYS, {"keys": known}) as own, aiohttp.ClientSession() as session:
        yield Client(own, session)


class TestOwners:
    async def test_others_crons_are_not_there(self, client: Client, store: MemoryStore) -> None:
        path = f"/runs/crons/{(await made(client, ADA))['cron_id']}"
        before = dict(store.manifests)
        for method, body, detail in (
            ("GET", None, "Not Found"),
            ("DELETE", None, "Not Found"),
            ("PATCH", {"enabled": False}, f"Cron '{path.rpartition('/')[2]}' not found"),
        ):
            assert (await client.call(method, path, body, headers=sent(BOB)))[:2] == (404, {"detail": detail})
        assert (await client.call("POST", "/runs/crons/search", {}, headers=sent(BOB)))[1] == []
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(BOB)))[1] == 0
        assert store.manifests == before

    async def test_own_crons_are_found_changed_and_deleted(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client, ADA)
        await made(client, BOB)
        path = f"/runs/crons/{cron['cron_id']}"
        labels = store.manifests[cron["cron_id"]]["metadata"]["labels"]
        assert (cron["user_id"], labels) == ("ada", {"graphcron.dev/owner": "ada"})
        status, patched, _ = await client.call("PATCH", path, {"enabled": False}, headers=sent(ADA))
        assert (status, patched["enabled"], patched["user_id"]) == (200, False, "ada")
        _, found, headers = await client.call("POST", "/runs/crons/search", {}, headers=sent(ADA))
        assert ([one["cron_id"] for one in found], headers["X-Pagination-Total"]) == ([cron["cron_id"]], "1")
        assert (await client.call("DELETE", path, headers=sent(ADA)))[0] == 204
        assert len(store.manifests) == 1

    async def test_kubectl_made_ones_belong_to_whom_their_label_names(self, client: Client, store: MemoryStore) -> None:
        spec = {"assistantId": "agent", "schedule": "0 3 * * *"}
        await store.create({"metadata": {"name": "nightly"}, "spec": spec})
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(ADA)))[1] == 0
        store.manifests["nightly"]["metadata"]["labels"] = {"graphcron.dev/owner": "ada"}
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(ADA)))[1] == 1
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(BOB)))[1] == 0

    @pytest.mark.parametrize("what", ["thread", "assistant"])
    async def test_a_deletion_takes_the_callers_crons_alone(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake, what: str
    ) -> None:
        """An assistant that all share is no way to other people's crons."""
        upstream.threads.add(thread := str(uuid.uuid4()))
        for key in (ADA, BOB):
            await made(client, key, f"/threads/{thread}/runs/crons")
        gone = f"/threads/{thread}" if what == "thread" else f"/assistants/{AGENT}"
        assert (await client.call("DELETE", gone, headers=sent(ADA)))[0] == 204
        (left,) = store.manifests.values()
        assert left["metadata"]["labels"] == {"graphcron.dev/owner": "bob"}
