"""The store that answers lists from a watch cache and guarantees read-your-writes, through whichever replica."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from graphcron.facade.single_flight import Shared
from graphcron.facade.store import marker
from graphcron.facade.store.kube_store import KubeStore
from graphcron.facade.store.snapshot import NO_METADATA, Snapshot
from graphcron.facade.store.store import Manifest, Missing, Unavailable
from graphcron.facade.store.watched_snapshot import WatchedSnapshot, running
from graphcron.kube import errors
from graphcron.kube.client import Kube
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import GRAPHCRONS
from graphcron.kube.versions import version_of
from graphcron.kube.write_gate import steady_clock

log = logging.getLogger(__name__)

NOTE_SECONDS = 10.0
"""How long the answer to a write waits for its note, should other replicas or the apiserver be in the way."""

NOTE_WAIT_SECONDS = 0.025
"""How long a note waits for other writes under way, to speak of them too."""

PAUSE_SECONDS = 0.1
"""Between attempts to write a note while the apiserver is busy."""

ALONE_SECONDS = 2.0
"""How long writes go without notes, since the note was asked for, or written, and named no other replica."""

WORD_SECONDS = 600.0
"""Between two times that a replica says that it is there, so that it is not taken for gone (`note.GONE_AFTER`)."""

JOIN_SECONDS = 10.0
"""Between attempts to be named in a note that cannot be written."""

LEAVE_SECONDS = 2.0
"""For a last word. Without it the others write notes for longer than they must."""


class CachedStore(WatchedSnapshot, KubeStore):
    """The GraphCrons of one namespace from memory. `note_name` is the ConfigMap that the replicas share."""

    def __init__(self, kube: Kube, namespace: str, note_name: str) -> None:
        WatchedSnapshot.__init__(self)
        KubeStore.__init__(self, kube, namespace)
        self._note_name = note_name
        self._me = uuid.uuid4().hex
        self._said = float("-inf")
        self._alone_until = float("-inf")
        self._dropped = asyncio.Event()
        self._own = 0
        self._looks = Shared[int | None]()
        self._noting = asyncio.Lock()
        self._writing = 0
        self._none_writing = asyncio.Event()
        self._to_note = 0
        self._noted = 0
        self._note: Manifest | None = None
        self._note_failed = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["CachedStore"]:
        """Reads from memory while this is entered."""
        try:
            async with running(self._mirror()):
                yield self
        finally:
            self._snapshot = None
            await self._leave()

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[Manifest]:
        snapshot = await self._up_to_date()
        return await super().list() if snapshot is None else snapshot.manifests(metadata)

    async def create(self, manifest: Manifest) -> Manifest:
        with self._in_writing():
            made = await super().create(manifest)
        await self._tell(version_of(made))
        return made

    async def replace(self, manifest: Manifest) -> Manifest:
        with self._in_writing():
            written = await super().replace(manifest)
        await self._tell(version_of(written))
        return written

    async def delete(self, cron_id: str, known: Manifest | None = None) -> None:
        known = known or await self.get(cron_id)
        await super().delete(cron_id, known)
        # Kubernetes does not say at which version it was deleted. Our own watch does.
        if (version := await self._gone(known["metadata"]["uid"])) is not None:
            await self._tell(version)

    async def ready(self) -> None:
        await super().ready()
        if self._snapshot is None:
            raise Unavailable("The GraphCrons are still being read")
        if self._is_whole and self._said + WORD_SECONDS < steady_clock():
            with suppress(errors.KubeError):  # looks tell what is wrong with it
                await self._say_again()

    async def _by_uid(self, cron_id: str) -> Manifest:
        if (snapshot := await self._up_to_date()) is None:
            return await super()._by_uid(cron_id)
        if (found := snapshot.find(cron_id)) is None:
            raise Missing(cron_id)
        try:
            # The newest, and all of it: an update writes it back.
            manifest = await self._kube.get_graphcron(self._namespace, found["metadata"]["name"])
        except errors.NotFound:
            raise Missing(cron_id) from None
        if manifest["metadata"]["uid"] != found["metadata"]["uid"] or "deletionTimestamp" in manifest["metadata"]:
            raise Missing(cron_id)
        return manifest

    # Reading what was written

    async def _up_to_date(self) -> Snapshot | None:
        """A snapshot with all that was answered before this call; None when that cannot be told soon."""
        wanted = None if self._snapshot is None else await self._newest_note()
        if wanted is None or not self._is_whole:
            return None
        wanted = max(wanted, self._own)
        return await self._once(lambda snapshot: snapshot.version >= wanted)

    async def _newest_note(self) -> int | None:
        """What the note says that is looked at after this call."""
        return await self._looks.answer(None, self._look)

    async def _look(self) -> int | None:
        began = steady_clock()
        try:
            found = await self._kube.get_config_map(self._namespace, self._note_name)
        except errors.KubeError as error:
            self._note_fails(error.message)
            return None
        self._see_readers(found, began)
        if self._me not in marker.readers(found):
            self._drop_out()
            return None
        self._note_is_fine()
        return marker.newest(found)

    def _note_fails(self, message: str) -> None:
        """Said once, not for each read."""
        if not self._note_failed:
            log.warning("reads go to the apiserver, since ConfigMap %s cannot be used: %s", self._note_name, message)
        self._note_failed = True

    def _note_is_fine(self) -> None:
        if self._note_failed:
            log.info("reads are answered from memory again")
        self._note_failed = False

    # Being one of those who read

    async def _mirror(self) -> None:
        """Keep a snapshot. It is whole once it comes from a list that was begun when nothing went without a note any
        more."""
        joined = await self._join()
        while True:
            self._will_be_whole = joined
            self._dropped.clear()
            async with running(Reflector(self._kube, GRAPHCRONS, self._namespace, "", self).run()):
                if joined:
                    await self._dropped.wait()
                    log.info("ConfigMap %s names this replica no more: it joins anew", self._note_name)
                    joined = await self._join()
                while not joined:
                    await asyncio.sleep(JOIN_SECONDS)
                    joined = await self._join()

    async def _join(self) -> bool:
        """Be named in the note, and wait for those who may not know yet. False when it cannot be written."""
        try:
            before = await self._amend(lambda found: marker.with_reader(found, self._me, datetime.now(UTC)))
            self._said = steady_clock()
            if marker.readers(before) - {self._me}:
                await asyncio.sleep(2 * ALONE_SECONDS)  # clocks do not run quite alike
        except errors.KubeError as error:
            self._note_fails(error.message)
            return False
        return True

    async def _say_again(self) -> None:
        """That we are there. Who was dropped has to join."""

        def with_us(found: Manifest) -> Manifest:
            named = self._me in marker.readers(found)
            return marker.with_reader(found, self._me, datetime.now(UTC)) if named else found

        before = await self._amend(with_us)
        if self._me not in marker.readers(before):
            self._drop_out()
        else:
            self._said = steady_clock()

    async def _amend(self, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Change the note; returns what it was before."""
        while True:
            before = await self._kube.get_config_map(self._namespace, self._note_name)
            if (after := change(before)) == before:
                return before
            with suppress(errors.Conflict):
                await self._kube.replace_config_map(self._namespace, after)
                return before

    def _see_readers(self, found: Manifest, began: float) -> None:
        """In an answer to what was asked at that time."""
        self._alone_until = began + ALONE_SECONDS if marker.readers(found) == {self._me} else float("-inf")

    def _is_alone(self) -> bool:
        return steady_clock() < self._alone_until

    def _drop_out(self) -> None:
        self._is_whole = self._will_be_whole = False
        self._dropped.set()

    async def _leave(self) -> None:
        """Best effort."""
        with suppress(errors.KubeError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._amend(lambda found: marker.without_reader(found, self._me))

    # Telling what was written

    @contextmanager
    def _in_writing(self) -> Iterator[None]:
        self._writing += 1
        self._none_writing.clear()
        try:
            yield
        finally:
            self._writing -= 1
            if not self._writing:
                self._none_writing.set()

    async def _others(self) -> None:
        """A note costs the apiserver as much as a cron does. So it waits for those that are being written, a while."""
        if self._writing:
            with suppress(TimeoutError):
                async with asyncio.timeout(NOTE_WAIT_SECONDS):
                    await self._none_writing.wait()

    async def _tell(self, version: int) -> None:
        """Note that there is a write of that version, unless nobody is there to read that. Others that come meanwhile
        are noted together."""
        self._own = max(self._own, version)
        if self._is_alone():
            return
        self._to_note = max(self._to_note, version)
        try:
            async with asyncio.timeout(NOTE_SECONDS), self._noting:
                while self._noted < version and not self._is_alone():
                    await self._others()
                    try:
                        await self._write_note(self._to_note)
                    except errors.Conflict:
                        continue  # another replica was at it: look again what it says
                    except errors.Unavailable:
                        await asyncio.sleep(PAUSE_SECONDS)
            self._note_is_fine()
        except TimeoutError:
            log.warning("other replicas may learn late of a write: ConfigMap %s was not written", self._note_name)
        except errors.KubeError as error:
            # It is not there, or not ours to write: then no replica can read it, and none reads from memory.
            self._note_fails(error.message)

    async def _write_note(self, version: int) -> None:
        known = self._note or await self._kube.get_config_map(self._namespace, self._note_name)
        self._note = None
        version = max(version, marker.newest(known))
        if marker.newest(known) < version:
            began = steady_clock()
            known = await self._kube.replace_config_map(self._namespace, marker.with_newest(known, version))
            self._see_readers(known, began)
        self._note = known
        self._noted = version

    async def _gone(self, uid: str) -> int | None:
        """The version at which our watch no longer has it, None when it does not say so soon."""
        gone = await self._once(lambda snapshot: not snapshot.holds(uid))
        return None if gone is None else gone.changed
