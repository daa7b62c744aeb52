"""What the notifier knows of a GraphCron: whom it tells, what is so, and what was told. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource.channel import Default
from graphcron.resource.identity import DISPLAY_NAME
from graphcron.resource.notify import Happening, NotifyRule
from graphcron.resource.status import GraphCronStatus, Notification, read_status
from graphcron.views.words import human_name

Name = tuple[str, str]
"""Namespace and name."""

DEFAULTS_LIMIT = 5
"""Channels that tell of a GraphCron without notify: each has up to twelve records, and a status holds 64."""

_RULES = TypeAdapter(list[NotifyRule])
_METADATA = ("namespace", "name", "uid", "generation", "creationTimestamp", "deletionTimestamp", "resourceVersion")


def kept(manifest: Mapping[str, Any]) -> Manifest:
    """What is read of a GraphCron, with the name that people know it by as its annotation."""
    metadata, spec = manifest["metadata"], manifest.get("spec")
    found = {key: metadata[key] for key in _METADATA if key in metadata}
    if (name := human_name(dict(manifest))) != metadata["name"]:
        found["annotations"] = {DISPLAY_NAME: name}
    notify, status = spec.get("notify") if isinstance(spec, dict) else None, manifest.get("status")
    if isinstance(status, dict) and isinstance(history := status.get("history"), list):
        status = {**status, "history": _outlined(history)}
    return {"metadata": found, "spec": {} if notify is None else {"notify": notify}, "status": status}


_COUNTED = ("scheduledTime", "lastScheduledTime", "finishedAt", "outcome", "reason", "count")
"""What is read of each firing. A message tells the rest of the last one with its outcome; that of all of them would be
most of the memory."""


def _outlined(history: list[Any]) -> list[Any]:
    told, found = set[object](), list[Any]()
    for entry in history:
        outcome = str(entry.get("outcome")) if isinstance(entry, dict) else None
        found.append({key: entry[key] for key in _COUNTED if key in entry} if outcome and outcome in told else entry)
        told.add(outcome)
    return found


@dataclass(frozen=True)
class DefaultChannel:
    """A channel that tells of GraphCrons without notify."""

    name: Name
    default: Default
    created: datetime | None
    generation: int


@dataclass(frozen=True)
class Rule:
    """One event that one channel tells of a GraphCron."""

    channel: Name
    path: str
    """The channel as the status names it."""
    event: Happening
    after: int = 1
    muted_until: datetime | None = None
    from_start: bool = False
    """Whether it is as old as the GraphCron: then no firing is older than the rule."""

    @property
    def key(self) -> tuple[str, str]:
        """Of its record."""
        return self.path, self.event

    def muted(self, now: datetime) -> bool:
        """Whether nothing is told now."""
        return self.muted_until is not None and now < self.muted_until


@dataclass(frozen=True)
class Cron:
    """A GraphCron as `kept` keeps it."""

    manifest: Manifest
    revised: dict[tuple[str, str], Notification] | None = None
    """What is about to be written instead of the records in the status."""

    @property
    def metadata(self) -> Manifest:
        """Of the object."""
        found: Manifest = self.manifest["metadata"]
        return found

    @property
    def name(self) -> Name:
        """Namespace and name."""
        return self.metadata["namespace"], self.metadata["name"]

    @cached_property
    def human(self) -> str:
        """What people call it."""
        return human_name(self.manifest)

    @cached_property
    def created(self) -> datetime | None:
        """When it was made."""
        text = self.metadata.get("creationTimestamp")
        return parse_time(text) if text else None

    @cached_property
    def status(self) -> GraphCronStatus:
        """As far as it can be read."""
        return read_status(self.manifest.get("status"))

    @cached_property
    def records(self) -> dict[tuple[str, str], Notification]:
        """What was told and is to be told, by channel and event."""
        if self.revised is not None:
            return self.revised
        return {record.key: record for record in self.status.notifications or []}

    @property
    def notify(self) -> list[NotifyRule] | None:
        """Its own rules; None when it has none, and an empty list for rules that cannot be read."""
        found = self.manifest["spec"].get("notify")
        if found is None:
            return None
        try:
            return _RULES.validate_python(found)
        except ValidationError:
            return []

    def rules(self, defaults: Sequence[DefaultChannel]) -> list[Rule]:
        """What is told of it. `defaults` are the channels for GraphCrons without notify, the oldest first."""
        namespace, rules = self.metadata["namespace"], self.notify
        found: dict[tuple[str, str], Rule] = {}
        if rules is not None:
            start = self.metadata.get("generation") == 1
            for rule in rules:
                for event in rule.events:
                    made = Rule(
                        (namespace, rule.channel), rule.channel, event, rule.after or 1, rule.muted_until, start
                    )
                    found.setdefault(made.key, made)
            return list(found.values())
        for channel in defaults[:DEFAULTS_LIMIT]:
            path = channel.name[1] if channel.name[0] == namespace else "/".join(channel.name)
            older = channel.created is not None and self.created is not None and channel.created <= self.created
            start = channel.generation == 1 and older
            for event in channel.default.events:
                made = Rule(channel.name, path, event, channel.default.after or 1, from_start=start)
                found.setdefault(made.key, made)
        return list(found.values())
