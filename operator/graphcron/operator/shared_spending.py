"""What all GraphCrons of a namespace, of an owner and of the installation have used, where those have a budget. Pure.

The sums follow from the statuses, and change by the difference when one does. Each GraphCron's window ends by its own
time zone, and then its part counts no more. What a deleted GraphCron used stays in the sums until its window ends:
otherwise, who deletes one and creates it anew would have no budget. `recorded` is for those who must know it after a
restart.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from graphcron.firing.formats import format_time, parse_time
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.operator.exceeded import NOT_SHARED, Exceeded, Limit, Shared
from graphcron.operator.reasons import NO_PRICES
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.identity import owner_of
from graphcron.resource.usage import Spending
from graphcron.resource.windows import Per, end, of
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

Kind = Literal["namespace", "owner", "installation"]
Name = tuple[str, str]
RECORD_LIMIT = 700_000
"""Bytes. A ConfigMap takes a MiB."""


class Scope(NamedTuple):
    """Whose budget it is."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else "the installation"


class Part(NamedTuple):
    """What was used, and by how many firings of which less is known than all."""

    amount: Decimal = Decimal()
    incomplete: int = 0

    def plus(self, other: "Part", sign: int = 1) -> "Part":
        return Part(self.amount + sign * other.amount, self.incomplete + sign * other.incomplete)


class Shares(NamedTuple):
    """What one GraphCron has used, for each scope until when it counts; and whether some of it has no price."""

    parts: tuple[tuple[Scope, datetime, Part], ...] = ()
    unpriced: tuple[Scope, ...] = ()


