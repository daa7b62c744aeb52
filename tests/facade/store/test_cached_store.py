"""Reads from memory: a client reads what it wrote through the same replica, whatever becomes of the watch."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from graphcron.facade.store import cached_store, watched_snapshot
from graphcron.facade.store.cached_store import CachedStore
from graphcron.facade.store.store import Missing, StoreUnavailable
from graphcron.kube.client import Kube
from graphcron.kube.json_patch import add
from tests.support.apiserver_fake import FakeApiserver
from tests.support.kubeconfig import api_client
from tests.support.until import until

WAIT = 20.0
"""Seconds after which a test gives up; none waits for it when all is well."""


@pytest.fixture
async def apiserver() -> FakeApiserver:
    return FakeApiserver()


Start = Callable[[str], Coroutine[Any, Any, CachedStore]]


@pytest.fixture
async def replica(apiserver: FakeApiserver) -> AsyncIterator[Start]:
    """Starts a replica that says who it is by its token."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(apiserver.serving())

        async def start(who: str) -> CachedStore:
            crons = await stack.enter_async_context((await stack.enter_async_context(store_of(url, who))).watching())
            await until(lambda: crons.age() is not None)
            return crons

        yield start
        await apiserver.cut_watches()


@asynccontextmanager
async def store_of(url: str, who: str) -> AsyncIterator[CachedStore]:
    """That says who it is by its token."""
    async with api_client(url, who) as client:
        yield CachedStore(Kube(client), "team")


@asynccontextmanager
async def no_patience(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(watched_snapshot, "PATIENCE_SECONDS", 0.05)
        yield


def cron(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec}


async def names(crons: CachedStore) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in await crons.list()}


async def holds(crons: CachedStore, *expected: str) -> bool:
    return await names(crons) == set(expected)


def lists(apiserver: FakeApiserver, who: str) -> int:
    """How often it asked for all GraphCrons."""
    return sum(
        heard.who == who and "graphcrons?limit" in heard.path and heard.method == "GET" for heard in apiserver.heard
    )


async def test_a_list_is_answered_from_memory(replica: Start, apiserver: FakeApiserver) -> None:
    await apiserver.put("graphcrons", cron("there"))
    one = await replica("one")
    for _ in range(5):
        assert await names(one) == {"there"}
    assert lists(apiserver, "one") == 1


