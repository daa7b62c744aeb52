"""Notifications: what a GraphCron tells through which channel (spec.notify)."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from graphcron.resource.fields import Model, ObjectName, Time

Happening = Literal[
    "Failed",
    "Recovered",
    "Missed",
    "NotStarting",
    "Overdue",
    "Late",
    "Slow",
    "WaitingForInput",
    "Stalled",
    "Suspended",
    "OverBudget",
    "Succeeded",
]
"""What a notification can be about."""
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)

RULES_LIMIT = 10
NOTIFICATIONS_LIMIT = 64
"""Records of a status: one for each happening that a channel tells."""
AFTER_LIMIT = 1000

TOO_MANY = f"notify names more than {NOTIFICATIONS_LIMIT} events in all: remove some"

Events = Annotated[list[Happening], Field(min_length=1, max_length=len(HAPPENINGS))]
"""The field is not called `on`, which YAML 1.1, and so kubectl and Helm, reads as true."""
After = Annotated[int, Field(ge=1, le=AFTER_LIMIT)]


class NotifyRule(Model):
    """One channel, and what it tells of this GraphCron."""

    events: Events = Field(
        description="What is told. Recovered is told once, when what was told through the same channel is over."
    )
    channel: ObjectName = Field(description="Name of a GraphCronChannel in the same namespace.")
    after: After | None = Field(None, description="Failed is told after this many failed firings in a row. Default: 1.")
    muted_until: Time | None = Field(
        None, description="Nothing is told before this time; then what holds by then, and not what has passed."
    )


def _not_too_many(rules: list[NotifyRule]) -> list[NotifyRule]:
    if sum(len(rule.events) for rule in rules) > NOTIFICATIONS_LIMIT:
        raise ValueError(TOO_MANY)
    return rules


Notify = Annotated[
    list[NotifyRule],
    AfterValidator(_not_too_many),
    Field(
        max_length=RULES_LIMIT,
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": f"self.map(rule, rule.events.size()).sum() <= {NOTIFICATIONS_LIMIT}", "message": TOO_MANY}
            ]
        },
    ),
]
