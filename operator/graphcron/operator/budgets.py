"""Budgets: whether one is used up, until when, and in which words. Pure.

The sums are those of the status, which has each firing that has ended (`status.spending`). The one that ended last is
in them once the status is written, and then the GraphCron is reconciled again at once: so at most the firings that are
under way at that moment come on top.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import SUSPENDED, condition_of
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import BUDGET_EXCEEDED, NO_PRICES, OVER_BUDGET, USAGE_UNKNOWN
from graphcron.resource.budget import Budget, amount_of
from graphcron.resource.usage import Spending, SpendingWindow
from graphcron.resource.windows import current, end
from graphcron.schedule.time_zone import read_timezone

DEFAULT_PER: Literal["Month"] = "Month"


class Exceeded(NamedTuple):
    """A budget that is used up: the sentence about it, when its window ends, and what follows until then."""

    message: str
    ends: datetime
    action: Literal["Suspend", "Skip", "Notify"] = "Suspend"

    @property
    def skip_until(self) -> datetime | None:
        """Run pods of the schedule skip what is due before that."""
        return None if self.action == "Notify" else self.ends

    @property
    def reason(self) -> str:
        """Of the condition OverBudget: whether anything follows from it."""
        return BUDGET_EXCEEDED if self.action == "Notify" else OVER_BUDGET

    @property
    def suspends(self) -> bool:
        return self.action == "Suspend"


def exceeded(inputs: Inputs) -> Exceeded | None:
    """The budget of the spec that is used up; None when none is."""
    budget = inputs.spec.budget
    return _own(budget, inputs.observed.status.spending, inputs.zone, inputs.now) if budget else None


def is_within(observed: Observed, now: datetime) -> bool:
    """The same for one whose spec is valid, of which nothing is read that is not needed. The end of a window lowers a
    sum: what is within its budget stays so until another firing ends."""
    spec = observed.graphcron["spec"]
    if "budget" not in spec:
        return True
    budget, spending = Budget.model_validate(spec["budget"]), observed.status.spending
    zone = read_timezone(spec.get("timezone"))
    return not (_own(budget, spending, zone, now) or _unkept(budget, spending, zone, now))


def unkept(inputs: Inputs) -> tuple[str, str] | None:
    """Reason and message of a budget that cannot be held, because nobody knows what is used."""
    budget = inputs.spec.budget
    return _unkept(budget, inputs.observed.status.spending, inputs.zone, inputs.now) if budget else None


def is_to_be_judged(old: Manifest, new: Manifest, spec: Manifest) -> bool:
    """Whether a status has another sum than the one before, on which a decision depends."""
    return "budget" in spec and old.get("spending") != new.get("spending")


def was_suspended(observed: Observed) -> bool:
    """Whether it is suspended because a budget is used up, and its spec is unchanged since."""
    found = condition_of(observed.status, SUSPENDED)
    return observed.is_current and found is not None and found.reason == OVER_BUDGET


def _own(budget: Budget, spending: Spending | None, zone: ZoneInfo, now: datetime) -> Exceeded | None:
    per = budget.per or DEFAULT_PER
    window = current(spending, per, now, zone)
    limit = Limit.of(budget.tokens, budget.cost)
    if limit is None or not limit.is_reached(window):
        return None
    ends, action = end(per, now, zone), budget.on_exceeded or "Suspend"
    used = limit.used(window, spending.currency if spending else None)
    what = f"{used} that spec.budget allows for each {per.lower()}, which ends at {format_time(ends)}"
    return Exceeded(f"{_BEGINNING[action]}{what}. {_FOLLOWS[action]}", ends, action)


_BEGINNING = {"Suspend": "Suspended: ", "Skip": "Over budget: ", "Notify": "Over budget: "}
_FOLLOWS = {
    "Suspend": "It resumes by itself then, without what is due until then; a higher limit resumes it at once.",
    "Skip": "Until then firings of the schedule are skipped (budget.onExceeded is Skip); a higher limit ends it.",
    "Notify": "It fires all the same (budget.onExceeded is Notify).",
}


class Limit(NamedTuple):
    """What may be used: a number of tokens, or else an amount of money."""

    tokens: int | None
    cost: Decimal | None

    @classmethod
    def of(cls, tokens: int | None, cost: object) -> "Limit | None":
        """None when there is none."""
        if tokens is not None:
            return cls(tokens, None)
        return cls(None, amount) if (amount := amount_of(cost)) else None

    def is_reached(self, window: SpendingWindow) -> bool:
        if self.tokens is not None:
            return window.tokens >= self.tokens
        return self.cost is not None and Decimal(window.cost or 0) >= self.cost

    def used(self, window: SpendingWindow, currency: str | None) -> str:
        """What was used of it, in words."""
        least = "at least " if window.incomplete else ""
        if self.tokens is not None:
            return f"{least}{window.tokens:,} tokens are used of the {self.tokens:,}"
        unit = f" {currency}" if currency else ""
        return (
            f"{least}{_money(Decimal(window.cost or 0))}{unit} are spent of the {_money(self.cost or Decimal())}{unit}"
        )


def _money(amount: Decimal) -> str:
    return f"{amount.normalize():,f}"


def _unkept(budget: Budget, spending: Spending | None, zone: ZoneInfo, now: datetime) -> tuple[str, str] | None:
    limit, per = Limit.of(budget.tokens, budget.cost), budget.per or DEFAULT_PER
    window = current(spending, per, now, zone)
    if limit is None or not window.firings:
        return None
    if limit.cost is not None and window.cost is None and window.tokens:
        return NO_PRICES, (
            "spec.budget.cost limits nothing: the installation has no price for what was used. Ask the administrator "
            "to set the value 'prices' of the Helm chart, or set spec.budget.tokens instead."
        )
    if (window.incomplete or 0) >= window.firings and not limit.is_reached(window):
        return USAGE_UNKNOWN, (
            f"spec.budget is not counted in full: what each of the {window.firings} firings used that ended in this "
            f"{per.lower()} is unknown, or known only in part. docs/how-to/set-a-budget.md says what is known when."
        )
    return None
