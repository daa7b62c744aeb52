"""Budgets: whether one is used up, until when, and in which words. Pure.

The sums are those of the status, which has each firing that has ended (`status.spending`). The one that ended last is
in them once the status is written, and then the GraphCron is reconciled again at once: so at most the firings that are
under way at that moment come on top. Those of the installation are in `shared_spending`.
"""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import OVER_BUDGET as CONDITION
from graphcron.operator.conditions import SUSPENDED, condition_of
from graphcron.operator.exceeded import NOT_SHARED, Exceeded, Limit
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import Observed
from graphcron.operator.phase import Phase
from graphcron.operator.reasons import NO_PRICES, OVER_BUDGET, USAGE_UNKNOWN
from graphcron.operator.spending import in_zone
from graphcron.resource.budget import Budget
from graphcron.resource.usage import Spending
from graphcron.resource.windows import current, end
from graphcron.schedule.time_zone import read_timezone

DEFAULT_PER: Literal["Month"] = "Month"


def exceeded(inputs: Inputs) -> Exceeded | None:
    """The budget that is used up; of several one that suspends, and of those the one that ends last. None for none."""
    budget, observed = inputs.spec.budget, inputs.observed
    found = [_own(budget, _spending(inputs), inputs.zone, inputs.now)] if budget else []
    if shared := observed.shared.exceeded:
        told = condition_of(observed.status, CONDITION)
        found.append(shared.steady(told.message.removesuffix(SUSPENDED_ANYWAY) if told else None))
    return max(filter(None, found), key=lambda one: (one.suspends, one.ends), default=None)


def condition(exceeded: Exceeded | None, phase: Phase) -> tuple[str, str] | None:
    """Reason and message of the condition OverBudget."""
    if exceeded is None:
        return None
    goes_on = phase.fires or phase is Phase.OVER_BUDGET
    return exceeded.reason, exceeded.message + ("" if goes_on else SUSPENDED_ANYWAY)


SUSPENDED_ANYWAY = " But Ready has another reason, for which it stays suspended."
"""What a budget says of when it resumes is not all then."""


def is_within(observed: Observed, now: datetime) -> bool:
    """Whether all is well with one whose spec is valid; nothing is read that is not needed. The end of a window lowers
    a sum: what is within its budget stays so until another firing ends."""
    if observed.shared != NOT_SHARED:
        return False
    spec = observed.graphcron["spec"]
    if "budget" not in spec:
        return True
    budget, spending = Budget.model_validate(spec["budget"]), observed.status.spending
    zone = read_timezone(spec.get("timezone"))
    return not (_own(budget, spending, zone, now) or _not_held(budget, spending, zone, now))


def not_held(inputs: Inputs) -> tuple[str, str] | None:
    """Reason and message of a budget that cannot be held, because nobody knows what is used."""
    budget, observed = inputs.spec.budget, inputs.observed
    own = _not_held(budget, _spending(inputs), inputs.zone, inputs.now) if budget else None
    return own or observed.shared.not_held


def is_to_be_judged(old: Manifest, new: Manifest, spec: Manifest) -> bool:
    """Whether a status has another sum than the one before, on which a decision depends."""
    return "budget" in spec and old.get("spending") != new.get("spending")


def was_suspended(observed: Observed) -> bool:
    """Whether it is suspended because a budget is used up, and its spec is unchanged since."""
    found = condition_of(observed.status, SUSPENDED)
    return observed.is_current and found is not None and found.reason == OVER_BUDGET


def _spending(inputs: Inputs) -> Spending | None:
    """By the zone of the spec, which may be newer than the status."""
    return in_zone(inputs.observed.status, inputs.zone, inputs.now)


def _own(budget: Budget, spending: Spending | None, zone: ZoneInfo, now: datetime) -> Exceeded | None:
    per = budget.per or DEFAULT_PER
    window = current(spending, per, now, zone)
    limit = Limit.of(budget.tokens, budget.cost)
    if limit is None or limit.used(window) < limit.amount:
        return None
    ends, action = end(per, now, zone), budget.on_exceeded or "Suspend"
    currency = spending.currency if spending else None
    least = "at least " if window.incomplete else ""
    used, allowed = (limit.written(amount, currency) for amount in (limit.used(window), limit.amount))
    what = f"{least}{used} are used of the {allowed} that spec.budget allows for each {per.lower()}"
    return Exceeded(f"{_BEGINNING[action]}{what}, which ends at {format_time(ends)}. {_FOLLOWS[action]}", ends, action)


_BEGINNING = {"Suspend": "Suspended: ", "Skip": "Over budget: ", "Notify": "Over budget: "}
_FOLLOWS = {
    "Suspend": "It resumes by itself then, without what is due until then; a higher limit resumes it at once.",
    "Skip": "Until then firings of the schedule are skipped (budget.onExceeded is Skip); a higher limit ends it.",
    "Notify": "It fires all the same (budget.onExceeded is Notify).",
}


def _not_held(budget: Budget, spending: Spending | None, zone: ZoneInfo, now: datetime) -> tuple[str, str] | None:
    limit, per = Limit.of(budget.tokens, budget.cost), budget.per or DEFAULT_PER
    window = current(spending, per, now, zone)
    if limit is None or not window.firings:
        return None
    if limit.is_unpriced(window):
        return NO_PRICES, (
            "spec.budget.cost limits nothing: the installation has no price for what was used. Ask the administrator "
            "to set the value 'prices' of the Helm chart, or set spec.budget.tokens instead."
        )
    if not window.tokens and (window.incomplete or 0) >= window.firings:
        return USAGE_UNKNOWN, (
            f"spec.budget counts nothing: what the firings used is unknown of each of the {window.firings} that ended "
            f"in this {per.lower()}. docs/how-to/set-a-budget.md says what is known when."
        )
    return None
