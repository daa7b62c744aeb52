"""What somebody has to act on comes first."""

import pytest

from graphcron.views.urgency import Urgency, urgency


def condition(kind: str, status: str = "True", reason: str = "Scheduled") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason}


READY = condition("Ready")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], Urgency.PENDING),
        ([READY], Urgency.WORKING),
        ([condition("Ready", "False", "InvalidSpec"), condition("Stalled")], Urgency.BROKEN),
        ([READY, condition("LastRunSucceeded", "False")], Urgency.FAILING),
        ([READY, condition("LastRunSucceeded"), condition("WaitingForInput")], Urgency.FAILING),
        ([READY, condition("RunsEnding", "False")], Urgency.FAILING),
        ([condition("Ready", reason="Paused"), condition("Suspended")], Urgency.OFF),
        ([condition("Ready", reason="Expired")], Urgency.OFF),
    ],
)
def test_it_follows_from_the_conditions(conditions: list[dict[str, str]], expected: Urgency) -> None:
    status = {"observedGeneration": 2, "conditions": conditions}
    assert urgency({"metadata": {"generation": 2}, "status": status}) == expected
    assert urgency({"metadata": {"generation": 3}, "status": status}) == Urgency.PENDING
    assert expected.needs_attention == (expected < Urgency.PENDING)
