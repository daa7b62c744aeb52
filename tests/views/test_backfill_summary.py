"""What is said of a backfill."""

from typing import Any

import pytest

from graphcron.views.backfill_summary import backfill_summary

UID = "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"
TIME = "2026-11-01T09:00:00Z"


def resource(status: Any, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "b", "creationTimestamp": TIME}
    usual = {"graphCron": "nightly", "from": TIME, "to": "2026-11-08T00:00:00Z"}
    return {"metadata": metadata, "spec": usual | spec, "status": status}


def condition(kind: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": "False", "reason": "X", "message": message, "lastTransitionTime": TIME}


def test_one_that_runs_says_how_far_it_is() -> None:
    status = {
        "observedGeneration": 1, "phase": "Running", "progress": "1/7", "conditions": [condition("Complete", "1 of 7")],
        "counts": {"slots": 7, "remaining": 5, "active": 1, "failed": 1, "leftOut": 2}, "firstSlots": [TIME],
        "firings": [{"scheduledTime": TIME, "outcome": "Failed", "reason": "RunError", "runId": "r"}],
        "leftOut": [{"reason": "Before", "message": "m", "count": 2, "first": TIME, "last": TIME}],
    }  # fmt: skip
    found = backfill_summary(resource(status, parallelism=3), UID)
    assert (found["phase"], found["message"], found["progress"]) == ("Running", "1 of 7", "1/7")
    assert (found["parallelism"], found["order"], found["dry_run"]) == (3, "OldestFirst", False)
    assert (found["counts"]["remaining"], found["counts"]["left_out"], found["left_out"][0]["count"]) == (5, 2, 2)
    (firing,) = found["firings"]
    assert (firing["trigger"], firing["run_id"], bool(firing["advice"])) == ("Backfill", "r", True)


@pytest.mark.parametrize(("status", "said"), [(None, "No operator"), ({}, "No operator"), ({"phase": 7}, "status")])
def test_one_of_which_nothing_is_known_is_pending(status: Any, said: str) -> None:
    found = backfill_summary(resource(status), UID)
    assert (found["phase"], found["firings"], found["counts"]["slots"]) == ("Pending", [], 0)
    assert said in found["message"]


def test_one_that_cannot_go_on_says_why() -> None:
    status = {"phase": "Stalled", "conditions": [condition("Complete", "no"), condition("Stalled", "there is no cron")]}
    assert backfill_summary(resource(status), UID)["message"] == "there is no cron"
