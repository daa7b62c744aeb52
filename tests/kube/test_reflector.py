"""A copy of one resource, by a small apiserver on a real socket: no change is missed, and little is requested twice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest

from graphcron.kube import reflector
from graphcron.kube.client import Kube
from graphcron.kube.errors import NotFound
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import JOBS
from tests.support.apiserver_fake import FakeApiserver
from tests.support.kubeconfig import api_client
from tests.support.until import until


class Copy:
    """A handler that keeps a copy, and what it was called with."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.events: list[str] = []
        self.lists = 0
        self.trips = False
        self._listed: dict[str, dict[str, Any]] = {}

    def on_page(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            if item["metadata"]["name"] == "broken":
                raise ValueError("always")
            assert (item["apiVersion"], item["kind"]) == ("batch/v1", "Job"), "each says what it is"
            self._listed[item["metadata"]["uid"]] = item

    def on_replace(self, uids: set[str], version: int) -> None:
        found = [self._listed[uid]["metadata"] for uid in uids if uid in self._listed]
        self.held = {metadata["name"]: int(metadata["resourceVersion"]) for metadata in found}
        assert version >= max(self.held.values(), default=0)
        self.lists += 1

    def on_add(self, manifest: dict[str, Any]) -> None:
        self._changed("ADDED", manifest)

    def on_update(self, manifest: dict[str, Any]) -> None:
        self._changed("MODIFIED", manifest)

    def _changed(self, kind: str, manifest: dict[str, Any]) -> None:
        if self.trips or manifest["metadata"]["name"] == "broken":
            self.trips = False
            raise ValueError("a defect of ours")
        self.events.append(kind)
        self.held[manifest["metadata"]["name"]] = int(manifest["metadata"]["resourceVersion"])

    def on_delete(self, manifest: dict[str, Any]) -> None:
        self.events.append("DELETED")
        del self.held[manifest["metadata"]["name"]]

    def on_bookmark(self, version: int) -> None:
        self.events.append("BOOKMARK")


@pytest.fixture
async def apiserver() -> FakeApiserver:
    return FakeApiserver()


@pytest.fixture
async def opened() -> list[Any]:
    """What the Reflector reported of its watches."""
    return []


@pytest.fixture
async def copy(apiserver: FakeApiserver, opened: list[Any]) -> AsyncIterator[Copy]:
    """What a Reflector reports while the test lasts."""
    copy = Copy()
    async with apiserver.serving() as url, api_client(url) as client:
        tested = Reflector(Kube(client), JOBS, "team", "mine=yes", copy, lambda *what: opened.append(what))
        task = asyncio.create_task(tested.run())
        yield copy
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await apiserver.cut_watches()


def job(name: str, mine: str = "yes") -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": {"mine": mine}}}


async def test_what_was_there_and_what_comes_by_selector(apiserver: FakeApiserver, copy: Copy) -> None:
    await apiserver.put("jobs", job("there"))
    await apiserver.put("jobs", job("not mine", mine="no"))
    await until(lambda: "there" in copy.held)
    changed = await apiserver.put("jobs", job("there") | {"spec": {}})
    await apiserver.put("jobs", job("new"))
    await until(lambda: set(copy.held) == {"there", "new"})
    assert copy.held["there"] == int(changed["metadata"]["resourceVersion"])
    await apiserver.delete("jobs", "there")
    await until(lambda: set(copy.held) == {"new"})


async def test_a_watch_that_breaks_goes_on_from_where_it_was(apiserver: FakeApiserver, copy: Copy) -> None:
    await until(lambda: copy.lists)
    for name in ("a", "b", "c"):
        await until(lambda: apiserver.watches_of("jobs"))
        await apiserver.cut_watches()
        await apiserver.put("jobs", job(name))
        await until(lambda name=name: name in copy.held)  # type: ignore[misc]
    assert copy.lists == 1
    assert copy.events == ["ADDED", "ADDED", "ADDED"], "nothing is reported twice"


async def test_a_version_that_is_too_old_means_a_list_and_what_is_not_in_it_is_gone(
    apiserver: FakeApiserver, copy: Copy
) -> None:
    await apiserver.put("jobs", job("stays"))
    await apiserver.put("jobs", job("goes"))
    await until(lambda: set(copy.held) == {"stays", "goes"})
    del apiserver.objects["jobs"]["goes"]
    await apiserver.expire_watches()
    await until(lambda: copy.lists >= 2)
    assert set(copy.held) == {"stays"}
    await apiserver.put("jobs", job("later"))
    await until(lambda: set(copy.held) == {"stays", "later"})


async def test_a_bookmark_moves_the_version_on(apiserver: FakeApiserver, copy: Copy) -> None:
    """Else a resource in which nothing happens would have to be listed anew after each break."""
    apiserver.bookmark_seconds = 0.02
    await until(lambda: "BOOKMARK" in copy.events)
    await apiserver.put("jobs", job("not mine", mine="no"))
    newest = int(apiserver.objects["jobs"]["not mine"]["metadata"]["resourceVersion"])
    await until(lambda: copy.events.count("BOOKMARK") >= 3)
    await apiserver.cut_watches()
    await until(lambda: f"resourceVersion={newest}&" in apiserver.watches_of("jobs")[-1])
    assert copy.lists == 1


async def test_an_apiserver_that_is_away_is_waited_for_and_said(
    apiserver: FakeApiserver, copy: Copy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reflector, "PAUSES", (0.01, 0.02))
    apiserver.away.add("")
    with caplog.at_level(logging.INFO):
        await apiserver.put("jobs", job("there"))
        await apiserver.cut_watches()
        await until(lambda: "the server is currently unable to handle the request" in caplog.text)
    assert any("jobs" in record.message for record in caplog.records)
    apiserver.away.clear()
    await until(lambda: set(copy.held) == {"there"})


async def test_a_handler_that_fails_is_filled_again(
    apiserver: FakeApiserver, copy: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    await until(lambda: copy.lists)
    copy.trips = True
    await apiserver.put("jobs", job("odd"))
    await until(lambda: copy.lists == 2)
    assert set(copy.held) == {"odd"}
    assert "the watch of jobs failed" in caplog.text


async def test_an_object_on_which_a_handler_always_fails_does_not_keep_it_from_the_others(
    apiserver: FakeApiserver, copy: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("before", "broken", "after"):
        await apiserver.put("jobs", job(name))
    await until(lambda: set(copy.held) == {"before", "after"})
    await apiserver.put("jobs", job("later"))
    await until(lambda: "later" in copy.held)
    assert "one of the jobs cannot be read, and is ignored: team/broken" in caplog.text


async def test_it_is_called_when_a_watch_is_open(apiserver: FakeApiserver, copy: Copy, opened: list[Any]) -> None:
    await until(lambda: opened)
    assert copy.lists == 1
    await apiserver.put("jobs", job("a"))
    ((resource, stream),) = opened
    assert resource == JOBS
    await until(lambda: stream.total_bytes > 0)


async def test_what_cannot_be_listed_for_good_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator works without the CRD of backfills."""
    asked = []

    class Without:
        async def pages(self, *what: object) -> AsyncIterator[Any]:
            asked.append(what)
            raise NotFound(404, "no such resource")
            yield

    monkeypatch.setattr(reflector, "PAUSES", (0.0,))
    tested = Reflector(cast("Kube", Without()), JOBS, None, "", Copy())
    task = asyncio.create_task(tested.run())
    await until(lambda: len(asked) > 3)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["jobs are not known to the cluster (no such resource): is the CRD installed?"]
