"""Tables of the commands: rows of GraphCrons and of firings. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from graphcron.firing.formats import parse_time
from graphcron.firing.order import SCHEDULE
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import owner_of
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views import channels as channel_words
from graphcron.views.channels import undelivered, undelivered_line
from graphcron.views.spending import used_in_words
from graphcron.views.words import (
    condition,
    duration,
    first_line,
    human_name,
    phase,
    relative,
    strip,
    stuck_pods,
    told,
    unmet,
)

NOTHING = "-"
"""Shown where there is no value, so that columns stay columns for `awk`."""
TITLE, MESSAGE = "TITLE", "MESSAGE"
"""Columns of free text."""
UNMET = "UNMET"
"""Names what is expected and not so, of the GraphCrons of a list where that is any."""
UNDELIVERED = "UNDELIVERED"
"""Names what nobody has been told yet, of the GraphCrons of a list where that is any."""
STATE = "STATE"


class Table(NamedTuple):
    """Column names, and one text for each column of each row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def crons(graphcrons: Sequence[Manifest], now: datetime, *, namespaces: bool = False, wide: bool = False) -> Table:
    """One row for each GraphCron, in the given order. Where one has another name for people, there is a column of it:
    REST names its crons by UUID."""
    titles = any(human_name(one) != one["metadata"]["name"] for one in graphcrons)
    columns = [
        *(["NAMESPACE"] if namespaces else []),
        *(["NAME", TITLE] if titles else ["NAME"]),
        *("SCHEDULE", "PHASE", "NEXT", "LAST", "RESULTS"),
        *([UNMET] if any(map(unmet, graphcrons)) else []),
        *([UNDELIVERED] if any(map(undelivered, graphcrons)) else []),
        *(["TIMEZONE", "ASSISTANT", MESSAGE] if wide else []),
    ]
    return Table(columns, [_cron(one, now, columns) for one in graphcrons])


def _cron(graphcron: Manifest, now: datetime, columns: Sequence[str]) -> list[str]:
    metadata, spec, status = graphcron["metadata"], graphcron.get("spec") or {}, graphcron.get("status") or {}
    following, last = next_time(graphcron), last_time(graphcron)
    cells = {
        "NAMESPACE": metadata["namespace"],
        "NAME": metadata["name"],
        TITLE: title if (title := human_name(graphcron)) != metadata["name"] else NOTHING,
        "SCHEDULE": str(spec.get("schedule", NOTHING)),
        "PHASE": phase(graphcron),
        "NEXT": relative(following, now) if following else NOTHING,
        "LAST": relative(last, now) if last else NOTHING,
        "RESULTS": strip(graphcron) or NOTHING,
        UNMET: ",".join(one["type"] for one in unmet(graphcron)) or NOTHING,
        UNDELIVERED: ",".join(dict.fromkeys(one["event"] for one in undelivered(graphcron))) or NOTHING,
        "TIMEZONE": status.get("timezone") or spec.get("timezone") or NOTHING,
        "ASSISTANT": str(spec.get("assistantId", NOTHING)),
        MESSAGE: str((condition(graphcron, "Ready") or {}).get("message", NOTHING)),
    }
    return [cells[column] for column in columns]


def next_time(graphcron: Manifest) -> str | None:
    """When it fires next, None when it does not."""
    times = (graphcron.get("status") or {}).get("nextRunTimes", [])
    return times[0] if times else None


def last_time(graphcron: Manifest) -> str | None:
    """When it fired last, by its schedule or on request; None when it never did."""
    status = graphcron.get("status") or {}
    times = [status.get("lastScheduleTime"), *(entry["scheduledTime"] for entry in status.get("history", [])[:1])]
    return max(filter(None, times), default=None)


def channels(found: Sequence[Manifest], now: datetime, *, namespaces: bool = False) -> Table:
    """One row for each channel, in the given order."""
    columns = [*(["NAMESPACE"] if namespaces else []), "NAME", "KIND", STATE, "LAST", "DEFAULT", MESSAGE]
    return Table(columns, [_channel(one, now, columns) for one in found])


