"""The handlers of the notifier's reflectors: they keep the book, and say what has changed."""

from typing import Protocol

from graphcron.kube.resources import Manifest
from graphcron.notifier.book import Book
from graphcron.notifier.cron import Name


class Listener(Protocol):
    """What is to be done about a change."""

    book: Book

    def observed(self, name: Name) -> None: ...

    def changed(self, namespace: str | None) -> None: ...

    def wake(self, channel: Name) -> None: ...


def _name(manifest: Manifest) -> Name:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


class GraphCronHandler:
    """What the reflector of GraphCrons calls."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self.on_add(item)

    def on_replace(self, uids: set[str], version: int) -> None:
        for name, uid in self._listener.book.missing(uids, version):
            self._gone(name, uid)

    def on_add(self, manifest: Manifest) -> None:
        if self._listener.book.put(manifest):
            self._listener.observed(_name(manifest))

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        self._gone(_name(manifest), manifest["metadata"]["uid"])

    def on_bookmark(self, version: int) -> None:
        pass

    def _gone(self, name: Name, uid: str) -> None:
        self._listener.book.drop(name, uid)
        self._listener.observed(name)


class ChannelHandler:
    """What the reflector of channels calls."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self.on_add(item)

    def on_replace(self, uids: set[str], version: int) -> None:
        gone = [channel for channel in self._listener.book.channels.values() if channel.uid not in uids]
        for channel in gone:
            self.on_delete(channel.manifest)

    def on_add(self, manifest: Manifest) -> None:
        name = _name(manifest)
        known = self._listener.book.channels.get(name)
        if not self._listener.book.put_channel(manifest):
            return
        channel = self._listener.book.channels[name]
        if known is None or known.generation != channel.generation or known.uid != channel.uid:
            self._defaults_changed([known.manifest] if known else [], manifest)
        self._listener.wake(name)

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        self._listener.book.drop_channel(_name(manifest), manifest["metadata"]["uid"])
        self._defaults_changed([manifest])
        self._listener.wake(_name(manifest))

    def on_bookmark(self, version: int) -> None:
        pass

    def _defaults_changed(self, before: list[Manifest], *after: Manifest) -> None:
        """Assess those GraphCrons anew of which it tells, or told, by default."""
        defaults = [
            default
            for manifest in (*before, *after)
            if isinstance(spec := manifest.get("spec"), dict) and isinstance(default := spec.get("default"), dict)
        ]
        if defaults:
            everywhere = any(default.get("allNamespaces") for default in defaults)
            self._listener.changed(None if everywhere else (*before, *after)[0]["metadata"]["namespace"])
