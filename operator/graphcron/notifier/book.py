"""All GraphCrons and channels that the notifier watches, in memory: the newest version of each."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphcron.kube import jsontext
from graphcron.kube.versions import version_of
from graphcron.notifier.channel import Channel
from graphcron.notifier.cron import Cron, DefaultChannel, Name, kept


class _Packed(NamedTuple):
    """As JSON: a sixth of the memory of a dict."""

    uid: str
    version: int
    text: bytes


class Book:
    """An object that we wrote is put in as the apiserver answered; of two versions the newer one counts."""

    def __init__(self, installation: str) -> None:
        """`installation` is its namespace."""
        self._installation = installation
        self._crons: dict[Name, _Packed] = {}
        self.channels: dict[Name, Channel] = {}
        self._defaults: dict[str, list[DefaultChannel]] | None = None

    def put(self, manifest: Mapping[str, Any]) -> bool:
        """Whether it is newer than what is known."""
        name = (manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        known, version = self._crons.get(name), version_of(manifest)
        if known and version and version <= known.version:
            return False
        self._crons[name] = _Packed(manifest["metadata"]["uid"], version, jsontext.dumps(kept(manifest)))
        return True

    def drop(self, name: Name, uid: str) -> None:
        """A namesake that was created since stays."""
        known = self._crons.get(name)
        if known and known.uid == uid:
            del self._crons[name]

    def missing(self, uids: set[str], version: int) -> list[tuple[Name, str]]:
        """Name and uid of what a complete list of that version lacks."""
        return [
            (name, known.uid)
            for name, known in self._crons.items()
            if known.uid not in uids and known.version <= version
        ]

    def cron(self, name: Name) -> Cron | None:
        """None when there is none of that name, or it is being deleted."""
        known = self._crons.get(name)
        if known is None:
            return None
        cron = Cron(jsontext.loads(known.text))
        return None if cron.metadata.get("deletionTimestamp") else cron

    def names(self) -> list[Name]:
        """Of all GraphCrons."""
        return list(self._crons)

    def crons(self) -> Iterator[Cron]:
        """All of them, one after another."""
        for name in self.names():
            if cron := self.cron(name):
                yield cron

    def put_channel(self, manifest: Mapping[str, Any]) -> bool:
        """Whether it is newer than what is known."""
        channel = Channel.read(dict(manifest))
        known = self.channels.get(channel.name)
        if known and version_of(manifest) and version_of(manifest) <= version_of(known.manifest):
            return False
        self.channels[channel.name] = channel
        self._defaults = None
        return True

    def drop_channel(self, name: Name, uid: str) -> None:
        """As `drop`."""
        if name in self.channels and self.channels[name].uid == uid:
            del self.channels[name]
            self._defaults = None

    def defaults(self, namespace: str) -> list[DefaultChannel]:
        """The channels that tell of GraphCrons without notify in a namespace, the oldest first."""
        if self._defaults is None:
            self._defaults = {}
            found = [one for channel in self.channels.values() if (one := channel.default(self._installation))]
            for one in sorted(found, key=lambda one: (str(one.created or ""), one.name)):
                self._defaults.setdefault("" if one.default.all_namespaces else one.name[0], []).append(one)
        own = self._defaults.get(namespace, [])
        return own + self._defaults.get("", [])

    def with_id(self, identity: str) -> int:
        """How many records have a message's id, whatever became of it. Nothing is parsed: there may be ten thousand."""
        written = b'"id":' + jsontext.dumps(identity)
        return sum(kept.text.count(written) for kept in self._crons.values())
