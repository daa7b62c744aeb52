"""What the firings of backfills have used, by GraphCron: it is part of what the GraphCron spent.

A backfill's status has the sum of all its firings, and the GraphCron's status how much of that is in its windows. The
difference counts when the GraphCron is reconciled, so that a kill between the two writes neither doubles nor loses it.
"""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from graphcron.kube.resources import Manifest
from graphcron.resource.usage import BACKFILLS_LIMIT, BackfillSpent

Name = tuple[str, str]
"""Namespace and name of a GraphCron."""


class BackfillsSpent:
    """The newest backfills of each GraphCron that have used anything. One that is deleted stays until newer ones come:
    its GraphCron may not be reconciled yet. `on_change` is told the GraphCron."""

    def __init__(self) -> None:
        self.on_change: Callable[[Name], None] = lambda name: None
        self._known: dict[Name, dict[str, tuple[str, BackfillSpent]]] = {}
        """By uid of the backfill, with the uid of its GraphCron."""

    def put(self, subject: Name, backfill: Manifest) -> None:
        """A backfill as it is now."""
        status = backfill.get("status")
        spent = spent_of(backfill["metadata"]["uid"], status)
        if not isinstance(status, dict) or spent is None:
            return
        place = self._known.setdefault(subject, {})
        known = place.get(spent.uid)
        if known and known[1].firings >= spent.firings:
            return
        place[spent.uid] = (str(status.get("graphCronUid")), spent)
        for uid in sorted(place, key=lambda uid: place[uid][1].started_at)[:-BACKFILLS_LIMIT]:
            del place[uid]
        self.on_change(subject)

    def of(self, name: Name, uid: str) -> tuple[BackfillSpent, ...]:
        """Those of the GraphCron with that uid; those of a namesake that was deleted are dropped."""
        place = self._known.get(name)
        if not place:
            return ()
        for key in [key for key, (owner, _) in place.items() if owner != uid]:
            del place[key]
        return tuple(sorted((spent for _, spent in place.values()), key=lambda spent: spent.started_at))

    def forget(self, name: Name) -> None:
        """That GraphCron is deleted."""
        self._known.pop(name, None)


def spent_of(uid: str, status: Any) -> BackfillSpent | None:
    """What a backfill used, by its status; None when nothing, or when its status cannot be read."""
    spent = status.get("spent") if isinstance(status, dict) else None
    if not isinstance(spent, dict):
        return None
    try:
        return BackfillSpent.model_validate(spent | {"uid": uid, "startedAt": status.get("startedAt")})
    except ValidationError:
        return None
