"""Reflector: lists one resource and then watches it, and calls a handler for each object and each change.

What client-go calls by this name, with its rules: a watch goes on from the last resourceVersion, also after it broke;
only when that version is too old for the apiserver (410 Gone) everything is listed again, and what that list lacks was
deleted while nothing was watched.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from graphcron.kube.client import Kube
from graphcron.kube.errors import Gone, KubeError, NotFound, Refused
from graphcron.kube.resources import Manifest, Resource
from graphcron.kube.versions import version_of
from graphcron.kube.watch_health import Stream

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to list and watch; the last one repeats."""


class Handler(Protocol):
    """Called in the order of the writes: `on_page` for each page of a list, `on_replace` at its end, and then one call
    for each watch event."""

    def on_page(self, items: list[Manifest]) -> None:
        """Some objects of a list, which is not complete."""

    def on_replace(self, uids: set[str], version: int) -> None:
        """The list is complete: these are all objects as of that resourceVersion. All others are deleted."""

    def on_add(self, manifest: Manifest) -> None: ...

    def on_update(self, manifest: Manifest) -> None: ...

    def on_delete(self, manifest: Manifest) -> None:
        """`manifest` is the last state of the object."""

    def on_bookmark(self, version: int) -> None:
        """Nothing changed up to that resourceVersion."""


class Reflector:
    """`listed` is set once the first list is complete."""

    def __init__(
        self,
        kube: Kube,
        resource: Resource,
        namespace: str | None,
        selector: str,
        handler: Handler,
        opened: Callable[[Resource, Stream], object] = lambda resource, stream: None,
    ) -> None:
        """`opened` is called for each watch that the apiserver answers, with the body that is coming in."""
        self.listed = asyncio.Event()
        self.refused: Refused | None = None
        """Why the apiserver does not let it list, as long as it does not."""
        self.broken = False
        """Whether the last list or watch failed, and none has begun since."""
        self._kube = kube
        self._resource = resource
        self._what = (resource, namespace, selector)
        self._handler = handler
        self._opened = opened
        self._complaint = ""

    def _open(self, stream: Stream) -> None:
        self.broken = False
        self._opened(self._resource, stream)

    async def run(self) -> None:
        """Without end, whatever happens."""
        failures = 0
        while True:
            try:
                version = await self._list()
                failures = 0
                await self._follow(version)
            except Gone as gone:
                log.info("%s are listed again: %s", self._resource, gone.message)
            except NotFound as error:
                self._complain(f"are not known to the cluster ({error.message}): is the CRD installed?")
            except KubeError as error:
                self.refused = error if isinstance(error, Refused) else None
                self._complain(f"cannot be listed: {error.message}")
                self.broken = True
            except Exception:
                log.exception("the watch of %s failed", self._resource)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    def _complain(self, words: str) -> None:
        """Once: a CRD can be missing for good."""
        level = logging.DEBUG if words == self._complaint else logging.WARNING
        log.log(level, "%s %s", self._resource, words)
        self._complaint = words

    async def _list(self) -> int:
        version, count, uids = 0, 0, set[str]()
        async for items, version in self._kube.pages(*self._what):  # noqa: B007 - the last one's is used
            count += len(items)
            uids |= {item["metadata"]["uid"] for item in items}
            self._take(items)
            items.clear()  # or it would be there until the next page is read
        self._handler.on_replace(uids, version)
        self.refused, self._complaint = None, ""
        log.info("%d %s are in memory", count, self._resource)
        self.listed.set()
        return version

    async def _follow(self, version: int) -> None:
        """Apply events until the apiserver says Gone. A watch that ends or breaks goes on from where it was."""
        broken = 0
        while True:
            try:
                async for event in self._kube.watch(*self._what, version, self._open):
                    version = max(version, version_of(event["object"]))
                    self._handle(event)
                    broken = 0
            except Gone:
                raise
            except KubeError as error:
                log.info("the watch of %s broke: %s", self._resource, error.message)
                self.broken = True
                broken += 1
            else:
                broken = 0  # the apiserver ended it in time
            await asyncio.sleep(PAUSES[min(broken, len(PAUSES) - 1)])

    def _take(self, items: list[Manifest]) -> None:
        """A page; of one on which the handler fails, all objects but those that are the cause: one must not keep all
        others from being seen. An event on which it fails is followed by a list."""
        try:
            self._handler.on_page(items)
        except Exception:
            for item in items:
                try:
                    self._handler.on_page([item])
                except Exception:
                    where = (item["metadata"].get("namespace"), item["metadata"].get("name"))
                    log.exception("one of the %s cannot be read, and is ignored: %s/%s", self._resource, *where)

    def _handle(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "ADDED":
                self._handler.on_add(event["object"])
            case "MODIFIED":
                self._handler.on_update(event["object"])
            case "DELETED":
                self._handler.on_delete(event["object"])
            case "BOOKMARK":
                self._handler.on_bookmark(version_of(event["object"]))
