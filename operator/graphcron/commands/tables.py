"""Tables of the commands: rows of GraphCrons and of firings. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from graphcron.firing.order import SCHEDULE
from graphcron.kube.resources import Manifest
from graphcron.views.words import condition, duration, first_line, phase, relative, strip, stuck_pods, told

NOTHING = "-"
"""Shown where there is no value, so that columns stay columns for `awk`."""


class Table(NamedTuple):
    """Column names, and one text for each column of each row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def crons(graphcrons: Sequence[Manifest], now: datetime, *, namespaces: bool = False, wide: bool = False) -> Table:
    """One row for each GraphCron, in the given order."""
    columns = [
        *(["NAMESPACE"] if namespaces else []),
        *("NAME", "SCHEDULE", "TIMEZONE", "ASSISTANT", "PHASE", "NEXT", "LAST", "RESULTS"),
        *(["MESSAGE"] if wide else []),
    ]
    return Table(columns, [_cron(one, now, namespaces, wide) for one in graphcrons])


def _cron(graphcron: Manifest, now: datetime, namespaces: bool, wide: bool) -> list[str]:
    metadata, spec, status = graphcron["metadata"], graphcron.get("spec") or {}, graphcron.get("status") or {}
    ready = condition(graphcron, "Ready") or {}
    following = next(iter(status.get("nextRunTimes", [])), None)
    last = status.get("lastScheduleTime")
    return [
        *([metadata["namespace"]] if namespaces else []),
        metadata["name"],
        str(spec.get("schedule", NOTHING)),
        status.get("timezone") or spec.get("timezone") or NOTHING,
        str(spec.get("assistantId", NOTHING)),
        phase(graphcron),
        relative(following, now) if following else NOTHING,
        relative(last, now) if last else NOTHING,
        strip(graphcron) or NOTHING,
        *([str(ready.get("message", NOTHING))] if wide else []),
    ]


def firings(graphcron: Manifest, now: datetime) -> Table:
    """One row for each recorded firing, the newest first."""
    columns = ("DUE", "TRIGGER", "OUTCOME", "REASON", "DURATION", "RUN", "THREAD", "MESSAGE")
    history = (graphcron.get("status") or {}).get("history", [])
    return Table(columns, [_firing(entry, now) for entry in history])


def _firing(entry: Manifest, now: datetime) -> list[str]:
    due = f"{entry['scheduledTime']} ({relative(entry['scheduledTime'], now)})"
    several = f" x{entry['count']}" if entry.get("count", 1) > 1 else ""
    return [
        due,
        entry.get("trigger") or SCHEDULE,
        f"{entry['outcome']}{several}",
        entry["reason"],
        duration(entry) or NOTHING,
        entry.get("runId") or NOTHING,
        entry.get("threadId") or NOTHING,
        first_line(entry.get("message") or NOTHING),
    ]


def described(graphcron: Manifest, words: str, now: datetime) -> list[tuple[str, str]]:
    """Name and value of what `graphcron get` shows of one GraphCron; `words` is its schedule in English."""
    metadata, spec, status = graphcron["metadata"], graphcron.get("spec") or {}, graphcron.get("status") or {}
    ready, stuck = condition(graphcron, "Ready"), stuck_pods(graphcron)
    counts = status.get("firings") or {}
    lines = [
        ("Name", f"{metadata['namespace']}/{metadata['name']}"),
        ("Schedule", f"{spec.get('schedule', NOTHING)}  ({words})"),
        ("Assistant", str(spec.get("assistantId", NOTHING))),
        ("Phase", told(phase(graphcron), str((ready or {}).get("message", "")))),
        *([("Pods", told(stuck["reason"], stuck["message"]))] if stuck else []),
        ("Active", str(status.get("active", 0))),
        ("Firings", ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none yet"),
    ]
    times = [f"{time} ({relative(time, now)})" for time in status.get("nextRunTimes", [])]
    return [*lines, ("Next", "\n".join(times) or "never")]
