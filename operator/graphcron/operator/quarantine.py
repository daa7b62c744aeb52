"""The quarantine: GraphCrons on which the operator died are left alone for a while, also after a restart. Pure.

A process that runs out of memory, crashes or hangs takes all reconciliations with it, and Kubernetes starts it again
at once, in front of the same GraphCron. `crash_marker` remembers on which one it worked.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.operator.conditions import new_conditions
from graphcron.operator.phase import stalled
from graphcron.operator.reasons import QUARANTINED

DELAYS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=2), timedelta(days=1))
"""After the first death, the second and so on; the last one repeats. The first is short: a process can be killed for
something else while it works on an innocent one."""

REMEMBERED = 100
"""Suspects; of more, the latest count."""


@dataclass(frozen=True)
class Suspect:
    """A GraphCron as it was when the operator died on it. `at` is the time of the start after that, in seconds."""

    namespace: str
    name: str
    uid: str
    generation: int
    deaths: int = 1
    at: float = 0.0

    @property
    def until(self) -> datetime:
        """When it is tried again."""
        return datetime.fromtimestamp(self.at, UTC) + DELAYS[min(self.deaths, len(DELAYS)) - 1]

    @property
    def message(self) -> str:
        """For its condition and its Event."""
        times = "once" if self.deaths == 1 else f"{self.deaths} times"
        return (
            f"The operator died {times} while it worked on this GraphCron. It is left as it is until "
            f"{format_time(self.until)}; a change of its spec is tried at once. Please report it."
        )

    @property
    def mark(self) -> str:
        """What the crash marker holds while the operator works on it. Written at each step, so no JSON: that takes six
        times as long."""
        return f"{self.namespace}\n{self.name}\n{self.uid}\n{self.generation}\n"


def read_mark(text: str) -> Suspect | None:
    """None when nothing was worked on, or what is there cannot be read."""
    match text.split("\n"):
        case [namespace, name, uid, generation, ""] if generation.isdecimal():
            return Suspect(namespace, name, uid, int(generation))
    return None


def read_suspects(text: str) -> dict[str, Suspect]:
    """By uid; none of what cannot be read."""
    try:
        found = [Suspect(**entry) for entry in json.loads(text or "[]")]
        return {suspect.uid: suspect for suspect in found if suspect.until}
    except (ValueError, TypeError, AttributeError, OverflowError):
        return {}


def write_suspects(suspects: Iterable[Suspect]) -> str:
    latest = sorted(suspects, key=lambda suspect: suspect.at)[-REMEMBERED:]
    return json.dumps([asdict(suspect) for suspect in latest])


def after_death(suspects: Mapping[str, Suspect], mark: str, now: datetime) -> dict[str, Suspect]:
    """The suspects after a start, given the mark that the process before left. An edited one begins anew."""
    if (suspect := read_mark(mark)) is None:
        return dict(suspects)
    known = suspects.get(suspect.uid)
    again = known.deaths if known and known.generation == suspect.generation else 0
    return dict(suspects) | {suspect.uid: replace(suspect, deaths=again + 1, at=now.timestamp())}


def conditions(suspect: Suspect, now: datetime) -> list[dict[str, Any]]:
    """Those of its status, instead of all that were there: that is not read."""
    return new_conditions(stalled(QUARANTINED, suspect.message), (), {}, suspect.generation, (), now)
