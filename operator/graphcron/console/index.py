"""Entries of lists, kept from one request to the next while their GraphCrons stay the same."""

from collections.abc import Iterable

from graphcron.kube.resources import Manifest
from graphcron.views.overview import Entry, Listed, entry_of

LIMIT = 20_000
"""Entries; the oldest go first."""


class Index:
    """An entry is a pure function of its GraphCron, so that viewers share them."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._entries: dict[str, tuple[str, Entry]] = {}

    def listed(self, graphcrons: Iterable[Manifest]) -> list[Listed]:
        """Each with its entry, in the same order."""
        known, found = self._entries, []
        for graphcron in graphcrons:
            metadata = graphcron["metadata"]
            uid, version = metadata["uid"], metadata.get("resourceVersion", "")
            held = known.get(uid)
            if held is None or held[0] != version:
                held = known[uid] = (version, entry_of(graphcron))
            found.append((held[1], graphcron))
        while len(known) > self._limit:
            del known[next(iter(known))]
        return found
