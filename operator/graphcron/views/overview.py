"""Lists of GraphCrons as people search, filter, sort and leaf through them. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from graphcron.kube.resources import Manifest
from graphcron.resource.identity import owner_of
from graphcron.views.glance import glance
from graphcron.views.urgency import Urgency


class Entry(NamedTuple):
    """What a list needs of one GraphCron to find and sort it."""

    urgency: Urgency
    name: str
    namespace: str
    phase: str
    owner: str
    assistant: str
    next_time: str
    """Empty for one that does not fire."""
    labels: frozenset[str]
    """As `key=value` and as `key`."""
    text: str
    """What a search looks through, in lower case."""


Listed = tuple[Entry, Manifest]


def entry_of(graphcron: Manifest) -> Entry:
    """The entry of one GraphCron, whole or kept."""
    metadata, spec = graphcron["metadata"], graphcron.get("spec") or {}
    labels, seen = metadata.get("labels") or {}, glance(graphcron)
    assistant, schedule, namespace = (
        str(spec.get("assistantId", "")),
        str(spec.get("schedule", "")),
        metadata["namespace"],
    )
    owner = owner_of(graphcron) or ""
    return Entry(
        seen.urgency,
        seen.name,
        namespace,
        seen.phase,
        owner,
        assistant,
        seen.following or "",
        frozenset(labels) | {f"{key}={value}" for key, value in labels.items()},
        "\n".join((seen.name, metadata["name"], metadata["uid"], namespace, assistant, owner, schedule)).lower(),
    )


NEEDS_ATTENTION = "attention"
"""As a phase to filter by: all that needs it."""


@dataclass(frozen=True)
class Filter:
    """Empty for what does not matter. `text` are words that all have to be there, `label` is a key or `key=value`."""

    text: str = ""
    phase: str = ""
    owner: str = ""
    assistant: str = ""
    namespace: str = ""
    label: str = ""

    def takes(self, entry: Entry) -> bool:
        return (
            (not self.namespace or entry.namespace == self.namespace)
            and (not self.phase or self.phase == entry.phase or self._takes_urgent(entry))
            and (not self.owner or entry.owner == self.owner)
            and (not self.assistant or entry.assistant == self.assistant)
            and (not self.label or self.label.replace(" ", "") in entry.labels)
            and (not self.text or all(word in entry.text for word in self.text.lower().split()))
        )

    def _takes_urgent(self, entry: Entry) -> bool:
        return self.phase == NEEDS_ATTENTION and entry.urgency.needs_attention

    @property
    def is_empty(self) -> bool:
        return self == Filter()


ORDERS = {"attention": "what needs attention first", "next": "next run", "name": "name"}
"""Of a list, by what a request calls them."""

_LAST = "~"
"""Sorts behind every time."""


def ordered(listed: Sequence[Listed], order: str) -> list[Listed]:
    """A list in one of the orders, the first for an unknown one."""
    match order:
        case "next":
            return sorted(listed, key=lambda one: (one[0].next_time or _LAST, one[0].name, one[0].namespace))
        case "name":
            return sorted(listed, key=lambda one: (one[0].name, one[0].namespace))
        case _:
            return sorted(listed, key=lambda one: one[0][:3])


class Choices(NamedTuple):
    """What there is to filter by, the most frequent first, each with its number."""

    phases: list[tuple[str, int]]
    owners: list[tuple[str, int]]
    assistants: list[tuple[str, int]]
    namespaces: list[tuple[str, int]]
    attention: int


CHOICES = 100
"""Of each kind that are offered."""


def choices(listed: Sequence[Listed]) -> Choices:
    """The choices among all that a viewer may see."""

    def most(value: Callable[[Entry], str]) -> list[tuple[str, int]]:
        return Counter(found for entry, _ in listed if (found := value(entry))).most_common(CHOICES)

    attention = sum(entry.urgency.needs_attention for entry, _ in listed)
    return Choices(
        most(attrgetter("phase")),
        most(attrgetter("owner")),
        most(attrgetter("assistant")),
        most(attrgetter("namespace")),
        attention,
    )


class Part(NamedTuple):
    """One page of a list, numbered from 1."""

    listed: Sequence[Listed]
    number: int
    pages: int
    total: int


SIZE = 50
"""GraphCrons of one page."""


def part(listed: Sequence[Listed], number: int, size: int = SIZE) -> Part:
    """That page, or the nearest that there is."""
    pages = max(1, -(-len(listed) // size))
    number = min(max(number, 1), pages)
    return Part(listed[(number - 1) * size : number * size], number, pages, len(listed))
