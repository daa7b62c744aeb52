"""What GraphCrons used: of one, as far as it is the same at each moment, and sums of several at one. Pure.

Windows are those of each GraphCron's own time zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from graphcron.firing.formats import moment_of
from graphcron.kube.resources import Manifest
from graphcron.resource.budget import amount_of
from graphcron.resource.identity import id_of, owner_of
from graphcron.resource.usage import Spending, SpendingWindow
from graphcron.resource.windows import PERS, Per, begin, current, end
from graphcron.schedule.counting import between
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views.forecast import PerFiring, per_firing
from graphcron.views.glance import glance, status_of, written_status
from graphcron.views.words import amount, exact, read_amount

WITHOUT_A_RUN = ("Skipped", "Missed")
"""Outcomes of firings that use nothing."""
OVER_BUDGET = "OverBudget"
"""The phase of one whose budget is used up."""
NOT_STARTED = "NotStarting"
"""The reason of a firing that had no run, and used nothing."""
FEW_FAILURES = 3
"""As many runs may fail before they say that a GraphCron only fails."""


class Limit(NamedTuple):
    """A budget for all firings of a window: `most` tokens, or money."""

    most: Decimal
    of_tokens: bool
    per: Per

    def in_words(self, currency: str) -> str:
        most = f"{self.most:,f} tokens" if self.of_tokens else amount(self.most, currency)
        return f"{most} each {self.per.lower()}"


class Line(NamedTuple):
    """What is known of one GraphCron. `schedule` is None when it does not fire, `begin` is when it fires next, `end` is
    its endTime, and `left` the rest of maxRuns. `only_failed` is the number of its recorded runs, if all failed and
    they are not too few to tell."""

    cron_id: str
    namespace: str
    graphcron: str
    name: str
    owner: str
    zone: ZoneInfo
    spending: Spending | None
    mean: PerFiring
    schedule: Schedule | None
    begin: datetime | None
    end: datetime | None
    left: int | None
    limit: Limit | None
    waits: bool
    """Whether it fires again when the window of its budget ends."""
    only_failed: int
    changed: str

    @property
    def currency(self) -> str:
        """Empty in an installation without prices."""
        return (self.spending.currency if self.spending else None) or ""


def line_of(graphcron: Manifest) -> Line:
    """The line of a GraphCron, whole or kept."""
    try:
        return _line(graphcron, written_status(graphcron))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):  # a status that somebody wrote by hand
        return _line(graphcron, status_of(graphcron))


def _line(graphcron: Manifest, status: Mapping[str, Any]) -> Line:
    metadata, spec, seen = graphcron["metadata"], graphcron.get("spec") or {}, glance(graphcron)
    zone, limit = zone_of(status.get("timezone") or spec.get("timezone")), _limit(spec.get("budget"))
    waits = limit is not None and seen.phase == OVER_BUDGET
    runs = (status.get("scheduledRuns") or {}).get("count", 0)
    return Line(
        id_of(graphcron),
        metadata.get("namespace") or "",
        metadata["name"],
        seen.name,
        owner_of(graphcron) or "",
        zone,
        Spending.model_validate(status["spending"]) if status.get("spending") else _unrecorded(status, zone),
        per_firing(status),
        _schedule(spec, str(metadata.get("uid", ""))) if seen.following or waits else None,
        moment_of(seen.following) if seen.following else None,
        moment_of(str(spec["endTime"])) if spec.get("endTime") else None,
        max(0, spec["maxRuns"] - runs) if isinstance(spec.get("maxRuns"), int) else None,
        limit,
        waits,
        _only_failed(status),
        seen.changed,
    )


def _unrecorded(status: Mapping[str, Any], zone: ZoneInfo) -> Spending | None:
    """Firings from before an operator recorded such windows: unknown, which is not nothing."""
    ended = [moment for entry in ran(status) if (moment := moment_of(str(entry.get("finishedAt"))))]
    if not ended:
        return None
    starts = [begin(per, max(ended), zone) for per in PERS]
    numbers = [sum(moment >= since for moment in ended) for since in starts]
    today, week, month = (
        SpendingWindow(since=since, firings=number, incomplete=number)
        for since, number in zip(starts, numbers, strict=True)
    )
    return Spending(today=today, week=week, month=month)


def ran(status: Mapping[str, Any]) -> list[Manifest]:
    """The recorded firings that had a run, the newest first."""
    return [entry for entry in status.get("history") or [] if entry["outcome"] not in WITHOUT_A_RUN]


def zone_of(name: object) -> ZoneInfo:
    """The time zone of that name, the default one for what is none."""
    try:
        return read_timezone(name if isinstance(name, str) else None)
    except InvalidTimezone:
        return read_timezone(None)


def _schedule(spec: Mapping[str, Any], uid: str) -> Schedule | None:
    try:
        return read(str(spec["schedule"]), uid)
    except (KeyError, InvalidSchedule):
        return None


def _limit(budget: object) -> Limit | None:
    if not isinstance(budget, dict):
        return None
    per = budget.get("per") or "Month"
    name = "tokens" if budget.get("tokens") is not None else "cost"
    most = amount_of(budget.get(name))
    return Limit(most, name == "tokens", per) if most is not None and per in PERS else None


def _only_failed(status: Mapping[str, Any]) -> int:
    outcomes = [entry["outcome"] for entry in ran(status)]
    return len(outcomes) if len(outcomes) >= FEW_FAILURES and set(outcomes) == {"Failed"} else 0


@dataclass
class Sum:
    """Firings, tokens and money by currency. Of `incomplete` firings the usage or the price is unknown or known only in
    part: then all used more."""

    firings: int = 0
    tokens: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)
    incomplete: int = 0
    unpriced: int = 0
    """Further firings that used tokens, and have no cost."""

    def add(self, firings: int, tokens: int, cost: Decimal | None, currency: str, incomplete: int) -> None:
        more = Sum(firings, tokens, {} if cost is None else {currency: cost}, incomplete)
        if cost is None and tokens:
            more.unpriced = max(0, firings - incomplete)
        self.add_all(more)

    def add_all(self, other: "Sum") -> None:
        self.firings += other.firings
        self.tokens += other.tokens
        for currency, cost in other.costs.items():
            self.costs[currency] = self.costs.get(currency, Decimal(0)) + cost
        self.incomplete += other.incomplete
        self.unpriced += other.unpriced

    @property
    def lacking(self) -> int:
        """Firings that used or cost more than is known. Where nothing has a price, none is missing."""
        return self.incomplete + (self.unpriced if self.costs else 0)

    @property
    def weight(self) -> tuple[Decimal, int]:
        """Orders sums: by money, and where there is none by tokens."""
        return sum(self.costs.values(), Decimal(0)), self.tokens

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of what was used."""
        return 0 < self.firings <= self.incomplete and not self.tokens and not self.costs

    @property
    def tokens_in_words(self) -> str:
        return UNKNOWN if self.is_unknown else f"{AT_LEAST if self.incomplete else ''}{self.tokens:,}"

    @property
    def cost_in_words(self) -> str:
        if not self.costs:
            return UNKNOWN if self.incomplete else UNPRICED if self.firings else "0"
        least = AT_LEAST if self.lacking else ""
        return " + ".join(f"{least}{amount(self.costs[name], name)}" for name in sorted(self.costs))


