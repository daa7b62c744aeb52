"""Backfills as people request and follow them: times in the cron's own zone, and one line of progress."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.resource.backfill import read_backfill
from graphcron.views.backfill_request import manifest, moment, preview, progress, succeeded

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def graphcron(name: str = "report", **status: Any) -> dict[str, Any]:
    spec = {"schedule": "0 9 * * *", "timezone": "Europe/Berlin", "assistantId": "agent"}
    metadata = {"name": name, "namespace": "team", "uid": "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"}
    return {"metadata": metadata, "spec": spec, "status": status}


TIMES = {
    "2026-11-01": "2026-10-31T23:00:00Z",
    "2026-07-01": "2026-06-30T22:00:00Z",
    "2026-11-01T09:00": "2026-11-01T08:00:00Z",
    "2026-11-01 09:00:30": "2026-11-01T08:00:30Z",
    "2026-11-01T09:00:00Z": "2026-11-01T09:00:00Z",
    "2026-11-01T09:00:00-05:00": "2026-11-01T14:00:00Z",
}


@pytest.mark.parametrize(("typed", "meant"), TIMES.items())
def test_a_time_without_an_offset_is_in_the_zone_of_the_cron(typed: str, meant: str) -> None:
    assert moment(typed, graphcron()) == meant


@pytest.mark.parametrize("typed", ["yesterday", "", "01.11.2026", "2026-13-01", "2026-11-01T25:00"])
def test_what_is_no_time_is_told_how_to_write_one(typed: str) -> None:
    with pytest.raises(ValueError, match="write a date"):
        moment(typed, graphcron())


def test_a_backfill_is_named_by_its_cron_and_the_moment_and_is_valid() -> None:
    spec = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "order": None, "rerun": True}
    made = manifest(graphcron(), spec, NOW)
    assert made["metadata"] == {"name": "report-20261127120000", "namespace": "team"}
    assert made["spec"] == {
        "graphCron": "report", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "rerun": True,
    }  # fmt: skip
    assert read_backfill(made["spec"]).rerun
    assert len(manifest(graphcron("x" * 52), spec, NOW)["metadata"]["name"]) == 63


def test_a_preview_is_what_the_operator_would_list() -> None:
    history = [{"scheduledTime": "2026-11-02T08:00:00Z", "outcome": "Succeeded", "reason": "RunSucceeded"}]
    cron = graphcron(enabled=True, lastScheduleTime="2026-11-27T08:00:00Z", history=history)
    wanted = manifest(cron, {"from": "2026-10-31T23:00:00Z", "to": "2026-12-10T00:00:00Z"}, NOW)
    plan = preview(cron, wanted, NOW)
    assert (len(plan.slots), plan.slots[-1].day) == (26, 27)
    assert {group.reason: group.count for group in plan.left_out} == {"AlreadySucceeded": 1, "NotDue": 12}


def test_its_progress_is_one_line() -> None:
    assert progress({}) == "Pending 0/?: no operator has seen it yet"
    complete = {"type": "Complete", "status": "False", "reason": "Running", "message": "37 of 200 are over."}
    status = {"phase": "Running", "progress": "37/200", "counts": {"failed": 2}, "conditions": [complete]}
    assert progress({"status": status}) == "Running 37/200, 2 failed: 37 of 200 are over."


@pytest.mark.parametrize(
    ("status", "well"),
    [
        ({"phase": "Complete", "counts": {"failed": 0}}, True),
        ({"phase": "Complete", "counts": {"failed": 1}}, False),
        ({"phase": "Ended"}, False),
        ({}, False),
    ],
)
def test_only_all_that_succeeded_is_success(status: dict[str, Any], well: bool) -> None:
    assert succeeded({"status": status}) is well
