"""With Kubernetes' own controllers, and without nodes: firings whose pods are not made or do not start, and adoption.

What a kubelet would report is written into the pods' status.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from examples.demo.session import Session, wait_for
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron, ready

START_TIMEOUT = 100
"""Seconds. After 60 a firing counts as one that does not start."""
NO_CLASS = "no PriorityClass with name nightly was found"
SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1"})


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Everything that waits for minutes begins here, so that it waits at the same time."""
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE, controllers=True) as plane:
        timeout = {"GRAPHCRON_RUN_START_TIMEOUT_SECONDS": str(START_TIMEOUT)}
        with charts_operator(plane, tmp_path_factory.mktemp("operator"), **timeout):
            session = Session(NAMESPACE, plane.place)
            session.apply(
                graphcron("unprioritized", template={"priorityClassName": "nightly"}),
                graphcron("meshed"),
                graphcron("replacing", schedule="* * * * *", concurrencyPolicy="Replace"),
                graphcron("orphaned"),
            )
            ready(session, "unprioritized", "meshed", "replacing", "orphaned")
            fire(session, "unprioritized")
            fire(session, "meshed")
            ended = {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}
            proxy = {"running": {"startedAt": now()}}
            report(session, "meshed", proxy=proxy, run={"terminated": ended | {"message": SUCCEEDED}})
            yield session


def fire(session: Session, name: str) -> None:
    session.kubectl("create", "job", f"--from=cronjob/{name}", f"{name}-by-hand")


def status(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (session.one("graphcron", name) or {}).get("status", {})
    return found


def condition(session: Session, name: str, kind: str) -> dict[str, Any]:
    conditions = status(session, name).get("conditions", [])
    return next((found for found in conditions if found["type"] == kind), {})


def last(session: Session, name: str) -> tuple[str, str]:
    """Outcome and reason of the newest firing."""
    history = status(session, name).get("history") or [{"outcome": "", "reason": ""}]
    return history[0]["outcome"], history[0]["reason"]


def report(session: Session, name: str, **containers: dict[str, Any]) -> None:
    """The state of the containers of the last pod of that GraphCron, as a kubelet would report it."""

    def pods() -> list[dict[str, Any]]:
        found = session.get("pods", "-l", f"graphcron.dev/graphcron={name}")
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    pod = wait_for(f"a pod of {name}", pods, 90)[-1]["metadata"]["name"]
    statuses = [
        {"name": container, "state": state, "image": "x", "imageID": "", "ready": False, "restartCount": 0}
        for container, state in containers.items()
    ]
    patch = {"status": {"phase": "Running", "containerStatuses": statuses}}
    session.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", "-p", json.dumps(patch))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_orphaned_cronjob_is_adopted(session: Session) -> None:
    def found() -> tuple[str, list[str]]:
        metadata = (session.one("cronjob", "orphaned") or {})["metadata"]
        return metadata["uid"], [owner["uid"] for owner in metadata.get("ownerReferences", [])]

    uid, (owner,) = found()
    session.kubectl("delete", "graphcron", "orphaned", "--cascade=orphan")
    wait_for("the orphan", lambda: found() == (uid, []), 20)
    session.apply(graphcron("orphaned"))
    ready(session, "orphaned")
    new = (session.one("graphcron", "orphaned") or {})["metadata"]["uid"]
    assert new != owner
    assert found() == (uid, [new])


def test_a_firing_whose_pod_cannot_be_made_says_why(session: Session) -> None:
    session.kubectl("wait", "--for=condition=Ready=False", "graphcron/unprioritized", "--timeout=100s")
    assert condition(session, "unprioritized", "Ready")["reason"] == "NotStarting"
    assert NO_CLASS in condition(session, "unprioritized", "Ready")["message"]
    assert condition(session, "unprioritized", "RunsStarting")["reason"] == "FailedCreate"
    assert "NotStarting" in session.kubectl("get", "graphcron", "unprioritized")


def test_a_run_that_is_over_is_recorded_and_the_sidecar_that_goes_on_is_named(session: Session) -> None:
    assert last(session, "meshed") == ("Succeeded", "RunSucceeded")
    wait_for("the sidecar's name", lambda: condition(session, "meshed", "RunsEnding"), 60)
    assert condition(session, "meshed", "RunsEnding")["message"].endswith(": proxy")


def test_both_are_ended_and_recorded_once(session: Session) -> None:
    wait_for("one end", lambda: last(session, "unprioritized") == ("Failed", "NotStarting"), 90)
    assert NO_CLASS in status(session, "unprioritized")["history"][0]["message"]
    wait_for("the other", lambda: not condition(session, "meshed", "RunsEnding"), 60)
    for name in ("unprioritized", "meshed"):  # and they are kept
        session.kubectl("wait", "--for=condition=Failed", f"job/{name}-by-hand", "--timeout=20s")
    assert last(session, "meshed") == ("Succeeded", "RunSucceeded")
    assert status(session, "meshed")["firings"] == {"succeeded": 1, "failed": 0, "skipped": 0, "missed": 0}


def test_a_firing_that_the_next_one_replaced_is_recorded(session: Session) -> None:
    report(session, "replacing", run={"running": {"startedAt": now()}})

    def is_replaced() -> bool:
        return any(entry["reason"] == "Replaced" for entry in status(session, "replacing").get("history", []))

    wait_for("the next firing", is_replaced, 90)
    assert status(session, "replacing")["firings"]["replaced"] >= 1


def test_after_the_last_run_of_max_runs_no_other_job_is_made(session: Session) -> None:
    def fired(name: str) -> str:
        return str((session.one("cronjob", name) or {}).get("status", {}).get("lastScheduleTime", ""))

    # Made here: its firing would be ended, and count no more, if its pod had to wait for the other tests.
    session.apply(graphcron("limited", schedule="* * * * *", maxRuns=1))
    report(session, "limited", run={"running": {"startedAt": now()}})
    wait_for("its completion", lambda: condition(session, "limited", "Ready").get("reason") == "Completed", 10)
    assert (session.one("cronjob", "limited") or {})["spec"]["suspend"]
    wait_for("the minute after it", lambda: fired("replacing") > fired("limited"), 90)
    assert len(session.get("jobs", "-l", "graphcron.dev/graphcron=limited")) == 1
    assert status(session, "limited")["scheduledRuns"]["count"] == 1
