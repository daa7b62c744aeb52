"""A backfill on a real cluster: real run pods, an Agent Server, and days that are over."""

import json
from typing import Any

import pytest

from examples.demo import flow
from examples.demo.session import Session, curl, wait_for
from tests.support.manifests import graphcron, ready

DAYS = ("2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30")
"""On the third, clocks change in Berlin."""


def backfill(name: str, **spec: Any) -> dict[str, Any]:
    whole = {"graphCron": "daily", "from": f"{DAYS[0]}T00:00:00Z", "to": f"{DAYS[-1]}T23:00:00Z"}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronBackfill", "metadata": {"name": name}}
    return manifest | {"spec": whole | spec}


@pytest.fixture(scope="module")
def daily(session: Session) -> dict[str, Any]:
    """A paused cron that keeps its threads; its status."""
    spec = {"schedule": "0 9 * * *", "timezone": "Europe/Berlin", "enabled": False, "onRunCompleted": "keep"}
    session.apply(graphcron("daily", input=flow.asking("which day is it?"), **spec))
    ready(session, "daily")
    found: dict[str, Any] = (session.one("graphcron", "daily") or {})["status"]
    return found


def status(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (session.one("gcb", name) or {}).get("status", {})
    return found


def _daily(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = (session.one("graphcron", "daily") or {})["status"]
    return found


def test_each_day_is_run_once_on_the_agent_server(session: Session, url: str, daily: dict[str, Any]) -> None:
    session.apply(backfill("march", parallelism=2, dryRun=True))
    wait_for("the dry run", lambda: status(session, "march").get("phase") == "DryRun", 60)
    assert status(session, "march")["counts"]["slots"] == len(DAYS)
    assert session.get("jobs", "-l", "graphcron.dev/backfill=march") == []
    session.kubectl("patch", "gcb", "march", "--type=merge", "-p", '{"spec":{"dryRun":false}}')
    session.kubectl("wait", "--for=condition=Complete", "gcb/march", "--timeout=180s")
    found = status(session, "march")
    assert found["counts"]["succeeded"] == len(DAYS), found
    runs = {firing["scheduledTime"]: firing for firing in found["firings"]}
    assert sorted(runs) == [
        f"{DAYS[0]}T08:00:00Z",
        f"{DAYS[1]}T08:00:00Z",
        f"{DAYS[2]}T07:00:00Z",
        f"{DAYS[3]}T07:00:00Z",
    ]
    for due, firing in runs.items():
        run = json.loads(curl(f"{url}/threads/{firing['threadId']}/runs/{firing['runId']}"))
        assert run["metadata"]["graphcron_trigger"] == "Backfill"
        assert run["metadata"]["graphcron_scheduled_time"] == due
    spent = wait_for("its sums", lambda: _daily(session).get("spending", {}), 30)
    assert [one["firings"] for one in spent["backfills"]] == [len(DAYS)]
    others = {name: value for name, value in _daily(session).items() if name != "spending"}
    assert others == daily, "its own firings are what they were"
    assert "4/4" in session.kubectl("get", "gcb")


def test_what_succeeded_is_not_run_again(session: Session, daily: dict[str, Any]) -> None:
    session.apply(backfill("again"))
    session.kubectl("wait", "--for=condition=Complete", "gcb/again", "--timeout=60s")
    assert status(session, "again")["conditions"][0]["reason"] == "NothingToRun"
    assert status(session, "again")["leftOut"][0]["reason"] == "AlreadySucceeded"


def test_a_deleted_one_takes_its_jobs_along(session: Session, daily: dict[str, Any]) -> None:
    assert session.get("jobs", "-l", "graphcron.dev/backfill=march")
    session.kubectl("delete", "gcb", "march", "again")
    wait_for("no Job", lambda: session.get("jobs", "-l", "graphcron.dev/backfill=march") == [], 60)
