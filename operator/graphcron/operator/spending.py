"""What firings cost, and the sums of a day, a week and a month. Pure.

History and sums are written together, and a sum grows by the difference of two histories. So a firing counts once,
whatever is killed in between, and one whose usage becomes known later adds what is new.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator.history import added, key_of
from graphcron.operator.observed import CLOCKS_DIFFER, Observed
from graphcron.operator.reasons import NOT_STARTING
from graphcron.resource import windows
from graphcron.resource.prices import Ledger, Prices, read_amount, written
from graphcron.resource.status import TRACE_URL_LIMIT, EndedFiring, GraphCronStatus, HistoryEntry
from graphcron.resource.traces import trace_url
from graphcron.resource.usage import (
    BACKFILLS_LIMIT,
    TOKEN_COUNT_LIMIT,
    BackfillSpent,
    Spending,
    SpendingWindow,
    Spent,
    Usage,
)
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone


class Sums(NamedTuple):
    """What some firings used; of a difference, each may be negative."""

    firings: int = 0
    tokens: int = 0
    cost: Decimal | None = None
    incomplete: int = 0

    @classmethod
    def of(cls, firing: EndedFiring | None) -> "Sums":
        """Of one firing. What was skipped or missed is none, and one that did not start has used nothing."""
        if firing is None or firing.outcome in ("Skipped", "Missed"):
            return cls()
        if firing.usage is None:
            return cls(1, incomplete=int(firing.reason != NOT_STARTING))
        cost = read_amount(firing.cost) if firing.cost is not None else None
        unknown = not firing.usage.complete or bool(firing.cost_incomplete)
        return cls(1, firing.usage.total_tokens, cost, int(unknown))

    @classmethod
    def spent(cls, spent: Spent | None) -> "Sums":
        if spent is None:
            return cls()
        cost = read_amount(spent.cost) if spent.cost is not None else None
        return cls(spent.firings, spent.tokens, cost, spent.incomplete or 0)

    def plus(self, other: "Sums", sign: int = 1) -> "Sums":
        costs = [self.cost, None if other.cost is None else sign * other.cost]
        known = [cost for cost in costs if cost is not None]
        # Where only some have a price, as those that ended before there were prices, the money is not for all of them.
        unpriced = [one for one in (self, other) if one.cost is None and one.tokens > 0] if sign > 0 and known else []
        return Sums(
            self.firings + sign * other.firings,
            self.tokens + sign * other.tokens,
            sum(known, Decimal()) if known else None,
            self.incomplete + sign * other.incomplete + sum(one.firings - one.incomplete for one in unpriced),
        )

    def fields(self) -> dict[str, Any]:
        """Of a `Spent`."""
        return {
            "firings": _bounded(self.firings),
            "tokens": _bounded(self.tokens),
            "cost": None if self.cost is None else written(self.cost),
            "incomplete": _bounded(self.incomplete) or None,
        }


def _bounded(number: int) -> int:
    return min(max(number, 0), TOKEN_COUNT_LIMIT)


Firing = TypeVar("Firing", bound=EndedFiring)


def priced(firing: Firing, known: EndedFiring | None, metadata: Manifest, ledger: Ledger) -> Firing:
    """It with its cost and the address of its trace. What is recorded stays when prices or the template change.
    `metadata` is the GraphCron's."""
    update: dict[str, Any] = {}
    if known and known.usage == firing.usage:
        update = {"cost": known.cost, "cost_incomplete": known.cost_incomplete}
    elif firing.usage:
        update = cost_fields(firing.usage, ledger.prices)
    if known and (known.run_id, known.thread_id) == (firing.run_id, firing.thread_id):
        update["trace_url"] = known.trace_url
    else:
        url = trace_url(ledger.trace_url, metadata, firing.run_id, firing.thread_id)
        update["trace_url"] = url if url and len(url) <= TRACE_URL_LIMIT else None
    return firing.model_copy(update=update)


def cost_fields(usage: Usage, prices: Prices) -> dict[str, Any]:
    """Cost and whether it is less than all, as a firing has them."""
    if not prices.models:
        return {"cost": None, "cost_incomplete": None}
    cost = prices.cost_of(usage)
    return {
        "cost": None if cost.amount is None else written(cost.amount),
        "cost_incomplete": None if cost.complete else True,
    }


def all_priced(
    known: Sequence[HistoryEntry], past: Sequence[HistoryEntry], metadata: Manifest, ledger: Ledger
) -> list[HistoryEntry]:
    """The firings that are over, each with what it cost; those that are in `known` as they are there cost nothing to
    go through."""
    recorded = {key_of(entry): entry for entry in known}
    same = {id(entry) for entry in known}
    return [
        entry if id(entry) in same else priced(entry, recorded.get(key_of(entry)), metadata, ledger) for entry in past
    ]


def changes(
    known: Sequence[HistoryEntry], past: Sequence[HistoryEntry], older_jobs: Collection[str] = ()
) -> Iterator[tuple[HistoryEntry, HistoryEntry | None]]:
    """The firings of which a later history says more, each with what the earlier one says."""
    before = {key_of(entry): entry for entry in known}
    for entry in added(known, past, older_jobs):
        yield entry, None
    for entry in past:
        recorded = before.get(key_of(entry))
        if recorded and recorded is not entry:
            yield entry, recorded


