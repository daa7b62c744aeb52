"""Reflector: keeps a copy of one resource of the apiserver up to date by a list and the watches after it.

What client-go calls by this name, with its rules: a watch goes on from the version that was seen last, also after it
broke; only when that version is too old for the apiserver (410 Gone) everything is listed anew, and what is not in that
list any more has been deleted unnoticed.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from graphcron.kube.client import Kube
from graphcron.kube.errors import Gone, KubeError
from graphcron.kube.paths import Manifest, Resource
from graphcron.kube.versions import version_of
from graphcron.kube.watch_health import Stream

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to list and watch; the last one repeats."""


class Mirror(Protocol):
    """The copy."""

    def begin(self) -> None:
        """A list of everything begins. What is here stays until it is complete."""

    def put(self, manifest: Manifest) -> None:
        """An object of that list."""

    def complete(self, version: int) -> None:
        """That was everything, as of that resource version."""

    def apply(self, event: dict[str, Any]) -> None:
        """A watch event, in the order of the writes: ADDED, MODIFIED or DELETED with the object, or BOOKMARK, which has
        a version alone."""


class Reflector:
    """`listed` is set once the mirror is complete for the first time."""

    def __init__(
        self,
        kube: Kube,
        resource: Resource,
        namespace: str | None,
        selector: str,
        mirror: Mirror,
        opened: Callable[[str, Stream], object] = lambda plural, stream: None,
    ) -> None:
        """`opened` is told of each watch that was answered: plural, and the body that is coming in."""
        self.listed = asyncio.Event()
        self._kube = kube
        self._what = (resource, namespace, selector)
        self._plural = resource[2]
        self._mirror = mirror
        self._opened = opened

    async def run(self) -> None:
        """Without end, whatever happens."""
        failures = 0
        while True:
            try:
                version = await self._list()
                failures = 0
                await self._follow(version)
            except Gone as gone:
                log.info("%s are listed anew: %s", self._plural, gone.message)
            except KubeError as error:
                log.warning("%s cannot be listed: %s", self._plural, error.message)
            except Exception:
                log.exception("the watch of %s failed", self._plural)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    async def _list(self) -> int:
        self._mirror.begin()
        version = count = 0
        async for items, version in self._kube.pages(*self._what):  # noqa: B007 - the last one's is used
            count += len(items)
            for item in items:
                self._mirror.put(item)
        self._mirror.complete(version)
        log.info("%d %s are in memory", count, self._plural)
        self.listed.set()
        return version

    async def _follow(self, version: int) -> None:
        """Apply events until the apiserver says Gone. A watch that ends or breaks goes on from where it was."""
        broken = 0
        while True:
            try:
                async for event in self._kube.watch(*self._what, version, lambda it: self._opened(self._plural, it)):
                    version = max(version, version_of(event["object"]))
                    self._mirror.apply(event)
                    broken = 0
            except Gone:
                raise
            except KubeError as error:
                log.info("the watch of %s broke: %s", self._plural, error.message)
                broken += 1
            else:
                broken = 0  # the apiserver ended it in time
            await asyncio.sleep(PAUSES[min(broken, len(PAUSES) - 1)])
