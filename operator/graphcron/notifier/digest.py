"""The digest: what ran in a day or a week, what failed, what it cost, and what is of no use. Pure."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from graphcron.notifier import facts
from graphcron.notifier.channel import Channel
from graphcron.notifier.cron import Cron
from graphcron.notifier.message import Links, Text
from graphcron.resource import windows
from graphcron.resource.channel import Digest
from graphcron.schedule.time_zone import read_timezone
from graphcron.views.spending import zone_of

SHOWN = 10
HISTORY = 10
"""Firings that a status has."""


def due_at(digest: Digest, now: datetime) -> datetime:
    """The last time before now at which it was due."""
    zone = read_timezone(digest.timezone)
    hour, minute = map(int, digest.at.split(":"))
    local = now.astimezone(zone)
    day = local.date()
    if digest.every == "Week":
        day -= timedelta(days=day.weekday())
    back = timedelta(days=7 if digest.every == "Week" else 1)
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    if moment > now:
        day -= back
        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return moment.astimezone(UTC)


def digest_due(channel: Channel, now: datetime) -> bool:
    """Whether one is to be sent, or the first one to be counted from."""
    if channel.spec is None or channel.spec.digest is None:
        return False
    last = channel.status.last_digest
    return last is None or last < due_at(channel.spec.digest, now)


class _Row(NamedTuple):
    cron: Cron
    ran: int
    failed: int
    missed: int
    more: bool
    """Whether there were more than the history has."""


def digest(channel: Channel, crons: Iterable[Cron], links: Links, now: datetime) -> tuple[datetime, Text | None]:
    """Until when it sums up, and the message; None the first time, which is what the next one counts from."""
    assert channel.spec
    assert channel.spec.digest, "it is due"
    until = due_at(channel.spec.digest, now)
    since = channel.status.last_digest
    if since is None:
        return until, None
    everywhere = bool(channel.spec.default and channel.spec.default.all_namespaces)
    namespace = channel.name[0]
    rows = [_row(cron, since, until) for cron in crons if everywhere or cron.name[0] == namespace]
    per = channel.spec.digest.every.lower()
    ran, failed, missed = (sum(getattr(row, name) for row in rows) for name in ("ran", "failed", "missed"))
    least = "at least " if any(row.more for row in rows) else ""
    lines = [
        f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, {len(rows)} crons.",
        f"Ran: {least}{ran}, of which {failed} failed. Missed: {missed}.",
        *_cost(rows, now),
        *_section("Failed", [row for row in rows if row.failed], lambda row: f"{row.failed} of {row.ran}"),
        *_section("Failing now, and never succeeded", [row for row in rows if _is_useless(row.cron)], _failures),
        *([f"Console: {links.console}"] if links.console else []),
    ]
    identity = str(uuid.uuid5(uuid.UUID(channel.uid), f"Digest {until.isoformat()}"))
    where = "all namespaces" if everywhere else namespace
    data = {"since": since.isoformat(), "until": until.isoformat(), "ran": ran, "failed": failed, "missed": missed}
    title = f"GraphCron: the {per} in {where}"
    source = f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcronchannels/{channel.name[1]}"
    return until, Text(identity, "Digest", title, lines, data, source, channel.name[1])


def _row(cron: Cron, since: datetime, until: datetime) -> _Row:
    history = cron.status.history or []
    inside = [entry for entry in history if since <= facts.ended(entry) < until]
    number = {
        outcome: sum(entry.count or 1 for entry in inside if entry.outcome == outcome)
        for outcome in ("Succeeded", "Failed", "WaitingForInput", "Missed")
    }
    more = len(history) >= HISTORY and facts.ended(history[-1]) >= since
    ran = number["Succeeded"] + number["Failed"] + number["WaitingForInput"]
    return _Row(cron, ran, number["Failed"], number["Missed"], more)


def _cost(rows: Sequence[_Row], now: datetime) -> list[str]:
    """Of the month, by the windows in the status, which are those of the zone of each."""
    sums: dict[str, Decimal] = {}
    tokens, unknown = 0, 0
    for row in rows:
        if not (spending := row.cron.status.spending):
            continue
        window = windows.current(spending, "Month", now, zone_of(row.cron.status.timezone))
        tokens += window.tokens
        unknown += window.incomplete or 0
        if window.cost:
            currency = spending.currency or ""
            sums[currency] = sums.get(currency, Decimal()) + Decimal(window.cost)
    if not tokens and not sums:
        return []
    costs = ", ".join(f"{amount.normalize():f} {currency}".strip() for currency, amount in sorted(sums.items()))
    least = f"; of {unknown} firings it is not known" if unknown else ""
    return [f"This month: {tokens} tokens" + (f", {costs}" if costs else "") + least + "."]


def _section(title: str, rows: Sequence[_Row], says: Callable[[_Row], str]) -> list[str]:
    if not rows:
        return []
    shown = sorted(rows, key=lambda row: (-row.failed, row.cron.name))[:SHOWN]
    lines = [f"- {row.cron.human} ({row.cron.name[0]}): {says(row)}" for row in shown]
    rest = [f"- and {len(rows) - len(shown)} more"] if len(rows) > len(shown) else []
    return [f"{title}:", *lines, *rest]


def _is_useless(cron: Cron) -> bool:
    counts = cron.status.firings
    return counts is not None and counts.failed >= HISTORY and not counts.succeeded


def _failures(row: _Row) -> str:
    counts = row.cron.status.firings
    return f"{counts.failed if counts else 0} failures. No longer useful? Delete it."