def spend(
    old: Spending | None,
    differences: Sequence[tuple[Sums, datetime]],
    backfills: Sequence[BackfillSpent],
    zone: ZoneInfo,
    currency: str | None,
    now: datetime,
) -> Spending | None:
    """The sums with what is new: each difference in the window of its moment. `backfills` is what those of this
    GraphCron have used in all; the difference to what is recorded counts now. None until something counts."""
    recorded = list((old.backfills if old else None) or [])
    full = len(recorded) >= BACKFILLS_LIMIT
    oldest = min(one.started_at for one in recorded) if full else None
    for spent in backfills:
        known = next((one for one in recorded if one.uid == spent.uid), None)
        if known is None and (spent.firings == 0 or (oldest and spent.started_at < oldest)):
            continue  # there is nothing, or it was recorded once
        difference = Sums.spent(spent).plus(Sums.spent(known), -1)
        if known and difference.firings <= 0:
            continue  # this replica has an older status than the one that was counted
        differences = [*differences, (difference, now)]
        recorded = sorted([spent, *(one for one in recorded if one is not known)], key=lambda one: one.started_at)
    differences = [(sums, moment) for sums, moment in differences if any(sums)]
    if not differences:
        return old
    differences.sort(key=lambda one: one[1])
    day, week, month = (
        _grown(_continued(old, per, currency, now), differences, per, zone, now) for per in windows.PERS
    )
    priced = currency or (old.currency if old else None)
    return Spending(today=day, week=week, month=month, currency=priced, backfills=recorded[-BACKFILLS_LIMIT:] or None)


def _grown(
    window: SpendingWindow | None,
    differences: Sequence[tuple[Sums, datetime]],
    per: windows.Per,
    zone: ZoneInfo,
    now: datetime,
) -> SpendingWindow:
    """A window with all that lies in it, or the last one in which something does."""
    for sums, moment in differences:
        window = _added_to(window, sums, windows.begin(per, min(moment, now), zone))
    assert window, "there is a difference"
    return window


def _continued(old: Spending | None, per: windows.Per, currency: str | None, now: datetime) -> SpendingWindow | None:
    """A window as it is recorded. Not one from the future, which somebody else wrote: it would stand in the way of all
    that comes until then. Costs in another currency cannot be added to."""
    window = windows.of(old, per) if old else None
    if old is None or window is None or window.since > now + CLOCKS_DIFFER:
        return None
    return window.model_copy(update={"cost": None}) if currency and old.currency not in (None, currency) else window


def _added_to(window: SpendingWindow | None, sums: Sums, since: datetime) -> SpendingWindow:
    """A firing that ended before the window counts in none: it was over when the window began."""
    if window is None or since > window.since:
        return SpendingWindow(since=since, **sums.fields())
    if since < window.since:
        return window
    return SpendingWindow(since=since, **Sums.spent(window).plus(sums).fields())


def in_zone(status: GraphCronStatus, zone: ZoneInfo, now: datetime) -> Spending | None:
    """The sums of a status, also when the time zone changes. A window that is not over goes on as that of the new zone:
    otherwise an edit would empty it."""
    old, before = status.spending, _zone(status.timezone)
    if old is None or before.key == zone.key:
        return old
    names = {"Day": "today", "Week": "week", "Month": "month"}
    moved = {
        names[per]: windows.of(old, per).model_copy(update={"since": windows.begin(per, now, zone)})
        for per in windows.PERS
        if windows.of(old, per).since == windows.begin(per, now, before)
    }
    return old.model_copy(update=moved)


def backfills_are_recorded(spending: Any, backfills: Sequence[BackfillSpent]) -> bool:
    """Whether a status as it is has in its sums what the backfills used."""
    recorded = spending.get("backfills", []) if isinstance(spending, dict) else []
    known = {one.get("uid"): one.get("firings") for one in recorded}
    oldest = min((one["startedAt"] for one in recorded), default="") if len(recorded) >= BACKFILLS_LIMIT else ""
    return all(
        spent.firings <= known.get(spent.uid, 0) or (spent.uid not in known and format_time(spent.started_at) < oldest)
        for spent in backfills
    )


def settle(
    observed: Observed, past: Sequence[HistoryEntry], timezone: str | None, ledger: Ledger, now: datetime
) -> Spending | None:
    """The sums of a GraphCron with the firings that are over, `past`, each with what it cost."""
    old = observed.status
    zone = _zone(timezone or old.timezone)
    differences = [
        (Sums.of(entry).plus(Sums.of(recorded), -1), entry.finished_at or now)
        for entry, recorded in changes(observed.history, past, old.older_jobs or ())
    ]
    return spend(in_zone(old, zone, now), differences, observed.backfills, zone, ledger.currency, now)


def _zone(name: str | None) -> ZoneInfo:
    """Of a status that somebody else may have written."""
    try:
        return read_timezone(name)
    except InvalidTimezone:
        return read_timezone(None)
