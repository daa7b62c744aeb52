"""Watch liveness: every watch ends after 60 s (`timeoutSeconds`); one that brings nothing for longer is dead.

A process lives, its port answers, and yet nothing may come through its watches any more. So each watch has to bring
something: an event, a bookmark, or its end, in time, by the apiserver. (Bookmarks alone would not do: a resource in
which nothing has happened since the apiserver started can be without any for ten minutes.) While the apiserver does not
answer at all nothing is held against a watch: the process is not what is ill then, and to restart it would lose what it
knows.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

WATCH_SECONDS = 60
"""After so long the apiserver is to end a watch."""


class Stream(Protocol):
    """An answer whose body is still coming in, such as aiohttp's StreamReader. It is at its end when the other side has
    said so, and not when the connection was lost or given up."""

    total_bytes: int

    def is_eof(self) -> bool: ...


class Heartbeat:
    """The watches by name. Times are of `clock`, in seconds; `wall` is for people."""

    def __init__(
        self, names: Iterable[str], clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._streams: dict[str, tuple[Stream, tuple[int, bool]]] = {}
        self._heard = dict.fromkeys(names, clock())
        self._heard_at = dict.fromkeys(self._heard, 0.0)

    def opened(self, name: str, stream: Stream) -> None:
        """A watch was answered: its list is complete, and what is new comes from here."""
        if name in self._heard:
            self.listen()
            self._streams[name] = (stream, (0, False))

    def listen(self) -> None:
        """Note which watches have brought something since the last time; to be called every second or so."""
        for name, (stream, before) in self._streams.items():
            now = (stream.total_bytes, stream.is_eof())
            if now != before:
                self._streams[name] = (stream, now)
                self._heard[name] = self._clock()
                self._heard_at[name] = self._wall()

    @property
    def synced(self) -> bool:
        """Whether everything was listed once, and is watched since."""
        return len(self._streams) == len(self._heard)

    @property
    def last_heard(self) -> float:
        """When the watch that is silent for the longest last brought something, in seconds since 1970; 0: never."""
        return min(self._heard_at.values())

    def silent(self, seconds: float, answering_since: float | None) -> list[str]:
        """The watches that have brought nothing for so long, although the apiserver has answered all that time."""
        return [] if answering_since is None else silent(self._heard, seconds, answering_since, self._clock())


def silent(heard: Mapping[str, float], seconds: float, answering_since: float, now: float) -> list[str]:
    """As `Heartbeat.silent`; a pure function of when each watch was heard."""
    return [name for name, at in heard.items() if now - max(at, answering_since) > seconds]
