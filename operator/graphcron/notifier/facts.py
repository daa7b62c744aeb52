"""What is so of a GraphCron, by event: conditions that hold, and firings that ended. Pure."""

from datetime import datetime
from typing import NamedTuple

from graphcron.resource.notify import Happening
from graphcron.resource.status import Condition, GraphCronStatus, HistoryEntry

OUTCOMES: dict[Happening, str] = {
    "Failed": "Failed",
    "Missed": "Missed",
    "WaitingForInput": "WaitingForInput",
    "Succeeded": "Succeeded",
}
"""The events that are firings, with their outcome. All others are conditions, and Recovered."""

REPEATED: tuple[Happening, ...] = ("Failed", "Missed")
"""Those of which several in a row have one cause."""

_INTENDED = frozenset(("Paused", "Expired", "Completed", "OverBudget"))
"""Reasons of Suspended that somebody wanted, or that are an event of their own."""


class Fact(NamedTuple):
    """A condition that holds."""

    since: datetime
    reason: str
    message: str


def condition(status: GraphCronStatus, kind: str) -> Condition | None:
    """The condition of that type."""
    return next((one for one in status.conditions or [] if one.type == kind), None)


def fact(status: GraphCronStatus, event: Happening) -> Fact | None:
    """The condition of an event; None when it does not hold."""
    ready, found = condition(status, "Ready"), condition(status, event)
    if event == "NotStarting":
        found = ready if ready and ready.status == "False" and ready.reason == "NotStarting" else None
    elif event == "Suspended":
        found = found if found and found.reason not in _INTENDED else None
    elif found is not None and found.status != "True":
        found = None
    return Fact(found.last_transition_time, found.reason, found.message) if found else None


def is_judged(status: GraphCronStatus) -> bool:
    """Whether the operator has said how it is: that a condition is not there means something only then."""
    return condition(status, "Ready") is not None


def total(status: GraphCronStatus, event: Happening) -> int:
    """How many firings of that outcome there were."""
    counts = status.firings
    return (getattr(counts, counts.name_of(OUTCOMES[event]), 0) or 0) if counts else 0


def entries(status: GraphCronStatus, event: Happening) -> list[HistoryEntry]:
    """The last firings of that outcome, the newest first."""
    return [entry for entry in status.history or [] if entry.outcome == OUTCOMES[event]]


def ended(entry: HistoryEntry) -> datetime:
    """When it ended, as far as that is known."""
    return entry.finished_at or entry.last_scheduled_time or entry.scheduled_time


def number_since(status: GraphCronStatus, event: Happening, moment: datetime) -> int | None:
    """How many ended at that time or later; None when they are more than the history tells."""
    history = status.history or []
    if len(history) >= 10 and ended(history[-1]) >= moment:
        return None
    return sum(entry.count or 1 for entry in entries(status, event) if ended(entry) >= moment)


def in_a_row(status: GraphCronStatus, new: int) -> int:
    """The most failures in a row of which at least one is among the last `new` ones."""
    best, row = status.consecutive_failures or 0, 0
    for entry in status.history or []:  # from the newest on
        if entry.outcome == "Failed":
            row += 1
            best = max(best, row)
        elif entry.outcome == "Succeeded":
            new -= row
            row = 0
            if new <= 0:
                break
    return best


def row_began(status: GraphCronStatus, event: Happening) -> datetime | None:
    """When the row of firings of that outcome began, as far back as the history goes."""
    began = None
    for entry in status.history or []:
        if entry.outcome == OUTCOMES[event]:
            began = entry.scheduled_time if event == "Missed" else ended(entry)
        elif entry.outcome in ("Succeeded", "Failed") and began:
            break
    return began


def is_over(status: GraphCronStatus, event: Happening, since: datetime) -> bool:
    """Whether what was told since then has come to its end."""
    if event == "Failed":
        return not status.consecutive_failures and _succeeded_after(status, since)
    if event in OUTCOMES or event == "Recovered":
        return False
    return is_judged(status) and fact(status, event) is None


def same_row(status: GraphCronStatus, event: Happening, since: datetime) -> bool:
    """Whether firings of that outcome still follow each other since then."""
    return not _succeeded_after(status, since)


def _succeeded_after(status: GraphCronStatus, moment: datetime) -> bool:
    return status.last_successful_time is not None and status.last_successful_time >= moment
