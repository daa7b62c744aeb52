"""What a run pod relies on, from LangGraph's own server."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphcron.firing.order import Firing
from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED
from tests.contract.conftest import Side
from tests.support.contract_threads import new_thread
from tests.support.run_pod import Pod

LONG = {"input": {"sleep": 60}}


def firing() -> Firing:
    """A firing of this minute."""
    return Firing.of_job(f"daily-{int(datetime.now(UTC).timestamp()) // 60}", str(uuid.uuid4()))


def get(server: Side, path: str) -> Any:
    answer = server.send("GET", path)
    return answer.body if answer.status == 200 else answer.status


@pytest.fixture
def server(reference_url: str) -> Side:
    return Side(reference_url)


@pytest.mark.parametrize("on_thread", [False, True], ids="kept thread".split())
def test_at_the_deadline_the_run_is_cancelled(server: Side, tmp_path: Path, on_thread: bool) -> None:
    pod = Pod(tmp_path, server.url, firing())
    pod.order(LONG, deadline_seconds=2, keep_thread=True, thread_id=new_thread(server) if on_thread else None)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert "was cancelled" in outcome.message
    run = get(server, f"/threads/{outcome.thread_id}/runs/{outcome.run_id}")
    assert run["status"] == "interrupted"


@pytest.mark.parametrize("on_thread", [False, True], ids="kept thread".split())
def test_replace_cancels_the_run_of_the_earlier_firing(server: Side, tmp_path: Path, on_thread: bool) -> None:
    fields: dict[str, Any] = {"keep_thread": True, "thread_id": new_thread(server) if on_thread else None}
    (tmp_path / "earlier").mkdir()
    pod = Pod(tmp_path / "earlier", server.url, firing())
    pod.order(LONG, **fields)
    with pod.start() as process:
        assert process.stdout
        assert "started on thread" in process.stdout.readline()
        process.terminate()  # as Kubernetes does when it replaces a Job
        process.wait(20)
    old = pod.outcome()
    assert old.reason == "PodStopped"
    assert get(server, f"/threads/{old.thread_id}/runs/{old.run_id}")["status"] in ("pending", "running")

    pod = Pod(tmp_path, server.url, firing())
    pod.order({"input": {}}, replace=True, **fields)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert str(old.run_id) in outcome.message
    assert get(server, f"/threads/{old.thread_id}/runs/{old.run_id}")["status"] == "interrupted"


def test_replace_removes_the_thread_of_the_earlier_run(server: Side, tmp_path: Path) -> None:
    (tmp_path / "earlier").mkdir()
    pod = Pod(tmp_path / "earlier", server.url, firing())
    pod.order(LONG)
    with pod.start() as process:
        assert process.stdout
        assert "started on thread" in process.stdout.readline()
        process.kill()
    thread_id = Firing.of_job("", pod.environ["GRAPHCRON_JOB_UID"]).thread_id
    pod = Pod(tmp_path, server.url, firing())
    pod.order({"input": {}}, replace=True)
    assert pod.run()[1].reason == "RunSucceeded"
    assert get(server, f"/threads/{thread_id}") == 404


def test_at_the_deadline_the_thread_of_a_run_that_is_cancelled_is_deleted(server: Side, tmp_path: Path) -> None:
    pod = Pod(tmp_path, server.url, firing())
    pod.order(LONG, deadline_seconds=2)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert get(server, f"/threads/{outcome.thread_id}") == 404


def test_a_run_knows_its_time_and_how_many_attempts_came_before(server: Side, tmp_path: Path) -> None:
    pod = Pod(tmp_path, server.url, firing())
    pod.order({"input": {}}, keep_thread=True)
    thread_id = Firing.of_job("", pod.environ["GRAPHCRON_JOB_UID"]).thread_id
    earlier = {"thread_id": thread_id, "metadata": {"graphcron_attempts": "earlier", "team": "red"}}
    assert server.send("POST", "/threads", json.dumps(earlier)).status == 200
    code, outcome = pod.run()
    assert code == EXIT_DONE
    times = get(server, f"/threads/{thread_id}/runs/{outcome.run_id}")["metadata"]
    assert (times["graphcron_trigger"], times["graphcron_attempt"]) == ("Schedule", 2)
    assert times["graphcron_scheduled_time"].endswith(":00Z")
    thread = get(server, f"/threads/{thread_id}")["metadata"]
    assert thread["team"] == "red"
    assert len(thread["graphcron_attempts"].split()) == 2