async def test_what_it_wrote_it_reads_next(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    made = await one.create(cron("a"))
    assert await names(one) == {"a"}
    await one.patch(made, [add(("spec", "enabled"), False)])
    assert [manifest["spec"]["enabled"] for manifest in await one.list()] == [False]
    await one.delete(made["metadata"]["uid"])
    assert await names(one) == set()
    assert lists(apiserver, "one") == 1, "none of it was asked of the apiserver"


async def test_a_read_waits_for_a_watch_that_is_late(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_snapshot, "PATIENCE_SECONDS", WAIT)
    one = await replica("one")
    apiserver.silent.add("one")
    await one.create(cron("a"))
    reading = asyncio.create_task(names(one))
    await asyncio.sleep(0)
    assert not reading.done()
    await apiserver.speak()
    assert await reading == {"a"}
    assert lists(apiserver, "one") == 1


async def test_a_watch_that_brings_nothing_costs_time_and_no_write_of_ours(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await replica("one")
    apiserver.silent.add("one")
    async with no_patience(monkeypatch):
        made = await one.create(cron("a"))
        assert await names(one) == {"a"}
        await one.delete(made["metadata"]["uid"])
        assert await names(one) == set()
    assert lists(apiserver, "one") == 4, "at the start, once for the id of the deleted one, and for each list"
    await apiserver.speak()
    assert await names(one) == set()
    assert lists(apiserver, "one") == 4


async def test_what_it_deleted_before_the_watch_brought_it_does_not_come_back(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await replica("one")
    apiserver.silent.add("one")
    made = await apiserver.put("graphcrons", cron("a"))
    async with no_patience(monkeypatch):
        await one.delete(made["metadata"]["uid"], made)
        await names(one)
    assert lists(apiserver, "one") == 2, "a cache that is behind is not asked"


async def test_a_watch_that_is_silent_for_long_is_not_read(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await replica("one")
    apiserver.silent.add("one")
    await apiserver.put("graphcrons", cron("a"))
    assert await names(one) == set(), "nobody wrote it through this replica"
    monkeypatch.setattr(cached_store, "STALE_SECONDS", 0.0)
    assert await names(one) == {"a"}


async def test_what_another_replica_wrote_is_read_by_its_id_at_once_and_in_lists_soon(
    replica: Start, apiserver: FakeApiserver
) -> None:
    one, other = await replica("one"), await replica("other")
    made = await one.create(cron("01a204b8-45ea-7478-9566-03787570b0b8"))
    name = made["metadata"]["name"]
    assert (await other.get(name))["metadata"]["uid"] == made["metadata"]["uid"]
    await until(lambda: holds(other, name))
    await one.patch(made, [add(("spec", "enabled"), False)])
    assert (await other.get(name))["spec"]["enabled"] is False
    await one.delete(name)
    with pytest.raises(Missing):
        await other.get(name)
    await until(lambda: holds(other))
    assert (lists(apiserver, "one"), lists(apiserver, "other")) == (1, 1)


async def test_many_writes_and_reads_at_random_are_always_what_was_written(replica: Start) -> None:
    one = await replica("one")
    there: set[str] = set()
    for number in range(120):
        if number % 3 == 2:
            name = sorted(there)[0]
            found = next(manifest for manifest in await one.list() if manifest["metadata"]["name"] == name)
            await one.delete(found["metadata"]["uid"])
            there.remove(name)
        else:
            await one.create(cron(f"c{number}"))
            there.add(f"c{number}")
        assert await names(one) == there


@pytest.mark.parametrize("breaks", ["cut_watches", "expire_watches"])
async def test_a_watch_that_ends_goes_on(replica: Start, apiserver: FakeApiserver, breaks: str) -> None:
    one = await replica("one")
    for number in range(3):
        watches = len(apiserver.watches_of("graphcrons"))
        await getattr(apiserver, breaks)()
        await apiserver.put("graphcrons", cron(f"c{number}"))
        again = watches + (1 if breaks == "cut_watches" else 2)
        await until(lambda expected=again: len(apiserver.watches_of("graphcrons")) == expected)  # type: ignore[misc]
    await one.create(cron("last"))
    assert await names(one) == {"c0", "c1", "c2", "last"}
    assert lists(apiserver, "one") == (1 if breaks == "cut_watches" else 4)


async def test_what_was_deleted_while_it_did_not_watch_is_gone(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apiserver.put("graphcrons", cron("a"))
    await apiserver.put("graphcrons", cron("b"))
    one = await replica("one")
    apiserver.away.add("one")
    await apiserver.expire_watches()
    await apiserver.delete("graphcrons", "a")
    assert await names(one) == {"a", "b"}, "as the apiserver said last"
    monkeypatch.setattr(cached_store, "STALE_SECONDS", 0.0)
    with pytest.raises(StoreUnavailable):
        await one.list()
    apiserver.away.clear()
    await until(lambda: holds(one, "b"))


async def test_a_client_that_leaves_takes_no_other_reader_with_it(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    first, second = asyncio.create_task(names(one)), asyncio.create_task(names(one))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == set()


async def test_a_namesake_is_not_deleted_in_its_place(replica: Start, apiserver: FakeApiserver) -> None:
    """kubectl deleted it and made another one by its name, and our watch does not know yet."""
    old = await apiserver.put("graphcrons", cron("nightly"))
    one = await replica("one")
    apiserver.silent.add("one")
    await apiserver.delete("graphcrons", "nightly")
    await apiserver.put("graphcrons", cron("nightly"))
    with pytest.raises(Missing):
        await one.delete(old["metadata"]["uid"])
    assert "nightly" in apiserver.objects["graphcrons"]


async def test_one_made_with_kubectl_is_read_whole_by_its_uid(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    made = await apiserver.put("graphcrons", cron("nightly") | {"status": {"active": 1}})
    uid = made["metadata"]["uid"]
    await until(lambda: holds(one, "nightly"))
    assert (await one.get(uid))["status"] == {"active": 1}, "an update would write back what it read"
    with pytest.raises(Missing):
        await one.get("00000000-0000-4000-8000-000000000000")


async def test_it_is_ready_once_it_has_read_them(apiserver: FakeApiserver) -> None:
    async with apiserver.serving() as url, store_of(url, "one") as crons:
        with pytest.raises(StoreUnavailable, match="still being read"):
            await crons.ready()
        async with crons.watching():
            await until(lambda: crons.age() is not None)
            await crons.ready()
            await apiserver.cut_watches()


async def test_who_shows_crons_hears_of_each_change_and_finds_it_in_memory(
    replica: Start, apiserver: FakeApiserver
) -> None:
    crons = await replica("a")
    async with contextlib.aclosing(crons.changes()) as changes:
        coming = asyncio.create_task(anext(changes))
        await asyncio.sleep(0)  # it listens from now on
        await apiserver.put("graphcrons", cron("there"))
        async with asyncio.timeout(WAIT):
            assert {name for _, name in await coming} == {"there"}
    assert [one["metadata"]["name"] for one in await crons.newest()] == ["there"]
    made = await crons.create(cron("mine"))
    assert made["metadata"]["uid"] in {one["metadata"]["uid"] for one in await crons.newest()}
    assert crons.silent_seconds() is None


async def test_before_the_first_list_nothing_is_known(apiserver: FakeApiserver) -> None:
    async with apiserver.serving() as url, store_of(url, "a") as crons:
        with pytest.raises(StoreUnavailable, match="still being read"):
            await crons.newest()
