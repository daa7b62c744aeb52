"""How often the same CronJob is applied: somebody who changes it back each time must not make an endless loop. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

PAUSES = (0, 0, 1, 4, 15, 60, 300, 900, 3600)
"""Seconds after the first, second … apply of one manifest, before the next. A hand edit heals at once, also a second
one; whoever goes on changing it is corrected once an hour."""

PEACE = timedelta(hours=2)
"""After which it begins anew."""


class Applied(NamedTuple):
    """The last apply of a CronJob: the digest of its manifest, when, and how often that one was applied."""

    digest: str
    moment: datetime
    times: int


def applied_again(before: Applied | None, digest: str, now: datetime) -> Applied:
    """The record after an apply."""
    repeated = before is not None and before.digest == digest and now - before.moment < PEACE
    return Applied(digest, now, before.times + 1 if before and repeated else 1)


def may_apply_at(before: Applied | None, digest: str) -> datetime | None:
    """From when on that manifest may be applied, None for at once."""
    if before is None or before.digest != digest:
        return None
    seconds = PAUSES[min(before.times, len(PAUSES)) - 1]
    return before.moment + timedelta(seconds=seconds) if seconds else None
