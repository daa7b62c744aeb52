"""The watch cache: a snapshot of the GraphCrons that a Reflector keeps up to date."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from graphcron.facade.store.snapshot import Snapshot, kept
from graphcron.kube.resources import Manifest
from graphcron.kube.write_gate import steady_clock

PATIENCE_SECONDS = 1.0
"""How long a list waits for the watch to bring a write of ours before it is read from the apiserver."""


class WatchedSnapshot:
    """The mirror of a Reflector. The last snapshot stays while a list is read anew and while the watch is broken."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._listed: dict[str, Manifest] = {}
        self._moved = asyncio.Event()
        self._heard = steady_clock()
        self._listeners: set[Listener] = set()

    def age(self) -> float | None:
        """Seconds since the apiserver last sent a list, an event or a bookmark; None before the first list."""
        return None if self._snapshot is None else steady_clock() - self._heard

    def find(self, identity: str) -> Manifest | None:
        """The one of this cron id, as the watch last brought it."""
        return None if self._snapshot is None else self._snapshot.find(identity)

    def manifests(self) -> list[Manifest]:
        """All of them, as the watch last brought them; none before the first list."""
        return [] if self._snapshot is None else self._snapshot.manifests()

    async def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        """Namespaces and names of what has changed since this was last asked, without end. Of a list that was read anew
        that is all of it."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            while True:
                yield await listener.next()
        finally:
            self._listeners.discard(listener)

    def clear(self) -> None:
        """Drops the snapshot: nothing keeps it up to date any more."""
        self._snapshot = None

    async def once(self, caught_up: Callable[[Snapshot], bool]) -> Snapshot | None:
        """The snapshot as soon as it has caught up; None when that takes longer than `PATIENCE_SECONDS`."""
        if self._snapshot is not None and caught_up(self._snapshot):
            return self._snapshot
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._snapshot is None or not caught_up(self._snapshot):
                    await self._moved.wait()
                return self._snapshot
        except TimeoutError:
            return None

    def _move(self, snapshot: Snapshot) -> None:
        self._snapshot, self._heard = snapshot, steady_clock()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def on_page(self, items: list[Manifest]) -> None:
        self._listed |= {item["metadata"]["uid"]: kept(item) for item in items}

    def on_replace(self, uids: set[str], version: int) -> None:
        self._move(Snapshot([item for uid, item in self._listed.items() if uid in uids], version))
        self._listed = {}
        self._tell(self.manifests())

    def on_add(self, manifest: Manifest) -> None:
        self._apply("ADDED", manifest)

    def on_update(self, manifest: Manifest) -> None:
        self._apply("MODIFIED", manifest)

    def on_delete(self, manifest: Manifest) -> None:
        self._apply("DELETED", manifest)

    def on_bookmark(self, version: int) -> None:
        self._apply("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})

    def _apply(self, kind: str, manifest: Manifest) -> None:
        assert self._snapshot is not None, "a list comes first"
        self._snapshot.apply({"type": kind, "object": manifest})
        self._move(self._snapshot)
        if kind != "BOOKMARK":
            self._tell([manifest])

    def _tell(self, manifests: Iterable[Manifest]) -> None:
        if self._listeners:
            keys = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in manifests}
            for listener in self._listeners:
                listener.add(keys)


class Listener:
    """One that waits for changes: those that it has not taken yet, each once."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._has_some = asyncio.Event()

    def add(self, keys: set[tuple[str, str]]) -> None:
        self._keys |= keys
        self._has_some.set()

    async def next(self) -> frozenset[tuple[str, str]]:
        """Those since the last call, as soon as there are any."""
        await self._has_some.wait()
        keys, self._keys = frozenset(self._keys), set()
        self._has_some.clear()
        return keys


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `work` in a task until this is left, and cancels it then."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
