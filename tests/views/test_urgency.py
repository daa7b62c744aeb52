"""What somebody has to act on comes first."""

import pytest

from graphcron.views.urgency import Urgency, urgency, why


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
        ([READY, condition("LastRunSucceeded"), condition("Overdue")], Urgency.FAILING),
        ([condition("Ready", reason="Paused"), condition("Suspended")], Urgency.OFF),
        ([condition("Ready", reason="PausedByAdministrator"), condition("Suspended")], Urgency.OFF),
        ([condition("Ready", reason="Expired")], Urgency.OFF),
    ],
)
def test_it_follows_from_the_conditions(conditions: list[dict[str, str]], expected: Urgency) -> None:
    status = {"observedGeneration": 2, "conditions": conditions}
    assert urgency({"metadata": {"generation": 2}, "status": status}) == expected
    assert urgency({"metadata": {"generation": 3}, "status": status}) == Urgency.PENDING
    assert expected.needs_attention == (expected < Urgency.PENDING)


def told(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return condition(kind, status, reason) | {"message": message}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], ""),
        ([told("Ready", "True", "Scheduled", "fires")], ""),
        ([told("Ready", "True", "Paused", "Paused: holidays"), condition("Suspended")], "Paused: holidays"),
        ([told("Ready", "False", "InvalidSpec", "spec.input: required"), condition("Stalled")], "spec.input: required"),
        (
            [told("Ready", "True", "Scheduled", "fires"), told("LastRunSucceeded", "False", "RunError", "no model")],
            "RunError: no model",
        ),
        (
            [
                told("Ready", "True", "Scheduled", "fires"),
                told("WaitingForInput", "True", "RunInterrupted", "thread t"),
            ],
            "It waits for input: thread t",
        ),
        (
            [told("Ready", "True", "Scheduled", "fires"), told("RunsEnding", "False", "SidecarRunning", "proxy")],
            "SidecarRunning: proxy",
        ),
        (
            [
                told("Ready", "True", "Scheduled", "fires"),
                told("LastRunSucceeded", "True", "RunSucceeded", ""),
                told("Slow", "True", "NotFinishedInTime", "Took 20m."),
                told("Overdue", "True", "NoSuccessInTime", "None since Monday."),
            ],
            "Overdue: None since Monday. Slow: Took 20m.",
        ),
        (
            [
                told("Ready", "True", "Scheduled", "fires"),
                told("LastRunSucceeded", "False", "RunError", "no model"),
                told("Overdue", "True", "NoSuccessInTime", "None since Monday."),
            ],
            "RunError: no model",
        ),
    ],
)
def test_what_a_list_says_of_it(conditions: list[dict[str, str]], expected: str) -> None:
    status = {"observedGeneration": 2, "conditions": conditions}
    assert why({"metadata": {"generation": 2}, "status": status}) == expected
