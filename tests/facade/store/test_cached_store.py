"""Reads from memory: each client reads what it wrote, from any replica, whatever becomes of the watch."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.facade.store import cached_store, marker, watched_snapshot
from graphcron.facade.store.cached_store import ALONE_SECONDS, CachedStore
from graphcron.facade.store.store import Missing, Unavailable
from graphcron.kube.client import Kube
from graphcron.kube.write_gate import steady_clock
from tests.support.apiserver_fake import FakeApiserver

NOTE = "graphcron-facade-writes"
WAIT = 20.0
"""Seconds after which a test gives up; none waits for it when all is well."""


@pytest.fixture
async def apiserver() -> FakeApiserver:
    apiserver = FakeApiserver()
    await apiserver.put("configmaps", {"metadata": {"name": NOTE}})
    return apiserver


Start = Callable[[str], Coroutine[Any, Any, CachedStore]]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_store, "ALONE_SECONDS", 0.2)
    monkeypatch.setattr(cached_store, "JOIN_SECONDS", 0.05)


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
    configuration = Configuration()
    configuration.host = url
    configuration.api_key = {"BearerToken": f"Bearer {who}"}
    async with ApiClient(configuration) as client:
        yield CachedStore(Kube(client), "team", NOTE)


@asynccontextmanager
async def no_patience(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(watched_snapshot, "PATIENCE_SECONDS", 0.05)
        yield


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.005)


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


def looks(apiserver: FakeApiserver, who: str) -> int:
    return sum(heard.who == who and heard.method == "GET" and NOTE in heard.path for heard in apiserver.heard)


def notes(apiserver: FakeApiserver, who: str = "") -> int:
    """By that replica, or by all."""
    return sum(heard.method == "PUT" and NOTE in heard.path and who in (heard.who, "") for heard in apiserver.heard)


def named(apiserver: FakeApiserver) -> int:
    """How many readers the note names."""
    return len(marker.readers(apiserver.objects["configmaps"][NOTE]))


async def drop(apiserver: FakeApiserver, reader: CachedStore) -> None:
    """As another replica does to one that it takes for gone."""
    await apiserver.put("configmaps", marker.without_reader(apiserver.objects["configmaps"][NOTE], reader._me))


async def test_a_list_is_answered_from_memory(replica: Start, apiserver: FakeApiserver) -> None:
    await apiserver.put("graphcrons", cron("there"))
    one = await replica("one")
    for _ in range(5):
        assert await names(one) == {"there"}
    assert lists(apiserver, "one") == 1


async def test_what_one_replica_wrote_each_reads_next(replica: Start, apiserver: FakeApiserver) -> None:
    one, other = await replica("one"), await replica("other")
    made = await one.create(cron("a"))
    assert await names(other) == {"a"}
    await other.replace(made | {"spec": made["spec"] | {"enabled": False}})
    assert [manifest["spec"]["enabled"] for manifest in await one.list()] == [False]
    await other.delete(made["metadata"]["uid"])
    assert await names(one) == set()
    assert (lists(apiserver, "one"), lists(apiserver, "other")) == (1, 1), "none of it was asked of the apiserver"


async def test_a_read_waits_for_a_watch_that_is_late(replica: Start, apiserver: FakeApiserver) -> None:
    one, other = await replica("one"), await replica("other")
    apiserver.silent.add("other")
    await one.create(cron("a"))
    reading = asyncio.create_task(names(other))
    before = looks(apiserver, "other")
    await until(lambda: looks(apiserver, "other") > before)
    assert not reading.done()
    await apiserver.speak()
    assert await reading == {"a"}
    assert lists(apiserver, "other") == 1


async def test_a_watch_that_says_nothing_costs_time_and_no_truth(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await replica("one"), await replica("other")
    apiserver.silent.add("other")
    async with no_patience(monkeypatch):
        made = await one.create(cron("a"))
        assert await names(other) == {"a"}
        await one.delete(made["metadata"]["uid"])
        assert await names(other) == set()
    assert lists(apiserver, "other") == 3


async def test_what_one_replica_deleted_is_gone_for_one_whose_watch_is_late(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await replica("one"), await replica("other")
    made = await one.create(cron("a"))
    assert await names(other) == {"a"}
    apiserver.silent.add("other")
    async with no_patience(monkeypatch):
        await one.delete(made["metadata"]["uid"])
        assert await names(other) == set()


async def test_a_deletion_by_a_replica_whose_own_watch_is_silent_is_answered(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await replica("one")
    made = await one.create(cron("a"))
    apiserver.silent.add("one")
    async with no_patience(monkeypatch):
        await one.delete(made["metadata"]["uid"])


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


async def test_what_was_deleted_while_it_did_not_watch_is_gone(replica: Start, apiserver: FakeApiserver) -> None:
    await apiserver.put("graphcrons", cron("a"))
    await apiserver.put("graphcrons", cron("b"))
    one = await replica("one")
    apiserver.away.add("one")
    await apiserver.expire_watches()
    await apiserver.delete("graphcrons", "a")
    with pytest.raises(Unavailable):
        await one.list()
    apiserver.away.clear()
    await until(lambda: holds(one, "b"))


async def test_without_its_note_it_asks_the_apiserver(
    replica: Start, apiserver: FakeApiserver, caplog: pytest.LogCaptureFixture
) -> None:
    one = await replica("one")
    await apiserver.delete("configmaps", NOTE)
    await one.create(cron("a"))
    assert await names(one) == {"a"}
    assert await names(one) == {"a"}
    assert lists(apiserver, "one") == 3
    said = [record.message for record in caplog.records if NOTE in record.message]
    assert len(said) == 1, "once, and not for each read"
    await apiserver.put("configmaps", {"metadata": {"name": NOTE}})
    await until(lambda: memory_answers(one, apiserver, "one"))


async def memory_answers(crons: CachedStore, apiserver: FakeApiserver, who: str) -> bool:
    before = lists(apiserver, who)
    await names(crons)
    return lists(apiserver, who) == before


async def test_writes_at_the_same_time_share_notes(replica: Start, apiserver: FakeApiserver) -> None:
    one, other = await replica("one"), await replica("other")
    before = notes(apiserver)
    await asyncio.gather(*((one if number % 2 else other).create(cron(f"c{number}")) for number in range(40)))
    assert 0 < notes(apiserver) - before < 40
    newest = max(int(item["metadata"]["resourceVersion"]) for item in apiserver.objects["graphcrons"].values())
    assert marker.newest(apiserver.objects["configmaps"][NOTE]) == newest
    assert len(await names(one)) == len(await names(other)) == 40


async def test_reads_at_the_same_time_share_looks(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    before = looks(apiserver, "one")
    await asyncio.gather(*(one.list() for _ in range(50)))
    assert looks(apiserver, "one") - before <= 2


async def test_a_client_that_leaves_takes_no_other_reader_with_it(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    first, second = asyncio.create_task(names(one)), asyncio.create_task(names(one))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == set()


async def test_many_writes_and_reads_at_random_are_always_what_was_written(replica: Start) -> None:
    """A client that alternates between two replicas."""
    replicas = [await replica("one"), await replica("other")]
    there: set[str] = set()
    for number in range(120):
        writer, reader = replicas[number % 2], replicas[(number // 2) % 2]
        if number % 3 == 2:
            name = sorted(there)[0]
            found = next(manifest for manifest in await writer.list() if manifest["metadata"]["name"] == name)
            await writer.delete(found["metadata"]["uid"])
            there.remove(name)
        else:
            await writer.create(cron(f"c{number}"))
            there.add(f"c{number}")
        assert await names(reader) == there


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
        with pytest.raises(Unavailable, match="still being read"):
            await crons.ready()
        async with crons.watching():
            await until(lambda: crons.age() is not None)
            await crons.ready()
            await apiserver.cut_watches()


async def test_who_is_alone_writes_no_notes_and_reads_what_it_wrote(replica: Start, apiserver: FakeApiserver) -> None:
    one = await replica("one")
    await one.create(cron("first"))
    before = notes(apiserver)
    started = steady_clock()
    for number in range(5):
        made = await one.create(cron(f"c{number}"))
        assert made["metadata"]["name"] in await names(one)
        await one.replace(made | {"spec": made["spec"] | {"enabled": False}})
        await one.delete(made["metadata"]["uid"])
        assert await names(one) == {"first"}
    assert notes(apiserver) - before <= (steady_clock() - started) / ALONE_SECONDS


async def test_what_went_without_a_note_is_read_by_whoever_comes(replica: Start, apiserver: FakeApiserver) -> None:
    """Writes go on while others come, hear nothing through their watches, and go. What they read is what was answered
    before; and the first to come back to being alone spares its notes again."""
    one, there = await replica("one"), {"c0"}
    await one.create(cron("c0"))
    before = notes(apiserver)
    await one.create(cron("c1"))
    there.add("c1")
    assert notes(apiserver) == before, "it knows nobody else, or this shows nothing"
    apiserver.silent |= {"other"}
    starting = asyncio.create_task(replica("other"))
    number = 2
    while not starting.done():
        await one.create(cron(f"c{number}"))
        there.add(f"c{number}")
        number += 1
        await asyncio.sleep(0)
    other = await starting
    assert lists(apiserver, "other") == 1
    for name in ("x", "y", "z"):
        await one.create(cron(name))
        there.add(name)
        assert await names(other) == there


async def test_whoever_goes_is_written_for_no_longer(apiserver: FakeApiserver, replica: Start) -> None:
    one = await replica("one")
    async with apiserver.serving() as url, store_of(url, "other") as other:
        async with other.watching():
            await until(lambda: named(apiserver) == 2)
        assert named(apiserver) == 1
        await apiserver.cut_watches()
    await one.create(cron("a"))
    before = notes(apiserver)
    await one.create(cron("b"))
    assert notes(apiserver) == before


async def test_a_reader_that_was_dropped_reads_the_truth_and_joins_anew(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its watch is silent, and the other one takes itself to be alone."""
    one, other = await replica("one"), await replica("other")
    monkeypatch.setattr(cached_store, "ALONE_SECONDS", 1.0)
    await drop(apiserver, other)
    noted = await one.create(cron("a"))
    await until(lambda: other._snapshot is not None and other._snapshot.holds(noted["metadata"]["uid"]))
    apiserver.silent.add("other")
    before = notes(apiserver, "one")
    await one.create(cron("b"))
    assert await names(other) == {"a", "b"}
    await until(lambda: named(apiserver) == 2)
    await one.create(cron("c"))
    assert notes(apiserver, "one") == before, "it does not know yet, or this shows nothing"
    assert await names(other) == {"a", "b", "c"}
    await apiserver.speak()
    await until(lambda: memory_answers(other, apiserver, "other"))
    await one.create(cron("d"))
    assert await names(other) == {"a", "b", "c", "d"}


