"""Backfills with Kubernetes' own controllers: a quota, a scheduled time that runs again, owners that are deleted."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from examples.demo.session import Session, wait_for
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.kubelet import Kubelet, kubelet
from tests.support.manifests import graphcron, ready

BEGIN = datetime(2026, 6, 20, 16, tzinfo=UTC)
MINUTES = [int(BEGIN.timestamp()) // 60 + minute for minute in range(4)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Kubelet]]:
    with (
        graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE, controllers=True) as plane,
        kubelet(plane) as node,
        charts_operator(plane, tmp_path_factory.mktemp("operator")),
    ):
        yield Session(NAMESPACE, plane.place), node


def backfill(name: str, cron: str, **spec: Any) -> dict[str, Any]:
    whole = {"graphCron": cron, "from": "2026-06-20T16:00:00Z", "to": "2026-06-20T16:04:00Z"}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronBackfill", "metadata": {"name": name}}
    return manifest | {"spec": whole | spec}


def cron(session: Session, name: str) -> None:
    session.apply(graphcron(name, schedule="* * * * *", enabled=False, failedRunsHistoryLimit=5, retryLimit=0))
    ready(session, name)


def status(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (session.one("gcb", name) or {}).get("status", {})
    return found


def reason(session: Session, name: str) -> str:
    conditions = status(session, name).get("conditions", [])
    return next((str(one["reason"]) for one in conditions if one["type"] == "Complete"), "")


def completed(session: Session, name: str) -> dict[str, Any]:
    session.kubectl("wait", "--for=condition=Complete", f"gcb/{name}", "--timeout=120s")
    return status(session, name)


def test_what_failed_is_run_again_and_its_old_job_goes_first(cluster: tuple[Session, Kubelet]) -> None:
    session, node = cluster
    cron(session, "again")
    node.fails.add(f"again-{MINUTES[1]}")
    session.apply(backfill("first", "again", parallelism=4))
    counts = completed(session, "first")["counts"]
    assert (counts["succeeded"], counts["failed"]) == (3, 1)
    node.fails.clear()
    session.apply(backfill("second", "again"))
    found = completed(session, "second")
    assert [firing["jobName"] for firing in found["firings"]] == [f"again-{MINUTES[1]}"]
    assert found["counts"]["succeeded"] == 1
    session.apply(backfill("third", "again", rerun=True, parallelism=4))
    assert completed(session, "third")["counts"]["succeeded"] == 4
    runs = {name: len(uids) for name, uids in node.runs.items() if name.startswith("again-")}
    assert runs == {f"again-{minute}": 3 if minute == MINUTES[1] else 2 for minute in MINUTES}


def test_a_quota_is_said_and_the_backfill_goes_on_when_it_is_gone(cluster: tuple[Session, Kubelet]) -> None:
    session, _ = cluster
    cron(session, "limited")
    session.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "jobs"},
            "spec": {"hard": {"count/jobs.batch": "0"}},
        }
    )
    wait_for("the quota", lambda: (session.one("resourcequota", "jobs") or {})["status"].get("hard"), 30)
    session.apply(backfill("limited", "limited"))
    wait_for("the refusal", lambda: reason(session, "limited") == "JobRefused", 60)
    assert "exceeded quota: jobs" in status(session, "limited")["conditions"][0]["message"]
    events = session.get("events", "--field-selector=involvedObject.kind=GraphCronBackfill,reason=JobRefused")
    assert [event["involvedObject"]["name"] for event in events] == ["limited"]
    session.kubectl("delete", "resourcequota", "jobs")
    assert completed(session, "limited")["counts"]["succeeded"] == 4


def test_with_its_graphcron_it_ends(cluster: tuple[Session, Kubelet]) -> None:
    session, node = cluster
    cron(session, "doomed")
    node.away = True
    session.apply(backfill("doomed", "doomed", parallelism=2))
    wait_for("two Jobs", lambda: len(session.get("pods", "-l", "graphcron.dev/backfill=doomed")) == 2, 60)
    session.kubectl("delete", "graphcron", "doomed")
    wait_for("its end", lambda: status(session, "doomed").get("phase") == "Ended", 60)
    found = status(session, "doomed")
    assert {firing["reason"] for firing in found["firings"]} == {"GraphCronDeleted"}
    assert (found["counts"]["failed"], found["counts"]["remaining"]) == (2, 2)
    cron(session, "doomed")
    session.apply(graphcron("other"))
    ready(session, "other")
    assert status(session, "doomed") == found, "a namesake is another GraphCron"
    node.away = False


def test_a_deleted_one_takes_its_running_jobs_along(cluster: tuple[Session, Kubelet]) -> None:
    session, node = cluster
    cron(session, "cancelled")
    node.away = True
    session.apply(backfill("cancelled", "cancelled", parallelism=2))
    wait_for("two pods", lambda: len(session.get("pods", "-l", "graphcron.dev/backfill=cancelled")) == 2, 60)
    session.kubectl("delete", "gcb", "cancelled", "--timeout=20s")
    wait_for("no Job", lambda: session.get("jobs", "-l", "graphcron.dev/backfill=cancelled") == [], 60)
    assert json.dumps(session.get("jobs", "-l", "graphcron.dev/graphcron=cancelled")) == "[]"
    node.away = False
