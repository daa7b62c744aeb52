"""Statuses of GraphCrons that used something, as an operator leaves them."""

from datetime import datetime, timedelta
from typing import Any

from tests.support.console_source import NOW, cron, utc

MONTH, WEEK, TODAY = "2026-11-01T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z"
"""When the windows of `console_source.NOW` began, in UTC."""


def usage(tokens: int, **models: int) -> dict[str, Any]:
    """`models` are tokens by model."""

    def counts(number: int) -> dict[str, int]:
        return {"inputTokens": number, "outputTokens": 0, "totalTokens": number, "cachedTokens": 0}

    named = {name: counts(number) for name, number in models.items()}
    return counts(tokens) | {"models": named, "source": "FinalState", "complete": True}


def ended(ago: timedelta, tokens: int | None = None, cost: str | None = None, **more: Any) -> dict[str, Any]:
    """A firing that ended so long ago. `more` are further fields of it."""
    at = NOW - ago
    entry: dict[str, Any] = {
        "scheduledTime": utc(at),
        "startedAt": utc(at),
        "finishedAt": utc(at),
        "outcome": "Succeeded",
    }
    entry |= {"reason": "RunSucceeded"} | ({"usage": usage(tokens)} if tokens is not None else {})
    return entry | ({"cost": cost} if cost is not None else {}) | more


def window(since: str | datetime, firings: int = 0, tokens: int = 0, cost: str | None = None, unknown: int = 0) -> Any:
    found: dict[str, Any] = {"since": since if isinstance(since, str) else utc(since), "firings": firings}
    found |= {"tokens": tokens} | ({"cost": cost} if cost is not None else {})
    return found | ({"incomplete": unknown} if unknown else {})


def spending(
    today: tuple[Any, ...] = (),
    week: tuple[Any, ...] = (),
    month: tuple[Any, ...] = (),
    currency: str | None = "USD",
) -> dict[str, Any]:
    """Windows of now, each by firings, tokens, cost and incomplete ones."""
    found = {"today": window(TODAY, *today), "week": window(WEEK, *week), "month": window(MONTH, *month)}
    return found | ({"currency": currency} if currency else {})


def spender(name: str, spent: dict[str, Any] | None = None, *history: Any, **more: Any) -> dict[str, Any]:
    """A GraphCron that fires at 9:00 each day: three times more until the end of the month."""
    status = more.pop("status", {}) | ({"spending": spent} if spent else {})
    return cron(name, history=history, status=status, **{"schedule": "0 9 * * *"} | more)
