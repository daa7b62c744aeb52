"""Prices of models, as the installation names them, and what tokens cost by them. Pure. Money is never a float."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field

from graphcron.resource.fields import Model
from graphcron.resource.usage import TokenCounts, Usage

UNKNOWN_MODEL = "unknown"
"""The model of tokens of which only the sum is known."""
PER = 1_000_000
"""Tokens that a price is for."""
PRICES_LIMIT = 1000
_MOST = Decimal("999999999999999.999999999")
_SMALLEST = Decimal("0.000000001")
PRICE = "must be an amount of 0 or more for a million tokens, such as '2.50'"


def _price(value: object) -> object:
    """A number is read as it is written in YAML and JSON: 2.50 is 2.5, whatever a float makes of it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal) or len(str(value)) > 32:
        raise ValueError(PRICE)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(PRICE) from None
    if not found.is_finite() or found < 0 or found > 10**9 or found != found.quantize(_SMALLEST):
        raise ValueError(PRICE)
    return found


Price = Annotated[Decimal, BeforeValidator(_price)]


class ModelPrice(Model):
    """What a million tokens of one model cost."""

    input: Price
    output: Price
    cached: Price | None = None
    """Of input that the provider read from its cache; as `input` by default."""

    def of(self, counts: TokenCounts) -> Decimal:
        cached = min(counts.cached_tokens, counts.input_tokens)
        per_cached = self.input if self.cached is None else self.cached
        whole = (counts.input_tokens - cached) * self.input + cached * per_cached + counts.output_tokens * self.output
        return whole / PER


class Cost(NamedTuple):
    """Money, and whether it is for all tokens. None when none of them has a price."""

    amount: Decimal | None
    complete: bool


class Prices(Model):
    """By model. An entry that ends in * stands for all names that begin so; the longest one counts."""

    currency: Annotated[str, Field(min_length=1, max_length=16)] = "USD"
    models: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=128)], ModelPrice], Field(max_length=PRICES_LIMIT)
    ] = Field(default_factory=dict)

    def price_of(self, model: str) -> ModelPrice | None:
        if found := self.models.get(model):
            return found
        patterns = (name for name in self.models if name.endswith("*") and model.startswith(name[:-1]))
        best = max(patterns, key=len, default=None)
        return self.models[best] if best else None

    def cost_of(self, usage: Usage) -> Cost:
        """What a firing cost. Tokens that no model's counts have are those of an unknown model."""
        amount, complete = None, True
        for name, counts in by_model(usage).items():
            counted = counts.input_tokens + counts.output_tokens
            if counted and (price := self.price_of(name)):
                amount = (amount or Decimal()) + price.of(counts)
            elif counted:
                complete = False
            # Of tokens that are only in the total, nobody knows which price is theirs.
            complete &= counts.total_tokens <= counted
        if amount is None and complete:
            amount = Decimal()  # no tokens were used
        return Cost(amount, complete)


NO_PRICES = Prices()


@dataclass(frozen=True)
class Ledger:
    """What the installation says about money: prices, and the template of addresses of traces."""

    prices: Prices = NO_PRICES
    trace_url: str = ""

    @property
    def currency(self) -> str | None:
        return self.prices.currency if self.prices.models else None


NO_LEDGER = Ledger()


def by_model(usage: Usage) -> dict[str, TokenCounts]:
    """The tokens by model, so that the sums are all of them."""
    found = dict(usage.models)
    rest = {
        field: max(0, getattr(usage, field) - sum(getattr(counts, field) for counts in found.values()))
        for field in TokenCounts.model_fields
    }
    if rest["input_tokens"] or rest["output_tokens"] or rest["total_tokens"]:
        known = found.get(UNKNOWN_MODEL, TokenCounts())
        found[UNKNOWN_MODEL] = TokenCounts(**{field: number + getattr(known, field) for field, number in rest.items()})
    return found


def written(amount: Decimal) -> str:
    """As a status has it (`usage.Amount`): no exponent, no trailing zeros, at most nine decimals."""
    rounded = min(max(amount, Decimal()), _MOST).quantize(_SMALLEST, ROUND_HALF_UP)
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return text or "0"


def read_amount(text: str | None) -> Decimal:
    """A recorded amount; nothing for none."""
    return Decimal(text) if text else Decimal()
