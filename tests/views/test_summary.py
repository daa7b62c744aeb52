"""The summary: whether a GraphCron fires and why not, what it did, and what is next."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.resource.identity import requested_job_name
from graphcron.views.glance import keep
from graphcron.views.summary import firings, request_of, summary

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
UID = "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"
TIMES = [f"2026-11-{day}T09:00:00Z" for day in (22, 23, 24)]


def condition(kind: str, status: str = "True", reason: str = "Scheduled", message: str = "on") -> dict[str, Any]:
    moment = {"lastTransitionTime": "2026-11-01T00:00:00Z", "observedGeneration": 1}
    return moment | {"type": kind, "status": status, "reason": reason, "message": message}


def graphcron(spec: dict[str, Any] | None = None, *, requested: str = "", **status: Any) -> dict[str, Any]:
    metadata = {"name": "nightly", "namespace": "team", "uid": UID, "generation": 1}
    metadata |= {"labels": {"graphcron.dev/owner": "ada"}, "annotations": {"graphcron.dev/run-requested": requested}}
    usual = {"observedGeneration": 1, "conditions": [condition("Ready")], "nextRunTimes": TIMES}
    return {
        "metadata": metadata,
        "spec": {"schedule": "0 9 * * *", "assistantId": "agent"} | (spec or {}),
        "status": usual | status,
    }


def test_of_one_that_is_kept_it_is_the_same() -> None:
    whole = graphcron({"threadId": "t"}, active=2, firings={"succeeded": 1}, consecutiveFailures=3)
    kept = {"metadata": whole["metadata"], "spec": whole["spec"], "status": {}} | keep(whole)
    assert summary(kept, NOW) == summary(whole, NOW)
    found = summary(whole, NOW)
    assert (found["cron_id"], found["graphcron"], found["owner"], found["namespace"]) == (UID, "nightly", "ada", "team")
    assert (found["active"], found["consecutive_failures"], found["thread_id"]) == (2, 3, "t")
    assert found["counts"] == {"succeeded": 1, "failed": 0, "skipped": 0, "missed": 0, "replaced": 0, "waiting": 0}


def test_times_that_have_passed_are_not_next() -> None:
    assert summary(graphcron(), NOW)["next_run_times"] == TIMES[1:]


def test_one_that_is_stalled_says_why_and_what_to_do() -> None:
    wrong = condition("Ready", "False", "InvalidSchedule", "spec.schedule: no")
    found = summary(graphcron(conditions=[wrong, wrong | {"type": "Stalled", "status": "True"}]), NOW)
    assert (found["phase"], found["message"]) == ("InvalidSchedule", "spec.schedule: no")
    assert found["advice"]
    assert [(one["type"], one["status"]) for one in found["conditions"]] == [("Ready", "False"), ("Stalled", "True")]


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 0, "conditions": [condition("Ready")]}])
def test_one_whose_spec_nobody_has_read_is_pending(status: Any) -> None:
    found = summary(graphcron() | {"status": status}, NOW)
    assert (found["phase"], found["next_run_times"], found["advice"]) == ("Pending", [], "")
    assert found["message"].startswith("No operator has read")


def test_rate_and_duration_are_of_what_ran() -> None:
    def entry(outcome: str, seconds: int | None) -> dict[str, Any]:
        ended = {"finishedAt": f"2026-11-22T09:00:{seconds:02d}Z"} if seconds is not None else {}
        times = {"scheduledTime": TIMES[0], "startedAt": "2026-11-22T09:00:00Z"}
        return times | ended | {"outcome": outcome, "reason": "RunSucceeded"}

    history = [entry("Succeeded", 10), entry("Failed", 20), entry("Skipped", 59), entry("Succeeded", None)]
    found = summary(graphcron(history=history, firings={"succeeded": 2, "failed": 1, "missed": 1, "skipped": 9}), NOW)
    assert (found["success_rate"], found["median_duration_seconds"]) == (0.5, 15.0)
    assert found["last_firing"] == firings(graphcron(history=history))[0]
    assert found["last_firing"]["advice"] == "", "of one that succeeded there is nothing to do"
    assert found["last_outcomes"] == ["Succeeded", "Failed", "Skipped", "Succeeded"]
    empty = summary(graphcron(), NOW)
    assert (empty["success_rate"], empty["median_duration_seconds"], empty["last_firing"]) == (None, None, None)


REFUSED = {"token": "a", "outcome": "Refused", "reason": "StillRunning", "message": "Job x is still running."}


def test_the_last_request_is_the_newest_one() -> None:
    assert summary(graphcron(), NOW)["last_request"] is None
    for requested in ("", "a"):
        found = summary(graphcron(requested=requested, lastRequest=REFUSED), NOW)["last_request"]
        assert (found["token"], found["outcome"], found["reason"]) == ("a", "Refused", "StillRunning")
        assert found["advice"]
    found = summary(graphcron(requested="b", lastRequest=REFUSED), NOW)["last_request"]
    assert (found["token"], found["outcome"], found["reason"]) == ("b", "Pending", None)


def test_of_an_older_request_its_firing_is_told() -> None:
    made = {"jobName": requested_job_name({"name": "nightly", "uid": UID}, "old"), "scheduledTime": TIMES[0]}
    known = graphcron(requested="a", lastRequest=REFUSED, history=[made | {"outcome": "Failed", "reason": "RunError"}])
    assert request_of(known, "old")["outcome"] == "Failed"
    assert request_of(known, "a")["outcome"] == "Refused"
    assert request_of(known, "new")["outcome"] == "Pending"
