"""What may be used in a window, and what to say and do when it is. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from graphcron.operator.reasons import BUDGET_EXCEEDED, OVER_BUDGET
from graphcron.resource.budget import amount_of
from graphcron.resource.usage import SpendingWindow


class Limit(NamedTuple):
    """What may be used: a number of tokens, or an amount of money."""

    amount: Decimal
    is_money: bool

    @classmethod
    def of(cls, tokens: int | None, cost: object) -> "Limit | None":
        """None when there is none."""
        if tokens is not None:
            return cls(Decimal(tokens), is_money=False)
        return cls(amount, is_money=True) if (amount := amount_of(cost)) else None

    def used(self, window: SpendingWindow) -> Decimal:
        return Decimal(window.cost or 0) if self.is_money else Decimal(window.tokens)

    def is_unpriced(self, window: SpendingWindow) -> bool:
        """Whether it limits money, and none of what was used has a price."""
        return self.is_money and window.cost is None and window.tokens > 0

    def written(self, amount: Decimal, currency: str | None) -> str:
        number = f"{amount.normalize():,f}"
        return f"{number} {currency}" if self.is_money and currency else number if self.is_money else f"{number} tokens"


class Exceeded(NamedTuple):
    """A budget that is used up: the sentence about it, when its window ends, and what follows until then."""

    message: str
    ends: datetime
    action: Literal["Suspend", "Skip", "Notify"] = "Suspend"
    sum: str = ""
    """The part of the message that grows with the firings of other GraphCrons."""

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

    def steady(self, told: str | None) -> "Exceeded":
        """The same with the message that was told, when only the sum differs: else each firing of one GraphCron would
        be a write for all that share the budget."""
        if not self.sum or not told:
            return self
        before, _, after = self.message.partition(self.sum)
        if not (told.startswith(before) and told.endswith(after)):
            return self
        return self._replace(message=told)


class Shared(NamedTuple):
    """What budgets of the installation say about one GraphCron."""

    exceeded: Exceeded | None = None
    not_held: tuple[str, str] | None = None
    """Reason and message of one that limits nothing."""


NOT_SHARED = Shared()
