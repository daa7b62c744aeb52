"""Budgets: how many tokens, or how much money, firings may use in a day, a week or a month."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from graphcron.resource.fields import Model
from graphcron.resource.usage import AMOUNT, AMOUNT_LIMIT, TOKEN_COUNT_LIMIT

ONE_LIMIT = "budget takes tokens or cost, not both: remove one"
NEEDS_A_LIMIT = "budget needs tokens, cost or perRun"
COST = "must be an amount greater than 0, such as 5 or, in quotes, '4.50'"


def amount_of(value: object) -> Decimal | None:
    """A positive amount of money; None for what is none. It is written as the CRD has it, and no other way that Python
    would read: not 1e3, 1_000 or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(AMOUNT, str(value)):
        return None
    return found if (found := Decimal(value)) > 0 else None


def _checked(value: object) -> object:
    if amount_of(value) is None:
        raise ValueError(COST)
    return value


Cost = Annotated[
    Any,
    PlainValidator(_checked),
    WithJsonSchema(
        {
            "type": ["integer", "string"],
            "minimum": 0,
            "maxLength": AMOUNT_LIMIT,
            "pattern": AMOUNT,
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                {
                    "rule": f"type(self) == int ? self > 0 : self.matches('{AMOUNT}') && double(self) > 0.0".replace(
                        "\\", "\\\\"
                    ),
                    "message": COST,
                }
            ],
        }
    ),
]
"""Money, in the currency of the installation's prices."""

Tokens = Annotated[int, Field(ge=1, le=TOKEN_COUNT_LIMIT)]


class SharedBudget(Model):
    """What the firings of many GraphCrons may use together, as the installation says."""

    tokens: Tokens | None = None
    cost: Cost | None = None
    per: Literal["Day", "Week", "Month"] | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.tokens is None) == (self.cost is None):
            raise ValueError("needs tokens or cost, and not both")
        return self


class SharedBudgets(Model):
    """Those of the installation: for each namespace, for each owner, and for all together."""

    namespace: SharedBudget | None = None
    owner: SharedBudget | None = None
    installation: SharedBudget | None = None


class RunBudget(Model):
    """What one run may use."""

    tokens: Tokens = Field(description="Tokens of one run. It is cancelled when its stream shows that it used more.")


class Budget(Model):
    """What the firings may use. Firings that are under way when it is used up are not stopped."""

    tokens: Tokens | None = Field(None, description="Tokens in the window. Excludes cost.")
    cost: Cost | None = Field(
        None, description="Money in the window, in the currency of the installation's prices. Excludes tokens."
    )
    per: Literal["Day", "Week", "Month"] | None = Field(
        None, description="The window, in the time zone of the schedule. A week begins on Monday. Default: Month."
    )
    per_run: RunBudget | None = Field(None, description="Limit of each run.")
    on_exceeded: Literal["Suspend", "Skip", "Notify"] | None = Field(
        None,
        description="What happens when it is used up, until the window ends: the schedule is suspended, each firing is "
        "skipped and recorded, or it only shows in the status. Default: Suspend.",
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "!has(self.tokens) || !has(self.cost)", "message": ONE_LIMIT},
                {"rule": "has(self.tokens) || has(self.cost) || has(self.perRun)", "message": NEEDS_A_LIMIT},
            ]
        }
    )

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.tokens is not None and self.cost is not None:
            raise ValueError(ONE_LIMIT)
        if self.tokens is None and self.cost is None and self.per_run is None:
            raise ValueError(NEEDS_A_LIMIT)
        return self