async def test_who_is_alone_and_hears_nothing_reads_what_it_wrote(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_store, "ALONE_SECONDS", 10.0)
    one = await replica("one")
    await one.create(cron("a"))
    apiserver.silent.add("one")
    before = notes(apiserver)
    async with no_patience(monkeypatch):
        await one.create(cron("b"))
        assert await names(one) == {"a", "b"}
    assert notes(apiserver) == before


async def test_who_was_dropped_does_not_come_back_by_saying_that_it_is_there(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await replica("one")
    monkeypatch.setattr(cached_store, "WORD_SECONDS", 0.0)
    said = marker.READER + one._me
    before = apiserver.objects["configmaps"][NOTE]
    await apiserver.put("configmaps", before | {"data": {said: "2026-01-01T00:00:00Z"}})
    await one.ready()
    assert apiserver.objects["configmaps"][NOTE]["data"][said] > "2026-01-01T00:00:00Z"
    listed = lists(apiserver, "one")
    await apiserver.put("configmaps", before | {"data": {}})
    await one.ready()
    await until(lambda: named(apiserver) == 1)
    await until(lambda: lists(apiserver, "one") > listed)


async def test_a_look_tells_too_that_nobody_else_reads(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_store, "ALONE_SECONDS", 10.0)
    one = await replica("one")
    assert await names(one) == set()
    before = notes(apiserver)
    await one.create(cron("a"))
    assert await names(one) == {"a"}
    assert notes(apiserver) == before


async def test_a_list_that_comes_while_it_joins_anew_is_not_taken_for_whole(
    replica: Start, apiserver: FakeApiserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes without a note after that list, and before all know of this reader, would be missing."""
    one, other = await replica("one"), await replica("other")
    monkeypatch.setattr(cached_store, "ALONE_SECONDS", 1.0)
    await drop(apiserver, other)
    await one.create(cron("a"))
    before = notes(apiserver, "one")
    assert await names(other) == {"a"}
    await until(lambda: named(apiserver) == 2)
    old = other._snapshot
    await apiserver.expire_watches()
    await until(lambda: other._snapshot is not old)
    apiserver.silent.add("other")
    await one.create(cron("b"))
    assert notes(apiserver, "one") == before, "it does not know yet, or this shows nothing"
    assert await names(other) == {"a", "b"}
