"""What a message says, for tired people: which cron, what happened, since when, why, and what to do. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from graphcron.firing.formats import format_time
from graphcron.notifier import facts
from graphcron.notifier.cron import Cron
from graphcron.notifier.due import Due
from graphcron.resource.fields import clipped
from graphcron.resource.notify import Happening
from graphcron.resource.reason_guide import advice
from graphcron.resource.status import HistoryEntry
from graphcron.resource.traces import trace_url
from graphcron.views.words import span

CAUSE_LIMIT = 600
"""Characters of what the cluster or a graph says."""
NAMED_LIMIT = 20
"""GraphCrons that a summary names."""
CAUSES_LIMIT = 10


class Links(NamedTuple):
    """Where people look further."""

    console: str = ""
    trace: str = ""
    """Template of the address of a run's trace."""


@dataclass(frozen=True)
class Text:
    """A message. `data` is for programs, all else for people."""

    id: str
    kind: str
    """An event, or Summary, Digest or Test."""
    title: str
    lines: Sequence[str]
    data: dict[str, Any] = field(default_factory=dict)
    source: str = "/apis/graphcron.dev/v1"
    subject: str = ""

    @property
    def plain(self) -> str:
        """All of it."""
        return "\n".join([self.title, "", *self.lines])


_SAYS: dict[Happening, str] = {
    "Failed": "failed",
    "Recovered": "works again",
    "Missed": "did not run",
    "NotStarting": "does not start",
    "Overdue": "is overdue",
    "Late": "is late",
    "Slow": "is slow",
    "WaitingForInput": "waits for input",
    "Stalled": "does not work",
    "Suspended": "is suspended",
    "OverBudget": "is over its budget",
    "Succeeded": "succeeded",
}


def message(cron: Cron, due: Due, identity: str, links: Links, now: datetime) -> Text:
    """One event of one GraphCron."""
    record, (namespace, name) = due.record, cron.name
    entry = next(iter(facts.entries(cron.status, record.event)), None) if record.event in facts.OUTCOMES else None
    reason, cause = _cause(cron, record.event, entry)
    todo = advice(reason, entry.outcome if entry else "") if record.event not in ("Recovered", "Succeeded") else ""
    console = _console(links, namespace, name)
    trace = _trace(cron, entry, links)
    answer = entry.answer if entry else None
    lines = [
        f"Cron: {cron.human}" + (f" ({namespace}/{name})" if cron.human != name else f", namespace {namespace}"),
        _what(due, now),
        f"Why: {reason}" + (f": {clipped(cause, CAUSE_LIMIT)}" if cause else "") if reason else "",
        f"What to do: {todo}" if todo and todo != "Nothing." else "",
        f"Answer: {answer}" if answer else "",
        f"Console: {console}" if console else "",
        f"Trace: {trace}" if trace else "",
        _silence(cron, due, now),
    ]
    data = {
        "event": record.event,
        "namespace": namespace,
        "name": name,
        "uid": cron.metadata["uid"],
        "displayName": cron.human,
        "channel": record.channel,
        "count": record.count,
        "reason": reason,
        "message": clipped(cause, CAUSE_LIMIT),
        "advice": todo,
        "since": format_time(record.since) if record.since else None,
        "answer": answer,
        "runId": entry.run_id if entry else None,
        "scheduledTime": format_time(entry.scheduled_time) if entry else None,
        "consoleUrl": console,
        "traceUrl": trace,
    }
    return Text(
        identity,
        record.event,
        f"{cron.human} ({namespace}) {_says(due)}",
        [_indented(line) for line in lines if line],
        {key: value for key, value in data.items() if value not in (None, "")},
        f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcrons/{name}",
        cron.human,
    )


def _indented(line: str) -> str:
    """What a graph or an answer says over several lines, so that none of them passes for one of ours."""
    return "\n    ".join(line.splitlines())