def _channel(channel: Manifest, now: datetime, columns: Sequence[str]) -> list[str]:
    metadata, spec = channel["metadata"], channel.get("spec") or {}
    last, default = (channel.get("status") or {}).get("lastDelivery"), spec.get("default")
    word, message = channel_words.state(channel)
    cells = {
        "NAMESPACE": metadata["namespace"],
        "NAME": metadata["name"],
        "KIND": str(spec.get("kind", NOTHING)),
        STATE: word,
        "LAST": f"{last['state']} {relative(last['at'], now)}" if last else NOTHING,
        "DEFAULT": ("installation" if default.get("allNamespaces") else "namespace") if default else NOTHING,
        MESSAGE: message or NOTHING,
    }
    return [cells[column] for column in columns]


SORTS: dict[str, Callable[[Manifest], Any]] = {
    "name": lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]),
    "next": lambda one: next_time(one) or _NEVER,
    "last": lambda one: last_time(one) or "",
}
"""What a list is sorted by, times from the oldest to the newest. Those that will not fire come last."""
_NEVER = "~"
"""Above every time as text."""


def firings(graphcron: Manifest, now: datetime, *, wide: bool = False) -> Table:
    """One row for each recorded firing, the newest first."""
    ids = ("JOB", "RUN", "THREAD") if wide else ()
    status = graphcron.get("status") or {}
    history, spending = status.get("history", []), status.get("spending")
    used = ("USED",) if spending else ()
    columns = ("DUE", "AGE", "TRIGGER", "OUTCOME", "REASON", "DURATION", *used, *ids, MESSAGE)
    return Table(columns, [_firing(entry, now, wide, spending) for entry in history])


def _firing(entry: Manifest, now: datetime, wide: bool, spending: Manifest | None) -> list[str]:
    several = f" x{entry['count']}" if entry.get("count", 1) > 1 else ""
    ids = [entry.get(name) or NOTHING for name in ("jobName", "runId", "threadId")] if wide else []
    return [
        entry["scheduledTime"],
        relative(entry["scheduledTime"], now).removesuffix(" ago"),
        entry.get("trigger") or SCHEDULE,
        f"{entry['outcome']}{several}",
        entry["reason"],
        duration(entry) or NOTHING,
        *([used_in_words(entry, spending.get("currency") or "")] if spending else []),
        *ids,
        first_line(entry.get("message") or NOTHING),
    ]


def described(graphcron: Manifest, words: str, now: datetime) -> list[tuple[str, str]]:
    """Name and value of what `graphcron get` shows of one GraphCron; `words` is its schedule in English."""
    metadata, spec, status = graphcron["metadata"], graphcron.get("spec") or {}, graphcron.get("status") or {}
    ready, stuck = condition(graphcron, "Ready"), stuck_pods(graphcron)
    counts, timezone, title = status.get("firings") or {}, status.get("timezone"), human_name(graphcron)
    request, why = status.get("lastRequest"), str((ready or {}).get("message", ""))
    lines = [
        ("Name", f"{metadata['namespace']}/{metadata['name']}"),
        *([("Title", title)] if title != metadata["name"] else []),
        *([("Owner", owner)] if (owner := owner_of(graphcron)) else []),
        ("Schedule", f"{spec.get('schedule', NOTHING)}  ({words}{f', {timezone}' if timezone else ''})"),
        ("Assistant", str(spec.get("assistantId", NOTHING))),
        *([("Thread", str(spec["threadId"]))] if spec.get("threadId") else []),
        ("Phase", told(phase(graphcron), why)),
        *([("Pods", told(stuck["reason"], stuck["message"]))] if stuck and stuck["message"] not in why else []),
        *((one["type"], one["message"]) for one in unmet(graphcron)),
        *([("Undelivered", "\n".join(map(undelivered_line, untold)))] if (untold := undelivered(graphcron)) else []),
        ("Active", str(status.get("active", 0))),
        ("Firings", ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none yet"),
        *([("Requested", _request(request))] if request else []),
    ]
    times = [f"{_local(time, timezone)} ({relative(time, now)})" for time in status.get("nextRunTimes", [])]
    return [*lines, ("Next", "\n".join(times) or "never")]


def _request(request: Manifest) -> str:
    """The last request to run it now, and what came of it."""
    refused = request["outcome"] == "Refused"
    what = told(request.get("reason") or "", request.get("message") or "") if refused else request.get("jobName")
    return f"{request['token']}: {request['outcome']}, {what}"


def _local(time: str, timezone: str | None) -> str:
    """A time in a zone, as its schedule is meant."""
    try:
        zone = read_timezone(timezone)
    except InvalidTimezone:
        return time
    return parse_time(time).astimezone(zone).isoformat().replace("+00:00", "Z")
