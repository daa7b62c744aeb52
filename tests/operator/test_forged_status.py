"""A status that somebody else has written: what can be known better is, and nothing of it breaks or stops a cron."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.reconcile import conclude
from graphcron.resource.status import COUNT_LIMIT
from tests.support.world import World, at

SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1"})
FAILED = json.dumps({"outcome": "Failed", "reason": "RunError", "message": "no"})
ONE_EACH = {"succeeded": 1, "failed": 1, "skipped": 0, "missed": 0}


@pytest.fixture
def world(world: World) -> World:
    """One run that failed, and one that succeeded."""
    world.edit(maxFailures=3)
    world.reconcile("10:05")
    world.fire("11:00", "Failed", FAILED, reason="PodFailurePolicy")
    world.reconcile("11:01")
    world.fire("12:00", "Complete", SUCCEEDED)
    world.reconcile("12:01")
    assert world.graphcron["status"]["firings"] == ONE_EACH
    return world


def forge(world: World, **status: Any) -> None:
    world.graphcron["status"] |= status
    forger = {"manager": "kubectl-patch", "operation": "Update", "subresource": "status"}
    world.graphcron["metadata"]["managedFields"].append(forger)


def after_one_more(world: World) -> Any:
    world.fire("13:00", "Complete", SUCCEEDED)
    world.reconcile("13:01")
    return world.graphcron["status"]


FORGED_FAILURES = (3, 999, 10**30, -7)


@pytest.mark.parametrize("failures", FORGED_FAILURES)
def test_failures_that_the_history_does_not_show_suspend_nothing(world: World, failures: int) -> None:
    forge(world, consecutiveFailures=failures)
    world.reconcile("12:02")
    assert world.condition("Ready")["reason"] == "Scheduled"
    assert "consecutiveFailures" not in world.graphcron["status"]


def test_failures_of_a_full_history_count_all_the_same(world: World) -> None:
    """More than ten are known by their number alone."""
    world.edit(maxFailures=12, schedule="* * * * *")
    world.reconcile("12:02")
    for minute in range(3, 15):
        world.fire(f"12:{minute:02}", "Failed", FAILED, reason="PodFailurePolicy")
        world.reconcile(f"12:{minute:02}:30")
    assert world.condition("Ready")["reason"] == "MaxFailuresReached"
    assert world.graphcron["status"]["consecutiveFailures"] == 12


@pytest.mark.parametrize("count", [-5, 0])
def test_counts_are_never_less_than_the_history(world: World, count: int) -> None:
    forge(world, firings=dict.fromkeys(ONE_EACH, count))
    assert after_one_more(world)["firings"] == ONE_EACH | {"succeeded": 2}


@pytest.mark.parametrize("count", [COUNT_LIMIT, 2**63 - 1, 10**30])
def test_a_count_beyond_all_bounds_stays_writable(world: World, count: int) -> None:
    forge(world, firings=ONE_EACH | {"succeeded": count})
    assert after_one_more(world)["firings"]["succeeded"] == COUNT_LIMIT


def test_a_removed_status_is_made_of_what_is_there(world: World) -> None:
    del world.graphcron["status"]
    world.reconcile("12:02")
    assert world.graphcron["status"]["firings"] == ONE_EACH
    assert len(world.graphcron["status"]["history"]) == 2


def unreadable_history(status: dict[str, Any]) -> None:
    status["history"][0]["outcome"] = "OfAnotherVersion"


def unreadable_conditions(status: dict[str, Any]) -> None:
    status["conditions"] = "from another age"


def unknown_field(status: dict[str, Any]) -> None:
    status["ofAnotherVersion"] = {}


@pytest.mark.parametrize("spoil", [unreadable_history, unreadable_conditions, unknown_field])
def test_one_field_that_cannot_be_read_costs_no_other(world: World, spoil: Callable[[dict[str, Any]], None]) -> None:
    forge(world, firings={"succeeded": 70, "failed": 1, "skipped": 0, "missed": 0})
    spoil(world.graphcron["status"])
    status = after_one_more(world)
    assert status["firings"]["succeeded"] >= 71
    assert "ofAnotherVersion" not in status
    assert [entry["outcome"] for entry in status["history"]] == ["Succeeded", "Succeeded", "Failed"]


def to_come(minute: int) -> dict[str, Any]:
    due = f"2999-01-01T00:{minute:02}:00Z"
    return {"scheduledTime": due, "outcome": "Succeeded", "reason": "Forged", "jobName": f"forged-{minute}"}


def test_a_history_of_what_is_to_come_hides_no_firing(world: World) -> None:
    """Ten entries that are newer than each firing would be all that is kept."""
    forge(world, history=[to_come(minute) for minute in range(10)])
    status = after_one_more(world)
    assert status["history"][0]["scheduledTime"] == "2026-12-01T13:00:00Z"
    assert "Forged" not in str(status)
    assert status["firings"]["succeeded"] >= 2


def test_times_to_come_are_taken_back(world: World) -> None:
    gap = {"scheduledTime": "2026-12-01T10:30:00Z", "outcome": "Missed", "reason": "Forged", "count": 10**15}
    forge(
        world,
        lastSuccessfulTime="2999-01-01T00:00:00Z",
        history=[gap | {"lastScheduledTime": "2999-01-01T00:00:00Z"}, *world.graphcron["status"]["history"]],
    )
    world.graphcron["status"]["conditions"][0]["lastTransitionTime"] = "2999-01-01T00:00:00Z"
    world.reconcile("12:02")
    status = world.graphcron["status"]
    assert "2999" not in str(status)
    assert status["lastSuccessfulTime"] == "2026-12-01T12:00:09Z"
    assert status["firings"] == ONE_EACH


def test_a_clock_that_is_behind_by_hours_counts_nothing_twice(world: World) -> None:
    writes = len(world.writes)
    for minute in range(3):
        status, _ = conclude(world.observed(), world.decide(f"11:0{minute}"), at(f"11:0{minute}"))
        assert status["firings"] == ONE_EACH
        assert status["history"] == world.graphcron["status"]["history"]
    assert len(world.writes) == writes


def test_metrics_count_what_was_counted_and_no_forged_difference() -> None:
    metrics = OperatorMetrics()
    entry = {"scheduledTime": "2026-12-01T11:00:00Z", "outcome": "Succeeded", "reason": "RunSucceeded", "jobName": "a"}
    after = {"firings": ONE_EACH, "history": [entry]}
    metrics.wrote_status("team", {"firings": {"succeeded": -(10**9)}, "history": "from another age"}, after)
    assert metrics.registry.get_sample_value("graphcron_firings_total", {"outcome": "succeeded"}) == 1
