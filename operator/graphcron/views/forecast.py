"""What the firings of a schedule will use, by those that have ended. Pure.

Unknown is not zero: without a firing whose usage is known, nothing is said of tokens and costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from graphcron.kube.resources import Manifest
from graphcron.schedule.counting import per_month, per_month_in_words
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.views.glance import status_of
from graphcron.views.words import amount, exact, read_amount, rounded

UNKNOWN = "What they will cost is unknown until a firing has ended whose usage is known."


class PerFiring(NamedTuple):
    """Means of the recorded firings whose usage is known: tokens of `based_on`, and costs of `priced` of these. If not
    all of them are known completely, they used more."""

    tokens: float | None = None
    cost: Decimal | None = None
    based_on: int = 0
    priced: int = 0
    complete: bool = True


def per_firing(status: Mapping[str, Any]) -> PerFiring:
    """The means of a status's history."""
    used = [entry for entry in status.get("history") or [] if entry.get("usage")]
    if not used:
        return PerFiring()
    costs = [cost for entry in used if (cost := read_amount(entry.get("cost"))) is not None]
    return PerFiring(
        sum(entry["usage"]["totalTokens"] for entry in used) / len(used),
        sum(costs, Decimal(0)) / len(costs) if costs else None,
        len(used),
        len(costs),
        all(entry["usage"]["complete"] and not entry.get("costIncomplete") for entry in used),
    )


@dataclass(frozen=True)
class Forecast:
    """What an average month of a schedule comes to. `currency` is None in an installation without prices."""

    firings: float
    mean: PerFiring
    currency: str | None

    @property
    def tokens(self) -> int | None:
        return None if self.mean.tokens is None else round(self.firings * self.mean.tokens)

    @property
    def cost(self) -> Decimal | None:
        return None if self.mean.cost is None else Decimal(self.firings) * self.mean.cost

    def to_dict(self) -> dict[str, Any]:
        """As REST has it."""
        return {
            "firings_per_month": round(self.firings, 2),
            "tokens_per_month": self.tokens,
            "cost_per_month": None if self.cost is None else exact(self.cost),
            "currency": self.currency,
            "based_on": self.mean.based_on,
            "at_least": not self.mean.complete,
            "message": in_words(self),
        }


def forecast(schedule: Schedule, status: Mapping[str, Any]) -> Forecast:
    """Of a schedule, by the firings in the status of a GraphCron, which may have another one yet."""
    return Forecast(per_month(schedule), per_firing(status), (status.get("spending") or {}).get("currency"))


def forecast_of(graphcron: Manifest, status: Mapping[str, Any] | None = None) -> Forecast | None:
    """Of a GraphCron, whole or kept; None for a schedule that cannot be read. `status` is its own, where it was read
    before."""
    try:
        schedule = read(str(graphcron["spec"]["schedule"]), str(graphcron["metadata"].get("uid", "")))
    except (KeyError, InvalidSchedule):
        return None
    return forecast(schedule, status_of(graphcron) if status is None else status)


def in_words(forecast: Forecast) -> str:
    """The sentences for people, the same at each door."""
    often, mean = f"{per_month_in_words(forecast.firings)}.", forecast.mean
    if forecast.tokens is None:
        return f"{often} {UNKNOWN}"
    about = "about" if mean.complete else "at least"
    by = f"by the last {mean.based_on} firings whose usage is known" if mean.based_on > 1 else "by one firing"
    used = f"They will use {about} {rounded(forecast.tokens)} tokens"
    if forecast.cost is None:
        unpriced = "; what these cost is unknown, as a model has no price" if forecast.currency else ""
        return f"{often} {used}, {by}{unpriced}."
    part = "" if mean.priced == mean.based_on else f" ({mean.priced} of them with a price)"
    return f"{often} {used} and cost {about} {amount(forecast.cost, forecast.currency or '')}, {by}{part}."