AT_LEAST = "≥"
UNKNOWN, UNPRICED = "unknown", "-"


def spent(line: Line, per: Per, now: datetime) -> Sum:
    """What was used in the window of `now`."""
    found, total = current(line.spending, per, now, line.zone), Sum()
    total.add(found.firings, found.tokens, read_amount(found.cost), line.currency, found.incomplete or 0)
    return total


def month(line: Line, now: datetime) -> Sum:
    """What the month of `now` will come to: what was used, and the firings that are left of it at the mean of those
    that are known."""
    total, rest, mean = spent(line, "Month", now), remaining(line, now), line.mean
    unpriced = bool(line.currency) and (mean.cost is None or mean.priced < mean.based_on)
    known = mean.tokens is not None and mean.complete and not unpriced
    cost = None if mean.cost is None else rest * mean.cost
    total.add(rest, round(rest * (mean.tokens or 0)), cost if rest else None, line.currency, 0 if known else rest)
    return total


def remaining(line: Line, now: datetime) -> int:
    """Firings that are left of the month of `now`."""
    if line.schedule is None:
        return 0
    before = end("Month", now, line.zone)
    if line.waits and line.limit:
        now = end(line.limit.per, now, line.zone) - timedelta(seconds=1)
    # Before startTime, the next firing is later than the schedule says.
    after = line.begin - timedelta(seconds=1) if line.begin and line.begin > now else now
    number = between(line.schedule, line.zone, after, min(before, line.end) if line.end else before)
    return number if line.left is None else min(number, line.left)


def spending_document(line: Line, now: datetime) -> dict[str, Any] | None:
    """What a GraphCron used and what the month will come to, for programs; None when nothing is recorded."""
    if line.spending is None:
        return None
    windows = {name: spent(line, per, now) for name, per in zip(("today", "week", "month"), PERS, strict=True)}
    found = {name: sum_document(total) for name, total in (windows | {"forecast": month(line, now)}).items()}
    return found | {"currency": line.currency or None}


def sum_document(total: Sum) -> dict[str, Any]:
    """One sum for programs: money is text, by its currency."""
    return {
        "firings": total.firings,
        "tokens": total.tokens,
        "costs": {currency: exact(total.costs[currency]) for currency in sorted(total.costs)},
        "incomplete": total.lacking,
    }


def used_in_words(entry: Mapping[str, Any], currency: str) -> str:
    """What one firing used: `1,200 tokens, 0.0042 USD`."""
    usage, cost = entry.get("usage"), read_amount(entry.get("cost"))
    if not usage:
        return UNPRICED if entry["outcome"] in WITHOUT_A_RUN or entry["reason"] == NOT_STARTED else UNKNOWN
    least = "" if usage["complete"] else AT_LEAST
    tokens = f"{least}{usage['totalTokens']:,} tokens"
    part = AT_LEAST if entry.get("costIncomplete") else least
    return tokens if cost is None else f"{tokens}, {part}{amount(cost, currency)}"


def used_up(line: Line, now: datetime) -> Decimal | None:
    """How much of its budget is used, 1 for all of it; None without a budget or when nothing is known."""
    if line.limit is None:
        return None
    total = spent(line, line.limit.per, now)
    if total.is_unknown:
        return None
    used = Decimal(total.tokens) if line.limit.of_tokens else total.costs.get(line.currency, Decimal(0))
    return used / line.limit.most
