"""Pass-through: crons are deleted with the threads and assistants that they belong to, and find their runs."""

import gzip
import json
import uuid
from typing import Any

import aiohttp
import pytest
from langgraph_sdk import get_client

from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.cron_filter import BODY_LIMIT
from graphcron.facade.store.store import StoreUnavailable
from tests.support.api_keys import ADA, BOB, sent
from tests.support.facade_server import MINIMAL, Client, made, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT, UpstreamFake


class TestCascade:
    """A thread or an assistant that is deleted through the facade takes its crons with it."""

    async def test_deleting_a_thread(self, client: Client, store: MemoryStore, upstream: UpstreamFake) -> None:
        threads = [str(uuid.uuid4()) for _ in range(2)]
        upstream.threads.update(threads)
        for thread in threads:
            assert (await client.call("POST", f"/threads/{thread}/runs/crons", MINIMAL))[0] == 200
        assert (await client.call("DELETE", f"/threads/{threads[0]}"))[0] == 204
        assert [cron["spec"]["threadId"] for cron in store.manifests.values()] == [threads[1]]

    async def test_deleting_an_assistant_by_any_spelling(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        """The Agent Server decodes the path, so the facade must too."""
        await made(client)
        assert (await client.call("DELETE", f"/assistants/%66{AGENT[1:]}"))[0] == 204
        assert store.manifests == {}

    async def on_threads(self, client: Client, upstream: UpstreamFake, number: int) -> list[str]:
        """Threads with a cron each."""
        threads = [str(uuid.uuid4()) for _ in range(number)]
        upstream.threads.update(threads)
        for thread in threads:
            assert (await client.call("POST", f"/threads/{thread}/runs/crons", MINIMAL))[0] == 200
        return threads

    async def test_pruning_threads(self, client: Client, store: MemoryStore, upstream: UpstreamFake) -> None:
        """One of the crons is on a thread that the caller never saw: it is not the prune that took it."""
        one, two, unseen = await self.on_threads(client, upstream, 3)
        upstream.threads.remove(unseen)
        status, answer, _ = await client.call("POST", "/threads/prune", {"thread_ids": [one]})
        assert (status, answer) == (200, {"pruned_count": 1})
        assert [cron["spec"]["threadId"] for cron in store.manifests.values()] == [two, unseen]

    async def test_deleting_an_assistant_with_its_threads(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        """The crons of its threads are another assistant's; those of other threads stay."""
        upstream.assistants.add(other := str(uuid.uuid4()))
        one, two = await self.on_threads(client, upstream, 2)
        upstream.threads_of[other] = {one}
        assert (await client.call("DELETE", f"/assistants/{other}?delete_threads=true"))[0] == 204
        assert [cron["spec"]["threadId"] for cron in store.manifests.values()] == [two]

    async def test_crons_that_remain_since_nobody_tells_which_threads_are_gone_are_not_hidden(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        [one] = await self.on_threads(client, upstream, 1)
        upstream.search_status_once_pruned = 500
        status, given, _ = await client.call("POST", "/threads/prune", {"thread_ids": [one]})
        assert status == 503
        assert "their crons remain: delete them by id" in given["detail"]
        assert len(store.manifests) == 1

    async def test_nothing_is_deleted_when_the_threads_cannot_be_found_out(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        [one] = await self.on_threads(client, upstream, 1)
        for search_status, status in ((500, 503), (403, 403)):
            upstream.search_status = search_status
            assert (await client.call("POST", "/threads/prune", {"thread_ids": [one]}))[0] == status
        assert upstream.threads == {one}
        assert len(store.manifests) == 1

    async def test_a_refused_delete_takes_nothing(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        await made(client)
        upstream.lookup_status = 403
        assert (await client.call("DELETE", f"/assistants/{AGENT}"))[0] == 403
        assert len(store.manifests) == 1

    async def test_crons_that_could_not_be_deleted_are_not_hidden(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        await made(client)
        store.fail_with = StoreUnavailable("the Kubernetes API does not answer")
        status, given, _ = await client.call("DELETE", f"/assistants/{AGENT}")
        assert status == 503
        assert "its crons remain" in given["detail"]


def named(cron_id: str, key: str = "cron_id") -> bytes:
    return f'{{"metadata" : {{"{key}": "{cron_id}", "n": 1.50}}}}'.encode()


async def arrived(
    client: Client, data: Any, path: str = "/runs/search", **headers: str
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a search as the Agent Server gets it."""
    status, echo, _ = await client.call("POST", path, data=data, headers=headers)
    assert status == 200
    return bytes.fromhex(echo["body"]), echo["headers"]


class TestFindingTheRunsOfACron:
    """The Agent Server strips `cron_id` from what a run pod writes, and keeps `graphcron_cron`."""

    async def test_as_the_documentation_of_langgraph_does_it(self, client: Client, upstream: UpstreamFake) -> None:
        mine, other = await made(client), await made(client)
        upstream.metadata_of = {
            name: {"graphcron_cron": cron["cron_id"], "team": "a"} for name, cron in (("one", mine), ("two", other))
        }
        async with get_client(url=client.url) as sdk:
            found: Any = await sdk.threads.search(metadata={"cron_id": mine["cron_id"], "team": "a"})
            assert [thread["thread_id"] for thread in found] == ["one"]

    @pytest.mark.parametrize("path", ["/runs/search", "/runs/count", "/threads/x/runs/search"])
    async def test_only_the_key_changes(self, client: Client, path: str) -> None:
        cron_id = (await made(client))["cron_id"]
        data, headers = await arrived(client, named(cron_id), path)
        assert data == named(cron_id, "graphcron_cron")
        assert headers["Content-Length"] == str(len(data))

    async def test_in_the_query_of_a_list(self, client: Client) -> None:
        cron_id = (await made(client))["cron_id"]
        path = "/threads/x/runs?limit=5&metadata=%7B%22KEY%22%3A%20%22" + cron_id + "%22%7D"
        _, echo, _ = await client.call("GET", path.replace("KEY", "cron_id"))
        assert echo["line"] == f"GET {path.replace('KEY', 'graphcron_cron')}"

    async def test_without_a_length(self, client: Client) -> None:
        cron_id = (await made(client))["cron_id"]

        async def pieces() -> Any:
            for number in range(0, 200, 10):
                yield named(cron_id)[number : number + 10]

        data, headers = await arrived(client, pieces())
        assert data == named(cron_id, "graphcron_cron")
        assert headers["Content-Length"] == str(len(data))

    async def test_what_names_no_cron_of_ours_stays(self, client: Client) -> None:
        """The Agent Server may have crons of its own."""
        cron_id = (await made(client))["cron_id"]
        packed = gzip.compress(named(cron_id))
        assert await arrived(client, packed, **{"Content-Encoding": "gzip"})
        for data in (
            named(str(uuid.uuid4())),
            named("banana"),
            b"",
            b"no JSON with cron_id",
            b'{"metadata": {"a": 1.0}}',
        ):
            assert (await arrived(client, data))[0] == data
        assert (await arrived(client, named(cron_id), "/store/items/search"))[0] == named(cron_id)

    async def test_a_body_that_is_too_large_goes_through_unread(self, client: Client) -> None:
        cron_id = (await made(client))["cron_id"]
        data = named(cron_id)[:-1] + b" " * (4 * BODY_LIMIT) + b"}"
        assert (await arrived(client, data))[0] == data

    async def test_another_owners_cron_is_none(self, store: MemoryStore, upstream: UpstreamFake) -> None:
        keys, _ = read_keys({"ada": ADA.encode(), "bob": BOB.encode()})
        there = serving(store, await upstream.start(), Mode.API_KEYS, auth={"keys": lambda: keys})
        async with there as url, aiohttp.ClientSession() as session:
            client = Client(url, session)
            _, cron, _ = await client.call("POST", "/runs/crons", MINIMAL, headers=sent(ADA))
            for key, found in ((ADA, "graphcron_cron"), (BOB, "cron_id")):
                data, _ = await arrived(client, named(cron["cron_id"]), **sent(key))
                assert json.loads(data)["metadata"].keys() == {found, "n"}

    async def test_when_kubernetes_does_not_answer_it_does_not_find_nothing(
        self, client: Client, store: MemoryStore
    ) -> None:
        cron_id = (await made(client))["cron_id"]
        store.fail_with = StoreUnavailable("the Kubernetes API does not answer")
        assert (await client.call("POST", "/runs/search", data=named(cron_id)))[0] == 503
        assert (await client.call("POST", "/runs/search", data=b"{}"))[0] == 200
