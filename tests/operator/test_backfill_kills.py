"""A backfill of two hundred scheduled times, and an operator that is killed five times meanwhile: two hundred runs.

With Kubernetes' own controllers and the rights that the chart gives; of nodes there is only what ends the run pods.
"""

import random
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from examples.demo.session import Session, wait_for
from tests.support.charts_operator import NAMESPACE, ChartsOperator, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.kubelet import TOKENS, kubelet
from tests.support.manifests import graphcron, ready

SLOTS, KILLS, PARALLELISM = 200, 5, 20
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
LEASE = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "3",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "2",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.5",
}
"""So that the next process need not wait for long."""


def test_five_kills_and_each_of_two_hundred_scheduled_times_ran_once(tmp_path: Path) -> None:
    chance = random.Random(23)
    with (
        graphcron_apiserver(tmp_path / "plane", NAMESPACE, controllers=True) as plane,
        kubelet(plane) as node,
        charts_operator(plane, tmp_path, **LEASE) as operator,
    ):
        session = Session(NAMESPACE, plane.place)
        session.apply(graphcron("report", schedule="* * * * *", enabled=False))
        ready(session, "report")
        before = status_of(session, "graphcron", "report")
        session.apply(two_hundred("november"))
        for kill in range(1, KILLS + 1):
            progress = kill * SLOTS // (KILLS + 2)
            wait_for(f"{progress} that are over", partial(are_over, session, progress), 240)
            threading.Event().wait(chance.uniform(0, 0.5))  # any moment of its work
            killed(operator)
        session.kubectl("wait", "--for=condition=Complete", "gcb/november", "--timeout=240s")
        found = status_of(session, "gcb", "november")
        assert found["progress"] == f"{SLOTS}/{SLOTS}"
        assert found["counts"]["succeeded"] == SLOTS
        first = int(BEGIN.timestamp()) // 60
        assert sorted(node.runs) == [f"report-{first + minute}" for minute in range(SLOTS)]
        assert {len(uids) for uids in node.runs.values()} == {1}
        wait_for("its sums", lambda: month(session).get("firings") == SLOTS, 60)
        assert month(session) == {"firings": SLOTS, "tokens": SLOTS * TOKENS}, "each counts once"
        after = status_of(session, "graphcron", "report")
        del after["spending"]
        assert after == before, "its GraphCron's own firings are what they were"
        wait_for("one Job that is kept", lambda: len(session.get("jobs")) == 1, 60)
        session.kubectl("delete", "gcb", "november", "--timeout=20s")
        wait_for("no Job", lambda: session.get("jobs") == [], 60)


def two_hundred(name: str) -> dict[str, Any]:
    spec = {"graphCron": "report", "from": "2026-11-01T00:00:00Z", "to": "2026-11-01T03:20:00Z"}
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronBackfill",
        "metadata": {"name": name},
        "spec": spec | {"parallelism": PARALLELISM},
    }


def status_of(session: Session, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (session.one(kind, name) or {}).get("status", {})
    return found


def month(session: Session) -> dict[str, Any]:
    """What the GraphCron used in it."""
    found = status_of(session, "graphcron", "report").get("spending", {}).get("month", {})
    return {name: value for name, value in found.items() if name != "since"}


def are_over(session: Session, least: int) -> bool:
    """Whether so many scheduled times are over."""
    return int(status_of(session, "gcb", "november").get("progress", "0/").partition("/")[0]) >= least


def killed(operator: ChartsOperator) -> None:
    operator.kill()
    operator.start()