def _says(due: Due) -> str:
    says, count = _SAYS[due.record.event], due.record.count or 1
    return says if count == 1 else f"{says} {count} times"


def _what(due: Due, now: datetime) -> str:
    record = due.record
    if record.event == "Recovered":
        return f"What: it is over: {record.reason}."
    what = f"What: {_says(due)}"
    if record.since:
        what += f", since {record.since:%Y-%m-%d %H:%M} UTC ({span(now - record.since)})"
    return what + "."


def _cause(cron: Cron, event: Happening, entry: HistoryEntry | None) -> tuple[str, str]:
    if entry:
        return entry.reason, entry.message or ""
    found = facts.fact(cron.status, event) if event != "Recovered" else None
    return (found.reason, found.message) if found else ("", "")


def _console(links: Links, namespace: str, name: str) -> str:
    return f"{links.console.rstrip('/')}/crons/{quote(namespace)}/{quote(name)}" if links.console else ""


def _trace(cron: Cron, entry: HistoryEntry | None, links: Links) -> str:
    if entry is None:
        return ""
    return entry.trace_url or trace_url(links.trace, cron.manifest["metadata"], entry.run_id, entry.thread_id) or ""


def _silence(cron: Cron, due: Due, now: datetime) -> str:
    namespace, name = cron.name
    edit = f"kubectl edit -n {namespace} graphcron {name}"
    if cron.notify is None:
        return f"To silence it: {edit}, and set spec.notify: []"
    until = f"{now.replace(hour=8, minute=0, second=0).date()}T23:59:59Z"
    return f"To silence it: {edit}, and set mutedUntil of channel {due.rule.channel[1]} in spec.notify, such as {until}"


class Item(NamedTuple):
    """One part of a summary."""

    cron: Cron
    due: Due


def summary(items: Sequence[Item], number: int, identity: str, links: Links, now: datetime) -> Text:
    """Many events in one message. `number` is that of all, of which the items are those that are known."""
    causes = Counter((item.due.record.event, item.due.record.reason or "") for item in items)
    firings = sum(item.due.record.count or 1 for item in items)
    lines = [
        _indented(f"{count} × {event}" + (f": {reason}" if reason else "")) for (event, reason), count in _most(causes)
    ]
    if (rest := len(causes) - CAUSES_LIMIT) > 0:
        lines.append(f"and {rest} other causes")
    for (event, reason), _count in _most(causes)[:1]:
        if todo := advice(reason, facts.OUTCOMES.get(event, "")):
            lines.append(f"What to do: {todo}")
    lines.append("")
    shown = items[:NAMED_LIMIT]
    lines += [f"{item.cron.human} ({item.cron.name[0]}) {_says(item.due)}" for item in shown]
    if number > len(shown):
        lines.append(f"and {number - len(shown)} more")
    if links.console:
        lines.append(f"Console: {links.console}")
    lines.append("They are together because the channel has sent its messages of this minute (messagesPerMinute).")
    data = {
        "number": number,
        "firings": firings,
        "causes": [{"event": event, "reason": reason, "number": count} for (event, reason), count in _most(causes)],
        "graphCrons": [
            {"namespace": item.cron.name[0], "name": item.cron.name[1], "event": item.due.record.event}
            for item in shown
        ],
    }
    return Text(identity, "Summary", f"{number} more notifications about GraphCrons", lines, data)


def _most(causes: Counter[tuple[Happening, str]]) -> list[tuple[tuple[Happening, str], int]]:
    return causes.most_common(CAUSES_LIMIT)


def test_message(channel: tuple[str, str], identity: str) -> Text:
    """What somebody asked for."""
    namespace, name = channel
    return Text(
        identity,
        "Test",
        f"Test of channel {name} ({namespace})",
        ["Notifications about GraphCrons arrive here."],
        {"channel": name, "namespace": namespace},
        f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcronchannels/{name}",
        name,
    )
