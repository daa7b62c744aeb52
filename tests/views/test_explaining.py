"""`graphcron explain` says the first thing that is wrong on the way of a firing, and what to do about it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.resource.firing_guide import REASONS
from graphcron.resource.reason_guide import STATES
from graphcron.views.explaining import Facts, Step, explain

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def condition(kind: str, reason: str, message: str = "words") -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def last_step(cron_job: dict[str, Any] | None = None, *, without: bool = False, **status: Any) -> Step:
    """The step at which the explanation of a GraphCron ends, which is right unless its status says otherwise."""
    graphcron = {
        "metadata": {"name": "report", "namespace": "team", "generation": 2},
        "spec": {"schedule": "0 9 * * *"},
        "status": {
            "observedGeneration": 2,
            "conditions": [condition("Ready", "Scheduled")],
            "nextRunTimes": ["2030-01-02T09:00:00Z"],
        }
        | status,
    }
    live = None if without else cron_job or {"spec": {"suspend": False}, "status": {}}
    return explain(Facts(graphcron, live, NOW))[-1]


def test_all_is_well() -> None:
    step = last_step()
    assert (step.name, step.passed) == ("last firing", True)


def test_no_operator_works_here() -> None:
    step = last_step(observedGeneration=1)
    assert (step.name, step.passed) == ("operator", False)
    assert "namespace team" in step.todo


@pytest.mark.parametrize(
    ("kind", "reason", "step", "todo"),
    [
        ("Stalled", "InvalidSchedule", "spec", "The message says what to write instead."),
        ("Suspended", "Paused", "schedule", STATES["Paused"].todo),
        ("RunsStarting", "ImagePullBackOff", "run pods", STATES["NotStarting"].todo),
    ],
)
def test_a_condition_stops_it_with_its_message_and_what_to_do(kind: str, reason: str, step: str, todo: str) -> None:
    found = last_step(conditions=[condition("Ready", reason), condition(kind, reason)])
    assert (found.name, found.passed, found.todo) == (step, False, todo)
    assert found.sentence == f"{reason}: words"


def test_what_is_expected_and_not_so_is_the_last_step() -> None:
    step = last_step(conditions=[condition("Ready", "Scheduled"), condition("Overdue", "NoSuccessInTime")])
    assert (step.name, step.passed, step.sentence) == ("expectations", False, "Overdue: words")
    assert "a success ends it" in step.todo


def test_there_is_no_cronjob() -> None:
    assert last_step(without=True).sentence == "there is no CronJob report"


def test_somebody_suspended_the_cronjob() -> None:
    step = last_step({"spec": {"suspend": True}})
    assert (step.name, step.passed) == ("CronJob", False)


@pytest.mark.parametrize(("next_time", "late"), [("2030-01-01T11:57:59Z", True), ("2030-01-01T11:58:01Z", False)])
def test_a_scheduled_time_that_is_two_minutes_past_is_the_cronjob_controllers(next_time: str, late: bool) -> None:
    step = last_step(nextRunTimes=[next_time])
    assert (step.name == "CronJob controller" and not step.passed) is late


def test_the_last_firing_failed() -> None:
    failed = {
        "scheduledTime": "2030-01-01T09:00:00Z",
        "outcome": "Failed",
        "reason": "ThreadNotFound",
        "message": "gone",
    }
    step = last_step(history=[failed, failed | {"outcome": "Succeeded"}])
    assert (step.name, step.passed) == ("last firing", False)
    assert step.sentence == "2030-01-01T09:00:00Z (3h ago): Failed, ThreadNotFound: gone"
    assert step.todo == "Create the thread again, or delete the GraphCron."


def ended(outcome: str, reason: str) -> dict[str, Any]:
    return {"scheduledTime": "2030-01-01T09:00:00Z", "outcome": outcome, "reason": reason}


def test_the_last_firing_succeeded() -> None:
    assert last_step(history=[ended("Succeeded", "RunSucceeded")]).passed


@pytest.mark.parametrize(
    ("outcome", "reason"), [*(("Skipped", reason) for reason in REASONS["Skipped"]), ("Replaced", "Replaced")]
)
def test_a_firing_that_did_as_the_spec_says_is_no_fault(outcome: str, reason: str) -> None:
    step = last_step(history=[ended(outcome, reason) | {"message": "words"}])
    assert step == Step("last firing", True, f"2030-01-01T09:00:00Z (3h ago): {outcome}, {reason}: words")


FAULTS = [
    (outcome, reason)
    for outcome in ("Failed", "WaitingForInput", "Missed", "Replaced")
    for reason in REASONS[outcome]
    if (outcome, reason) != ("Replaced", "Replaced")
]


@pytest.mark.parametrize(("outcome", "reason"), FAULTS)
def test_any_other_is_one_with_the_advice_of_its_outcome(outcome: str, reason: str) -> None:
    step = last_step(history=[ended(outcome, reason)])
    assert not step.passed
    assert step.todo.startswith(REASONS[outcome][reason].todo.partition("[")[0])
