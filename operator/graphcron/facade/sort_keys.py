"""Sort keys: what a search sorts crons by, found once for each cron. Pure.

Ten thousand crons are sorted by each wide search, and what they are sorted by changes with a cron alone; the next run,
which time changes too, is good until it is over.
"""

from datetime import UTC, datetime

from graphcron.facade.translation import created_at, next_run_date
from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import id_of

MEMBER = "sortKeys"
"""Member of a GraphCron that is kept in memory, as those of `views.glance`."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class SortKeys:
    """Those of one cron, as it was read: each method is given that one, whatever it is called for first."""

    __slots__ = ("_age", "_next_run", "_until")

    def __init__(self) -> None:
        self._age: tuple[str, str] | None = None
        self._next_run: str | None = None
        self._until: datetime | None = None

    def age(self, manifest: Manifest) -> tuple[str, str]:
        """When it was made, and its id."""
        if self._age is None:
            self._age = created_at(manifest), id_of(manifest)
        return self._age

    def next_run(self, manifest: Manifest, now: datetime) -> str | None:
        """As `translation.next_run_date`."""
        if self._until is None or now >= self._until:
            self._next_run = next_run_date(manifest, now)
            # Without a run to come there will be none later, unless the cron changes.
            self._until = parse_time(self._next_run) if self._next_run else _NEVER
        return self._next_run


def keys_of(manifest: Manifest) -> SortKeys:
    """Those that are kept with a cron, or new ones."""
    found = manifest.get(MEMBER)
    return found if isinstance(found, SortKeys) else SortKeys()
