"""The store that answers lists from memory, and yet tells each client what it wrote, through whichever replica.

A watch keeps a `Snapshot` of the namespace. What is missing is to know, at a read, whether it has every write that
was answered before. The watch itself does not say: it is silent while nothing changes, and late by as much as the
apiserver is busy. So each replica notes the resource version of its newest write in a ConfigMap (the *note*) before it
answers that write, and each read first looks there, and waits until the snapshot has come so far. The version is one
of a GraphCron, so the watch is bound to bring it. Both are shared by those who come at the same time: one note for
all writes, one look for all reads that wait.

A note is for the other replicas, and often there is none. So the note also names all who read from memory, and who
finds in it nobody but itself writes without notes for `ALONE_SECONDS`. Whoever is added waits until that time is over
for any who had not seen it yet, and only then lists what there is: so nothing that went without a note is missing. Each
look shows a reader whether it is still named; one that is not joins anew. No clock but the length of that time counts.

Whatever fails on that way (no watch, no note, an apiserver that is slow), the answer is read from the apiserver
itself: always right, and slower. What kubectl writes is there when the watch brings it, milliseconds later.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from graphcron import note
from graphcron.kube import errors
from graphcron.kube.client import Kube
from graphcron.kube.paths import GRAPHCRONS
from graphcron.kube.reflector import Reflector
from graphcron.kube.versions import version_of
from graphcron.kube.write_gate import steady_clock
from graphcron.sharing import Shared
from graphcron.snapshot import Snapshot
from graphcron.store import KubeStore, Manifest, Missing, Unavailable
from graphcron.wire import NO_METADATA

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""How long a read waits for the watch, and a deletion for its event, before it asks the apiserver."""

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


class CachedStore(KubeStore):
    """The GraphCrons of one namespace from memory. `note_name` is the ConfigMap that the replicas share."""

    def __init__(self, kube: Kube, namespace: str, note_name: str) -> None:
        super().__init__(kube, namespace)
        self._note_name = note_name
        self._me = uuid.uuid4().hex
        self._said = float("-inf")
        self._alone_until = float("-inf")
        self._dropped = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._is_whole = self._will_be_whole = False
        self._own = 0
        self._listed: list[Manifest] = []
        self._moved = asyncio.Event()
        self._heard = steady_clock()
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
            async with _running(self._mirror()):
                yield self
        finally:
            self._snapshot = None
            await self._leave()

    def age(self) -> float | None:
        """Seconds since the apiserver last said anything about GraphCrons; None while nothing is in memory."""
        return None if self._snapshot is None else steady_clock() - self._heard

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

    async def _once(self, come: Callable[[Snapshot], bool]) -> Snapshot | None:
        """The snapshot when the watch has brought it so far; None when it does not soon."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._snapshot is None or not come(self._snapshot):
                    await self._moved.wait()
                return self._snapshot
        except TimeoutError:
            return None

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
        if self._me not in note.readers(found):
            self._drop_out()
            return None
        self._note_is_fine()
        return note.newest(found)

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
            async with _running(Reflector(self._kube, GRAPHCRONS, self._namespace, "", self).run()):
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
            before = await self._amend(lambda found: note.with_reader(found, self._me, datetime.now(UTC)))
            self._said = steady_clock()
            if note.readers(before) - {self._me}:
                await asyncio.sleep(2 * ALONE_SECONDS)  # clocks do not run quite alike
        except errors.KubeError as error:
            self._note_fails(error.message)
            return False
        return True

    async def _say_again(self) -> None:
        """That we are there. Who was dropped has to join."""

        def with_us(found: Manifest) -> Manifest:
            named = self._me in note.readers(found)
            return note.with_reader(found, self._me, datetime.now(UTC)) if named else found

        before = await self._amend(with_us)
        if self._me not in note.readers(before):
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
        self._alone_until = began + ALONE_SECONDS if note.readers(found) == {self._me} else float("-inf")

    def _is_alone(self) -> bool:
        return steady_clock() < self._alone_until

    def _drop_out(self) -> None:
        self._is_whole = self._will_be_whole = False
        self._dropped.set()

    async def _leave(self) -> None:
        """Best effort."""
        with suppress(errors.KubeError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._amend(lambda found: note.without_reader(found, self._me))

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
        version = max(version, note.newest(known))
        if note.newest(known) < version:
            began = steady_clock()
            known = await self._kube.replace_config_map(self._namespace, note.with_newest(known, version))
            self._see_readers(known, began)
        self._note = known
        self._noted = version

    async def _gone(self, uid: str) -> int | None:
        """The version at which our watch no longer has it, None when it does not say so soon."""
        gone = await self._once(lambda snapshot: not snapshot.holds(uid))
        return None if gone is None else gone.changed

    def _move(self, snapshot: Snapshot) -> None:
        self._snapshot, self._heard = snapshot, steady_clock()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    # What the Reflector tells. The snapshot stays while a list is read, and while there is no watch: reads that cannot
    # be sure of it do not use it.

    def begin(self) -> None:
        self._listed = []

    def put(self, manifest: Manifest) -> None:
        self._listed.append(manifest)

    def complete(self, version: int) -> None:
        self._is_whole = self._will_be_whole
        self._move(Snapshot(self._listed, version))
        self._listed = []

    def apply(self, event: dict[str, Any]) -> None:
        assert self._snapshot is not None, "a list comes first"
        self._snapshot.apply(event)
        self._move(self._snapshot)


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Until this is left."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
