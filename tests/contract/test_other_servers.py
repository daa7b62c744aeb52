"""What a run pod relies on, from Agent Servers that are not LangGraph's own: LangGraph.js's, and one as Aegra is.

Aegra needs PostgreSQL and Redis, so a stand-in gives LangGraph's own server Aegra's errors, and runs without metadata.
docs/runs.md says what is lost there.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from graphcron.firing.order import Firing
from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED
from tests.contract import servers
from tests.contract.conftest import Side
from tests.support.contract_threads import new_thread
from tests.support.run_pod import Pod

LONG = {"input": {"sleep": 60}}
NOBODY = "00000000-0000-4000-8000-000000000000"


def as_aegra(status: int, body: Any, asks: bool) -> Any:
    """An answer of LangGraph's own server as Aegra writes it. Where a run `asks`, it is interrupted."""
    if status >= 400:
        return {"error": "unknown_error", "message": body["detail"], "details": None}
    for run in body if isinstance(body, list) else [body]:
        if isinstance(run, dict) and "run_id" in run:
            run.pop("metadata", None)
            if asks and run["status"] == "success":
                run["status"] = "interrupted"
    return body


@contextmanager
def stand_in(server: str) -> Iterator[str]:
    """The URL of a proxy on loopback that answers as Aegra."""
    asking: list[list[str]] = []
    """Threads on which a run asks, as the part of a path that names them."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/threads/search":  # by ids, Aegra finds all
                body = json.dumps({key: value for key, value in json.loads(body).items() if key != "ids"}).encode()
            dropped = ("host", "connection", "content-length")
            kept = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
            connection = HTTPConnection(urlsplit(server).netloc, timeout=60)
            try:
                connection.request(self.command, self.path, body or None, kept)
                response = connection.getresponse()
                status, text = response.status, response.read()
            finally:
                connection.close()
            asks = b'"interrupt"' in body or self.path.split("/")[2:3] in asking
            if asks and self.command == "POST":
                asking.append(self.path.split("/")[2:3])
            data = json.dumps(as_aegra(status, json.loads(text), asks)).encode() if text else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names of http.server

        def log_message(self, *said: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()


@pytest.fixture(scope="module", params=["langgraphjs", "aegra"])
def server(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "langgraphjs":
        with servers.js_server() as url:
            yield Side(url)
    else:
        with stand_in(request.getfixturevalue("reference_url")) as url:
            yield Side(url)


@pytest.fixture
def pod(server: Side, tmp_path: Path) -> Pod:
    return another(server, tmp_path)


def another(server: Side, directory: Path) -> Pod:
    """A pod of another firing, of this minute."""
    directory.mkdir(exist_ok=True)
    minute = int(datetime.now(UTC).timestamp()) // 60
    return Pod(directory, server.url, Firing.of_job(f"daily-{minute}", str(uuid.uuid4())))


def status_of(server: Side, path: str) -> Any:
    answer = server.send("GET", path)
    return answer.body["status"] if answer.status == 200 else answer.status


def runs_of(server: Side, thread_id: str | None) -> int:
    return len(server.send("GET", f"/threads/{thread_id}/runs").body)


def test_a_firing_runs_once_and_leaves_no_thread(server: Side, pod: Pod) -> None:
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert status_of(server, f"/threads/{outcome.thread_id}") == 404
    assert pod.run() == (code, outcome), "the next pod of the Job repeats the outcome"


def test_a_thread_that_is_kept_has_the_run(server: Side, pod: Pod) -> None:
    pod.order(keep_thread=True)
    first = pod.run()
    assert first[1].reason == "RunSucceeded"
    assert pod.run() == first
    assert runs_of(server, first[1].thread_id) == 1


def test_a_cron_of_a_thread_runs_there(server: Side, pod: Pod) -> None:
    thread = new_thread(server)
    pod.order(thread_id=thread)
    code, outcome = pod.run()
    assert (code, outcome.thread_id, runs_of(server, thread)) == (EXIT_DONE, thread, 1)


@pytest.mark.parametrize("keep", [False, True], ids="deleted kept".split())
def test_a_killed_pods_run_is_followed_by_the_next(server: Side, pod: Pod, keep: bool) -> None:
    pod.order({"input": {"sleep": 3}}, keep_thread=keep)
    with pod.start() as process:
        assert process.stdout
        assert "started on thread" in process.stdout.readline()
        process.kill()
    thread = Firing.of_job("", pod.environ["GRAPHCRON_JOB_UID"]).thread_id
    assert runs_of(server, thread) == 1
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert status_of(server, f"/threads/{thread}") == ("idle" if keep else 404)
    if keep:
        assert runs_of(server, thread) == 1


def test_a_run_that_fails_says_why(server: Side, pod: Pod) -> None:
    pod.order({"input": {"fail": "out of ideas"}})
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert "out of ideas" in outcome.message


def test_a_run_that_asks_waits(server: Side, pod: Pod) -> None:
    pod.order({"input": {"interrupt": "sure?"}}, keep_thread=True)
    code, outcome = pod.run()
    assert (code, outcome.outcome) == (EXIT_DONE, "WaitingForInput")
    assert status_of(server, f"/threads/{outcome.thread_id}") == "interrupted"


def test_an_unknown_assistant_is_named(pod: Pod) -> None:
    for unknown in ("nope", NOBODY):
        pod.order({"assistant_id": unknown})
        code, outcome = pod.run()
        assert (code, outcome.reason) == (EXIT_REFUSED, "AssistantNotFound"), outcome.message


def test_a_thread_that_is_gone_is_named(pod: Pod) -> None:
    pod.order(thread_id=NOBODY)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "ThreadNotFound"), outcome.message


def test_a_busy_thread_that_rejects_is_no_second_try(server: Side, pod: Pod) -> None:
    thread = new_thread(server)
    body = json.dumps({"assistant_id": "agent"} | LONG)
    assert server.send("POST", f"/threads/{thread}/runs", body, {"content-type": "application/json"}).status == 200
    pod.order({"multitask_strategy": "reject"}, thread_id=thread)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "ThreadBusy"), outcome.message
    assert server.send("DELETE", f"/threads/{thread}").status == 204


def test_at_the_deadline_the_run_is_cancelled(server: Side, pod: Pod) -> None:
    pod.order(LONG, deadline_seconds=3, keep_thread=True)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert "was cancelled" in outcome.message
    assert status_of(server, f"/threads/{outcome.thread_id}/runs/{outcome.run_id}") == "interrupted"


def test_replace_cancels_the_run_of_the_earlier_firing(server: Side, pod: Pod, tmp_path: Path) -> None:
    pod.order(LONG, keep_thread=True)
    with pod.start() as process:
        assert process.stdout
        assert "started on thread" in process.stdout.readline()
        process.terminate()
        process.wait(20)
    old = pod.outcome()
    later = another(server, tmp_path / "later")
    later.order({"input": {}}, keep_thread=True, replace=True)
    code, outcome = later.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert str(old.run_id) in outcome.message
    assert status_of(server, f"/threads/{old.thread_id}/runs/{old.run_id}") == "interrupted"


def test_an_attempt_is_counted_after_one_that_could_not_start_the_run(server: Side, tmp_path: Path) -> None:
    pod = another(server, tmp_path)
    pod.order({"input": {}}, keep_thread=True)
    thread_id = Firing.of_job("", pod.environ["GRAPHCRON_JOB_UID"]).thread_id
    earlier = {"thread_id": thread_id, "metadata": {"graphcron_attempts": "earlier"}}
    headers = {"content-type": "application/json"}
    assert server.send("POST", "/threads", json.dumps(earlier), headers).status == 200
    assert pod.run()[0] == EXIT_DONE
    thread = server.send("GET", f"/threads/{thread_id}").body["metadata"]
    assert len(thread["graphcron_attempts"].split()) == 2


@pytest.mark.parametrize("limit", [None, 1000])
def test_tokens_are_known(server: Side, pod: Pod, limit: int | None) -> None:
    pod.order({"input": {"think": 2}}, run_tokens=limit)
    outcome = pod.run()[1]
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 30
    assert list(outcome.usage["models"]) == ["pretending-1"]
    assert outcome.duration is not None


@pytest.mark.parametrize("think", [1, 3])
def test_on_a_thread_of_the_users_own_each_firing_has_its_own_tokens(server: Side, tmp_path: Path, think: int) -> None:
    thread_id = new_thread(server)
    for number in range(2):
        pod = another(server, tmp_path / str(number))
        pod.order({"input": {"think": think}}, thread_id=thread_id)
        outcome = pod.run()[1]
        assert outcome.usage
        assert outcome.usage["totalTokens"] == 15 * think
