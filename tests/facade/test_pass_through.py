"""Pass-through: crons are deleted with the threads and assistants that they belong to."""

import uuid

from graphcron.facade.store.store import StoreUnavailable
from tests.support.facade_server import MINIMAL, Client, made
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
