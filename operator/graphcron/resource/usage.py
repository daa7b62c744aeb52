"""What firings use: tokens of models, what they cost, and the sums of a day, a week and a month."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from graphcron.firing import usage
from graphcron.firing.usage import MODEL_NAME_LIMIT, MODELS_LIMIT
from graphcron.firing.usage import TOKEN_COUNT_LIMIT as TOKEN_COUNT_LIMIT
from graphcron.resource.fields import Model, Time

AMOUNT_LIMIT = 32
"""Characters."""
AMOUNT = r"^[0-9]{1,15}(\.[0-9]{1,9})?$"


def _bounded(value: object) -> object:
    """Of a status that somebody else wrote: the nearest possible number is as good."""
    return min(max(value, 0), TOKEN_COUNT_LIMIT) if isinstance(value, int) else value


TokenCount = Annotated[int, Field(ge=0, le=TOKEN_COUNT_LIMIT), BeforeValidator(_bounded)]
Amount = Annotated[str, Field(pattern=AMOUNT, max_length=AMOUNT_LIMIT)]
"""Money in the currency of the installation's prices, as a decimal number in a text: `0.0123`. Kubernetes' conventions
advise against floating point."""


class TokenCounts(Model):
    """Tokens that calls of models used, as their providers count them."""

    input_tokens: TokenCount = Field(0, description="Tokens of the prompts, cached ones among them.")
    output_tokens: TokenCount = Field(0, description="Tokens of the answers.")
    total_tokens: TokenCount = Field(0, description="Both together.")
    cached_tokens: TokenCount = Field(0, description="Tokens of the prompts that the provider read from its cache.")


UsageSource = Literal["Callback", "Stream", "FinalState"]


class Usage(TokenCounts):
    """Tokens that a firing used. Unknown is not zero: a firing of which nothing is known has no usage."""

    models: Annotated[
        dict[Annotated[str, Field(max_length=MODEL_NAME_LIMIT)], TokenCounts], Field(max_length=MODELS_LIMIT + 1)
    ] = Field(default_factory=dict, description="Tokens by model. Those of other models are together.")
    source: UsageSource = Field(
        description="How it is known: by a callback within the run pod, from the run's stream, or from the messages of "
        "the run's last state."
    )
    complete: bool = Field(description="Whether these are all tokens of the firing. If not, it used at least these.")


class Spent(Model):
    """What firings used."""

    firings: TokenCount = Field(0, description="Firings that ended, except skipped and missed ones.")
    tokens: TokenCount = Field(0, description="Tokens that they used, as far as it is known. Absent when nothing is.")
    cost: Amount | None = Field(None, description="What the tokens cost that have a price. Absent without prices.")
    incomplete: TokenCount | None = Field(
        None, description="Firings whose usage or price is unknown, or known only in part. Absent when there are none."
    )

    @model_serializer(mode="wrap")
    def _unknown_is_not_zero(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = written(self)
        if self.incomplete and not self.tokens:
            fields.pop("tokens", None)
        return fields


class SpendingWindow(Spent):
    """What the firings that ended in one day, week or month used."""

    since: Time = Field(description="When it began, by the time zone of the GraphCron.")


class BackfillSpent(Spent):
    """What the firings of one backfill used, as far as it is in the sums."""

    uid: Annotated[str, Field(max_length=64)] = Field(description="UID of the backfill.")
    started_at: Time = Field(description="When it began.")


BACKFILLS_LIMIT = 8
"""Backfills of one GraphCron run one after another, so that one older than so many others has ended."""


class Spending(Model):
    """What the GraphCron used. Each window is as it was when a firing last ended: one that has passed is over."""

    today: SpendingWindow = Field(description="The day in which a firing last ended.")
    week: SpendingWindow = Field(description="Its week, from Monday on.")
    month: SpendingWindow = Field(description="Its month.")
    currency: Annotated[str, Field(max_length=16)] | None = Field(
        None, description="Currency of the costs, as the installation's prices name it."
    )
    backfills: Annotated[list[BackfillSpent], Field(max_length=BACKFILLS_LIMIT)] | None = Field(
        None, description="How much of its last backfills is in these sums, so that nothing counts twice."
    )


def read_usage(reported: object) -> Usage | None:
    """What a run pod reported, as a status has it. None when it cannot be read."""
    used = usage.read_usage(reported)
    return Usage.model_validate(used) if used else None
