"""Watch liveness: every watch ends after 60 s (`timeoutSeconds`); one without an event, bookmark or end for longer is
dead.

A process can live and answer its probes while its watches are dead. So each watch has to bring something in time: an
event, a bookmark, or its end by the apiserver. (Bookmarks alone are not enough: a resource in which nothing has
happened since the apiserver started can be without any for ten minutes.) While the apiserver does not answer at all, no
watch counts as dead: a restart would not help, and would lose the object cache.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from graphcron.kube.resources import Resource

WATCH_SECONDS = 60
"""After which the apiserver ends a watch (`timeoutSeconds`)."""


class Stream(Protocol):
    """The body of an answer that is coming in, such as aiohttp's StreamReader. It is at its end when the apiserver
    ended it, and not when the connection broke."""

    total_bytes: int

    def is_eof(self) -> bool: ...


class WatchHealth:
    """One watch for each resource. `clock` and `wall` give seconds; `wall`, since 1970, is for people."""

    def __init__(
        self,
        resources: Iterable[Resource],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._streams: dict[Resource, tuple[Stream, tuple[int, bool]]] = {}
        self._heard = dict.fromkeys(resources, clock())
        self._heard_at = dict.fromkeys(self._heard, 0.0)

    def expect(self, resource: Resource) -> None:
        """Watch over one resource more."""
        self._heard.setdefault(resource, self._clock())
        self._heard_at.setdefault(resource, 0.0)

    def opened(self, resource: Resource, stream: Stream) -> None:
        """The apiserver answered a watch of that resource; its list is complete."""
        if resource in self._heard:
            self.sample()
            self._streams[resource] = (stream, (0, False))

    def sample(self) -> None:
        """Record which watches have brought something since the last call; to be called every second or so."""
        for resource, (stream, before) in self._streams.items():
            now = (stream.total_bytes, stream.is_eof())
            if now != before:
                self._streams[resource] = (stream, now)
                self._heard[resource] = self._clock()
                self._heard_at[resource] = self._wall()

    @property
    def synced(self) -> bool:
        """Whether everything was listed once, and is watched since."""
        return len(self._streams) == len(self._heard)

    @property
    def last_heard(self) -> float:
        """When the watch that is silent for the longest last brought something, in seconds since 1970; 0: never."""
        return min(self._heard_at.values())

    def silent(self, seconds: float, answering_since: float | None) -> list[Resource]:
        """The watches that have brought nothing for so long, although the apiserver has answered since
        `answering_since` (of `clock`; None when it does not answer)."""
        if answering_since is None:
            return []
        now = self._clock()
        return [resource for resource, at in self._heard.items() if now - max(at, answering_since) > seconds]
