"""The watch cache on its own: what it has, how old that is, and how long a reader waits for more."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from graphcron.facade.store import watched_snapshot
from graphcron.facade.store.snapshot import whole
from graphcron.facade.store.watched_snapshot import WatchedSnapshot


def cron(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


async def test_before_the_first_list_there_is_nothing_and_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_snapshot, "PATIENCE_SECONDS", 0.01)
    cache = WatchedSnapshot()
    assert cache.age() is None
    assert await cache.once(lambda snapshot: True) is None
    cache.on_replace(set(), 1)
    assert cache.age() is not None
    cache.clear()
    assert cache.age() is None


async def test_a_list_replaces_what_it_lacks_and_the_last_one_stays_until_it_is_whole() -> None:
    cache = WatchedSnapshot()
    cache.on_page([cron("a", 1), cron("b", 1)])
    cache.on_replace({"a", "b"}, 1)
    cache.on_page([cron("b", 1), cron("c", 2)])
    before = await cache.once(lambda snapshot: True)
    assert before
    assert {item["metadata"]["name"] for item in before.manifests()} == {"a", "b"}
    cache.on_replace({"b", "c"}, 2)
    after = await cache.once(lambda snapshot: True)
    assert after
    assert {item["metadata"]["name"] for item in after.manifests()} == {"b", "c"}


async def test_of_a_huge_one_memory_never_answers_whether_listed_or_watched() -> None:
    """An update would be decided on its outline."""
    huge = cron("a", 1) | {"spec": {"input": "x" * 1_000_000}}
    cache = WatchedSnapshot()
    cache.on_page([huge])
    cache.on_replace({"a"}, 1)
    assert (found := cache.find("a"))
    assert whole(found) is None
    cache.on_update(huge)
    assert (found := cache.find("a"))
    assert whole(found) is None


async def test_a_reader_waits_for_the_event_that_it_needs() -> None:
    cache = WatchedSnapshot()
    cache.on_replace(set(), 1)
    reading = asyncio.create_task(cache.once(lambda snapshot: snapshot.version >= 3))
    for version in (2, 3):
        await asyncio.sleep(0)
        assert not reading.done()
        cache.on_bookmark(version)
    assert await reading


async def test_a_listener_hears_of_each_change_once_and_after_a_list_of_everything() -> None:
    def named(name: str, version: int) -> dict[str, Any]:
        return {"metadata": cron(name, version)["metadata"] | {"namespace": "team"}}

    cache = WatchedSnapshot()
    cache.on_replace(set(), 1)
    async with aclosing(cache.changes()) as changes:
        coming = asyncio.create_task(anext(changes))
        await asyncio.sleep(0)  # it listens from now on
        cache.on_add(named("a", 2))
        cache.on_update(named("a", 3))
        cache.on_bookmark(4)
        assert await coming == {("team", "a")}
        cache.on_page([named("a", 3), named("b", 5)])
        cache.on_replace({"a", "b"}, 5)
        assert await anext(changes) == {("team", "a"), ("team", "b")}
        cache.on_delete(named("b", 6))
        assert await anext(changes) == {("team", "b")}
    cache.on_update(named("a", 7))
    assert not cache._listeners
