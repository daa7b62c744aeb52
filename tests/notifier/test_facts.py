"""What is so of a GraphCron, from its status alone."""

from typing import Any

import pytest

from graphcron.notifier import facts
from graphcron.resource.status import read_status
from tests.support.told_cron import START


def status(outcomes: str, **more: Any) -> Any:
    """The newest firing first: F failed, S succeeded, M missed."""
    names = {"F": "Failed", "S": "Succeeded", "M": "Missed"}
    history = [
        {
            "scheduledTime": f"2026-12-01T11:{59 - number}:00Z",
            "finishedAt": f"2026-12-01T11:{59 - number}:30Z",
            "outcome": names[letter],
            "reason": "R",
        }
        for number, letter in enumerate(outcomes)
    ]
    return read_status({"history": history} | more)


@pytest.mark.parametrize(
    ("outcomes", "new", "longest"),
    [("FFS", 2, 2), ("SFFF", 3, 3), ("SFSFF", 1, 1), ("SFSFF", 3, 2), ("", 0, 0), ("SMFMF", 2, 2)],
)
def test_the_longest_row_of_new_failures(outcomes: str, new: int, longest: int) -> None:
    assert facts.in_a_row(status(outcomes), new) == longest


def test_failures_beyond_the_history_are_known_by_their_number() -> None:
    assert facts.in_a_row(status("F" * 10, consecutiveFailures=42), 1) == 42


def test_a_full_history_does_not_know_how_many_there_were() -> None:
    hour_ago = START.replace(hour=11, minute=0)
    assert facts.number_since(status("F" * 10), "Failed", hour_ago) is None
    assert facts.number_since(status("FFS"), "Failed", hour_ago) == 2
    assert facts.number_since(status("F" * 10), "Failed", START.replace(hour=11, minute=57)) == 3


def test_when_a_row_began() -> None:
    assert facts.row_began(status("FFS"), "Failed") == START.replace(hour=11, minute=58, second=30)
    assert facts.row_began(status("S"), "Failed") is None


def test_nothing_is_over_before_the_operator_has_said_so() -> None:
    assert not facts.is_over(status(""), "Overdue", START)
    ready = {"type": "Ready", "status": "True", "reason": "Scheduled", "lastTransitionTime": "2026-12-01T10:00:00Z"}
    assert facts.is_over(status("", conditions=[ready]), "Overdue", START)
    assert not facts.is_over(status("", conditions=[ready]), "Missed", START)
