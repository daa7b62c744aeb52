"""What people read of GraphCrons: rows of tables, and times relative to now. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest

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


def phase(graphcron: Manifest) -> str:
    """The reason of its Ready condition; Pending until the operator has read the spec as it is."""
    status = graphcron.get("status") or {}
    ready = condition(graphcron, "Ready")
    if ready is None or status.get("observedGeneration") != graphcron["metadata"].get("generation"):
        return "Pending"
    return str(ready["reason"])


_SIGNS = {"Succeeded": "+", "Failed": "x", "Skipped": "s", "Missed": "m", "Replaced": "r", "WaitingForInput": "w"}


def strip(graphcron: Manifest) -> str:
    """A sign for each of the last firings, the newest last: + succeeded, x failed, s skipped,
    m missed, r replaced, w waiting for input."""
    history = (graphcron.get("status") or {}).get("history", [])
    return "".join(_SIGNS.get(entry["outcome"], "?") for entry in reversed(history))


def firings(graphcron: Manifest, now: datetime) -> Table:
    """One row for each recorded firing, the newest first."""
    columns = ("DUE", "OUTCOME", "REASON", "DURATION", "RUN", "THREAD", "MESSAGE")
    history = (graphcron.get("status") or {}).get("history", [])
    return Table(columns, [_firing(entry, now) for entry in history])


def _firing(entry: Manifest, now: datetime) -> list[str]:
    due = f"{entry['scheduledTime']} ({relative(entry['scheduledTime'], now)})"
    several = f" x{entry['count']}" if entry.get("count", 1) > 1 else ""
    return [
        due,
        f"{entry['outcome']}{several}",
        entry["reason"],
        duration(entry) or NOTHING,
        entry.get("runId") or NOTHING,
        entry.get("threadId") or NOTHING,
        first_line(entry.get("message") or NOTHING),
    ]


def duration(entry: Manifest) -> str | None:
    """From the start of a firing's run to its end; None when either is unknown."""
    start, end = entry.get("startedAt"), entry.get("finishedAt")
    return span(parse_time(end) - parse_time(start)) if start and end else None


def first_line(text: str) -> str:
    """The first line of a message, with an ellipsis for the rest."""
    line, _, rest = text.strip().partition("\n")
    return f"{line} …" if rest.strip() else line


def condition(graphcron: Manifest, kind: str) -> Manifest | None:
    """The condition of that type, None when it is not there."""
    conditions = (graphcron.get("status") or {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), None)


def stuck_pods(graphcron: Manifest) -> Manifest | None:
    """The condition that says what keeps run pods from starting, or else from ending; None when nothing does."""
    return condition(graphcron, "RunsStarting") or condition(graphcron, "RunsEnding")


def told(reason: str, message: str) -> str:
    """Reason and message as one sentence; many messages begin with their reason."""
    return message if not reason or message.startswith(reason) else ": ".join(filter(None, [reason, message]))


def relative(time: str, now: datetime) -> str:
    """A time as the distance from now: `in 5m`, `3h ago`."""
    distance = parse_time(time) - now
    return f"in {span(distance)}" if distance >= timedelta(0) else f"{span(-distance)} ago"


def span(length: timedelta) -> str:
    """A length of time by its two largest units at most, as kubectl writes ages: `45s`, `5m30s`, `3h`, `2d4h`."""
    seconds = int(max(length, timedelta(0)).total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        parts.append((number, unit))
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    # From ten of the largest unit on, the next one says nothing more.
    shown = parts[first : first + (2 if parts[first][0] < 10 else 1)]
    return "".join(f"{number}{unit}" for index, (number, unit) in enumerate(shown) if number or index == 0)


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
