"""What the OpenAPI document says of tokens and money. Pure."""

from uuid import UUID

from pydantic import BaseModel, Field

from graphcron.resource.usage import UsageSource
from graphcron.views.costs import By


class Tokens(BaseModel):
    """Tokens that calls of models used, as their providers count them."""

    input_tokens: int = Field(description="Tokens of the prompts, cached ones among them.", ge=0)
    output_tokens: int = Field(description="Tokens of the answers.", ge=0)
    total_tokens: int = Field(description="Both together.", ge=0)
    cached_tokens: int = Field(description="Tokens of the prompts that the provider read from its cache.", ge=0)


class FiringUsage(Tokens):
    """Tokens that a firing used."""

    models: dict[str, Tokens] = Field(description="Tokens by model.")
    source: UsageSource = Field(description="How it is known.")
    complete: bool = Field(description="Whether these are all tokens of the firing. If not, it used at least these.")


class CostSum(BaseModel):
    """What some firings used. With `incomplete` ones, all of them together used more than this."""

    firings: int = Field(description="Firings that ended, except skipped and missed ones.", ge=0)
    tokens: int = Field(description="Tokens that they used, as far as it is known.", ge=0)
    costs: dict[str, str] = Field(
        description="What the tokens cost that have a price, as decimal numbers by currency. Empty without prices."
    )
    incomplete: int = Field(description="Firings whose usage or price is unknown, or known only in part.", ge=0)


class CronSpending(BaseModel):
    """What a cron used, by its own time zone. Firings count when they end."""

    today: CostSum = Field(description="Today.")
    week: CostSum = Field(description="This week, from Monday on.")
    month: CostSum = Field(description="This month.")
    forecast: CostSum = Field(description="What the month will come to: so far, and the firings left at their mean.")
    currency: str | None = Field(description="Currency of the installation's prices.")


class CronForecast(BaseModel):
    """What an average month of the schedule comes to, by the recorded firings whose usage is known."""

    firings_per_month: float = Field(description="Firings of an average month, while it is on.", ge=0)
    tokens_per_month: int | None = Field(description="Tokens of these; null when nothing is known.")
    cost_per_month: str | None = Field(description="Money, as a decimal number; null when nothing is known.")
    currency: str | None = Field(description="Currency of the installation's prices.")
    based_on: int = Field(description="Firings whose usage is known: the means are theirs.", ge=0)
    at_least: bool = Field(description="Whether some of these are known only in part, so that it will be more.")
    message: str = Field(description="The forecast in sentences.")


class CostRow(BaseModel):
    """One row. By model and by day only `month` is known; the cron is named in a row of one."""

    name: str = Field(description="Name of the cron for people, owner, namespace, model or date; empty for no owner.")
    cron_id: UUID | None = Field(description="ID of the cron.")
    graphcron: str | None = Field(description="Name of the GraphCron in Kubernetes.")
    namespace: str | None = Field(description="Its namespace.")
    today: CostSum | None = Field(description="Today.")
    week: CostSum | None = Field(description="This week, from Monday on.")
    month: CostSum = Field(description="This month.")
    forecast: CostSum | None = Field(description="What the month will come to.")


class CostTotal(BaseModel):
    """All of the caller's crons together."""

    today: CostSum = Field(description="Today.")
    week: CostSum = Field(description="This week, from Monday on.")
    month: CostSum = Field(description="This month.")
    forecast: CostSum = Field(description="What the month will come to.")


class CostReport(BaseModel):
    """What the caller's crons used: rows, the dearest first, and all together. Up to a minute old."""

    by: By = Field(description="What a row is.")
    total: CostTotal = Field(description="All crons, also those without a row here.")
    rows: list[CostRow] = Field(
        description="By model and by day they come from the ten firings that are kept of each cron; the row "
        "`(other firings)` has all others."
    )
    number_of_rows: int = Field(description="How many there are.", ge=0)
