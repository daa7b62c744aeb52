"""What the month's firings used by model and by day, from the ten that each status keeps. Pure.

What other firings used, older ones and those of backfills, is known in sum alone: it has a row of its own, so that the
rows come to the whole month. A row to which some of it may belong says that it is the least.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from graphcron.firing.formats import moment_of
from graphcron.kube.resources import Manifest
from graphcron.resource.windows import begin
from graphcron.views.glance import status_of, written_status
from graphcron.views.spending import NOT_STARTED, Line, Sum, line_of, ran, spent
from graphcron.views.words import read_amount

OTHERS = "(other firings)"
"""Those that no status keeps."""
NO_MODEL = "(unknown)"
"""Of firings of which no model is known."""
SEVERAL = "(several models)"
"""Money of firings that used several: what each of them cost is not recorded."""

Shares = dict[str, Sum]


def by_model(graphcrons: Iterable[Manifest], now: datetime) -> Shares:
    """Sums by the name of a model."""
    found: Shares = defaultdict(Sum)
    for graphcron in graphcrons:
        line = line_of(graphcron)
        known, names = Sum(), set[str]()
        for entry, _ in _of_the_month(graphcron, line, now):
            _add(known, entry, line)
            names |= _share_out(found, entry, line)
        if rest := _others(found, spent(line, "Month", now), known):
            for name in names:
                found[name].incomplete += rest
    return dict(found)


def by_day(graphcrons: Iterable[Manifest], now: datetime) -> Shares:
    """Sums by the date, in the zone of each GraphCron. Those of today are known without the firings."""
    found: Shares = defaultdict(Sum)
    for graphcron in graphcrons:
        line = line_of(graphcron)
        today, known = spent(line, "Day", now), Sum()
        since, days = begin("Day", now, line.zone), set[str]()
        if today.firings:
            found[now.astimezone(line.zone).date().isoformat()].add_all(today)
        known.add_all(today)
        for entry, ended in _of_the_month(graphcron, line, now):
            if ended < since:
                days.add(day := ended.astimezone(line.zone).date().isoformat())
                _add(found[day], entry, line)
                _add(known, entry, line)
        if rest := _others(found, spent(line, "Month", now), known):
            for day in days:
                found[day].incomplete += rest
    return dict(found)


def _of_the_month(graphcron: Manifest, line: Line, now: datetime) -> list[tuple[Mapping[str, Any], datetime]]:
    """The recorded firings that ended in the month of `now`, the newest first."""
    since = begin("Month", now, line.zone)
    try:
        return _ended(written_status(graphcron), since)
    except (AttributeError, KeyError, TypeError, ValueError):  # a status that somebody wrote by hand
        return _ended(status_of(graphcron), since)


def _ended(status: Mapping[str, Any], since: datetime) -> list[tuple[Mapping[str, Any], datetime]]:
    ended = [(entry, moment_of(str(entry.get("finishedAt")))) for entry in ran(status)]
    return sorted(
        ((entry, at) for entry, at in ended if at is not None and at >= since), key=lambda one: one[1], reverse=True
    )


def _add(total: Sum, entry: Mapping[str, Any], line: Line) -> None:
    usage, cost = entry.get("usage") or {}, read_amount(entry.get("cost"))
    known = usage["complete"] and not lacks_price(entry, line) if usage else entry["reason"] == NOT_STARTED
    total.add(1, usage["totalTokens"] if usage else 0, cost, line.currency, 0 if known else 1)


def lacks_price(entry: Mapping[str, Any], line: Line) -> bool:
    """Whether some of a firing's tokens have no price, in an installation with prices."""
    return bool(line.currency) and (entry.get("cost") is None or bool(entry.get("costIncomplete")))


def _share_out(found: Shares, entry: Mapping[str, Any], line: Line) -> set[str]:
    """Adds a firing to its models, and returns their names."""
    usage = entry.get("usage") or {}
    models = usage.get("models") or {}
    if len(models) < 2:
        (name,) = models or (NO_MODEL,)
        _add(found[name], entry, line)
        return {name}
    for name, counts in models.items():
        found[name].add(1, counts["totalTokens"], None, "", 0 if usage["complete"] else 1)
    if (cost := read_amount(entry.get("cost"))) is not None:
        found[SEVERAL].add(0, 0, cost, line.currency, int(lacks_price(entry, line)))
    return set(models)


def _others(found: Shares, whole: Sum, known: Sum) -> int:
    """Adds what is in the month and in none of the firings that are known, and returns the number of such firings."""
    firings = whole.firings - known.firings
    if firings <= 0:
        return 0
    incomplete = min(max(whole.incomplete - known.incomplete, 0), firings)
    tokens, rest = max(whole.tokens - known.tokens, 0), Sum()
    rest.add(firings, tokens, None, "", incomplete)
    for currency, cost in whole.costs.items():
        rest.costs[currency], rest.unpriced = max(cost - known.costs.get(currency, 0), 0 * cost), 0
    found[OTHERS].add_all(rest)
    return firings
