"""Events of Kubernetes as people read them. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from graphcron.kube.resources import Manifest

SHOWN = 50


class EventLine(NamedTuple):
    """`time` is when it last happened, empty where that is not known."""

    time: str
    kind: str
    warning: bool
    reason: str
    message: str
    times: int


def newest_first(events: Iterable[Manifest]) -> list[EventLine]:
    """The newest of them."""
    return sorted(map(_line, events), reverse=True)[:SHOWN]


def _line(event: Manifest) -> EventLine:
    series = event.get("series") or {}
    time = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    return EventLine(
        f"{time[:19]}Z" if time else "",  # newer clients write microseconds
        str((event.get("involvedObject") or {}).get("kind", "")),
        event.get("type") == "Warning",
        str(event.get("reason") or ""),
        str(event.get("message") or ""),
        series.get("count") or event.get("count") or 1,
    )