class SharedSpending:
    """The sums. `home` is the namespace in which the label of an owner is the facade's."""

    def __init__(self, budgets: SharedBudgets, home: str | None) -> None:
        self._home = home
        self._limits: dict[Kind, tuple[Limit, Per]] = {}
        kinds: tuple[Kind, ...] = ("namespace", "owner", "installation")
        for kind in kinds:
            budget = getattr(budgets, kind)
            if budget and (limit := Limit.of(budget.tokens, budget.cost)):
                self._limits[kind] = (limit, budget.per or "Month")
        self._sums: dict[Scope, dict[datetime, Part]] = {}
        """By when it ends to count."""
        self._shares: dict[str, Shares] = {}
        self._members: dict[Name, tuple[Scope, ...]] = {}
        self._over: dict[Scope, datetime] = {}
        """Those that are used up, until when."""
        self._touched: set[Scope] = set()
        self._currency: str | None = None

    def put(self, graphcron: Manifest) -> None:
        """A GraphCron as it is now."""
        if not self._limits:
            return
        metadata, scopes = graphcron["metadata"], tuple(self._scopes_of(graphcron))
        self._members[metadata["namespace"], metadata["name"]] = scopes
        old, new = self._shares.get(metadata["uid"], Shares()), self._shares_of(graphcron, scopes)
        if old == new:
            return
        self._shares[metadata["uid"]] = new
        for scope, ends, part in old.parts:
            if ends in self._sums.get(scope, {}):
                self._add(scope, ends, part, -1)
        for scope, ends, part in new.parts:
            self._add(scope, ends, part)

    def drop(self, name: Name, uid: str) -> None:
        """It is deleted. What it used counts on."""
        self._members.pop(name, None)
        self._shares.pop(uid, None)

    def crossed(self, now: datetime) -> list[Name]:
        """The GraphCrons of those budgets that were used up, or are no longer, since this was last asked."""
        changed = set()
        for scope in self._touched:
            until = self._until(scope, now)
            if (until is not None) != (self._over.get(scope, now) > now):
                changed.add(scope)
            self._over[scope] = until or now
        self._touched.clear()
        return [name for name, scopes in self._members.items() if not changed.isdisjoint(scopes)] if changed else []

    def of(self, graphcron: Manifest, now: datetime) -> Shared:
        """What the budgets say about one GraphCron."""
        if not self._limits:
            return NOT_SHARED
        found = [self._exceeded(scope, now) for scope in self._scopes_of(graphcron)]
        unpriced = self._shares.get(graphcron["metadata"]["uid"], Shares()).unpriced
        return Shared(max(filter(None, found), key=lambda one: one.ends, default=None), _unpriced(unpriced))

    def recorded(self, now: datetime) -> str:
        """The sums as JSON, the largest ones, as far as there is room."""
        rows = {
            f"{scope.kind}/{self._unit(scope.kind)}/{scope.name}": {
                format_time(ends): [str(part.amount), part.incomplete]
                for ends, part in sorted(sums.items())
                if ends > now and part.amount > 0
            }
            for scope, sums in sorted(self._sums.items(), key=lambda one: -self._total(one[0], now).amount)
        }
        self._sums = {scope: sums for scope, sums in self._sums.items() if sums}
        kept, size = {}, 0
        for key, row in rows.items():
            size += len(key) + 60 * len(row)
            if row and size < RECORD_LIMIT:
                kept[key] = row
        return jsontext.canonical(kept).decode()

    def restore(self, text: str, now: datetime) -> None:
        """Sums as they were recorded. What is more in them than in the statuses was used by GraphCrons that are
        deleted. What cannot be read is left out."""
        try:
            rows = dict(jsontext.loads(text))
        except (ValueError, TypeError):
            return
        for key, row in rows.items():
            kind, _, rest = str(key).partition("/")
            unit, _, name = rest.partition("/")
            if kind in self._limits and unit == self._unit(kind) and isinstance(row, dict):
                for ends, part in _read(row):
                    scope = Scope(kind, name)
                    if ends > now and part.amount > self._sums.get(scope, {}).get(ends, Part()).amount:
                        self._sums.setdefault(scope, {})[ends] = part
                        self._touched.add(scope)

    def _unit(self, kind: Kind) -> str:
        """What is summed up: after a change of that, a record says nothing."""
        limit, per = self._limits[kind]
        return f"{'cost' if limit.is_money else 'tokens'}.{per}"

    def _scopes_of(self, graphcron: Manifest) -> Iterator[Scope]:
        namespace, owner = graphcron["metadata"]["namespace"], owner_of(graphcron)
        if "namespace" in self._limits:
            yield Scope("namespace", namespace)
        if "owner" in self._limits and owner and namespace == self._home:
            yield Scope("owner", owner)
        if "installation" in self._limits:
            yield Scope("installation")

    def _shares_of(self, graphcron: Manifest, scopes: tuple[Scope, ...]) -> Shares:
        status = graphcron.get("status") or {}
        parts, unpriced = [], []
        try:
            spending = Spending.model_validate(status["spending"])
            zone = read_timezone(status.get("timezone"))
            for scope in scopes:
                limit, per = self._limits[scope.kind]
                window = of(spending, per)
                parts.append((scope, end(per, window.since, zone), Part(limit.used(window), window.incomplete or 0)))
                if limit.is_unpriced(window):
                    unpriced.append(scope)
        except (KeyError, TypeError, OverflowError, ValidationError, InvalidTimezone):
            return Shares()  # of one that somebody else wrote, also in the year 9999
        self._currency = spending.currency or self._currency
        return Shares(tuple(parts), tuple(unpriced))

    def _add(self, scope: Scope, ends: datetime, part: Part, sign: int = 1) -> None:
        sums = self._sums.setdefault(scope, {})
        sums[ends] = sums.get(ends, Part()).plus(part, sign)
        self._touched.add(scope)

    def _total(self, scope: Scope, now: datetime) -> Part:
        sums = self._sums.get(scope, {})
        for ends in [ends for ends in sums if ends <= now]:
            del sums[ends]
        total = Part()
        for part in sums.values():
            total = total.plus(part)
        return total

    def _until(self, scope: Scope, now: datetime) -> datetime | None:
        """When so many windows will have ended that the rest is within the budget; None when it is now."""
        limit, _ = self._limits[scope.kind]
        left = self._total(scope, now).amount
        if left < limit.amount:
            return None
        for ends, part in sorted(self._sums[scope].items()):
            left -= part.amount
            if left < limit.amount:
                return ends
        return None

    def _exceeded(self, scope: Scope, now: datetime) -> Exceeded | None:
        if (until := self._until(scope, now)) is None:
            return None
        (limit, per), total = self._limits[scope.kind], self._total(scope, now)
        used = ("at least " if total.incomplete else "") + limit.written(total.amount, self._currency)
        return Exceeded(
            f"Suspended: the budget of {scope} is used up until {format_time(until)}: {used} of "
            f"{limit.written(limit.amount, self._currency)} for each {per.lower()}. It resumes by itself then, without "
            f"what is due until then. An administrator can raise guardrails.budgets.{scope.kind} of the Helm chart.",
            until,
            sum=f": {used} of ",
        )


def _read(row: dict[str, Any]) -> Iterator[tuple[datetime, Part]]:
    for ends, found in row.items():
        try:
            amount, incomplete = found
            part = Part(Decimal(str(amount)), int(incomplete))
            moment = parse_time(ends).astimezone(UTC)
        except (ValueError, TypeError, InvalidOperation):
            continue
        if part.amount.is_finite():
            yield moment, part


def _unpriced(scopes: tuple[Scope, ...]) -> tuple[str, str] | None:
    if not scopes:
        return None
    return NO_PRICES, (
        f"The budget of {scopes[0]} limits nothing here: the installation has no price for what was used. Ask the "
        f"administrator to set the value 'prices' of the Helm chart, or guardrails.budgets.{scopes[0].kind} in tokens."
    )
