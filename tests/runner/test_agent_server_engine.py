"""One firing means one run, whatever breaks on the way: the runner against a real socket."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

import graphcron
from graphcron.firing.formats import error_text
from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from graphcron.runner.agent_server import retry_after
from graphcron.runner.attempt import wait_until
from graphcron.runner.main import main
from tests.support.agent_server_fake import (
    AgentServerFake,
    Answer,
    Fault,
    Hold,
    answer,
    reset_after,
    reset_before,
    undisturbed,
)
from tests.support.run_pod import DUE, FIRING, KEY, Pod

START = r"^POST .*/threads/[^/]+/runs$"
POLL = r"^GET .*/runs$"
CREATE = r"^POST /threads$"
"""Of the firing's thread first, of the record second."""
DELETE = r"^DELETE "


@pytest.fixture
def server() -> AgentServerFake:
    return AgentServerFake()


@pytest.fixture
def pod(server: AgentServerFake, tmp_path: Path) -> Iterator[Pod]:
    with server.listening() as url:
        yield Pod(tmp_path, url)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def later(condition: Callable[[], Any], action: Callable[[], Any]) -> threading.Thread:
    """Do something from outside as soon as the runner has come that far."""

    def wait_and_act() -> None:
        until(condition)
        action()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    return thread


def polls(server: AgentServerFake) -> int:
    return sum(request.startswith("GET") and request.endswith("/runs") for request in server.requests)


# A firing that goes well


def test_a_stateless_firing_runs_once_and_leaves_no_thread_of_its_own(pod: Pod, server: AgentServerFake) -> None:
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "RunSucceeded")
    assert outcome.thread_id == FIRING.thread_id
    assert outcome.started_at
    assert len(server.started) == 1
    assert FIRING.thread_id not in server.threads


def test_a_kept_thread_stays_with_the_crons_metadata(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"metadata": {"team": "red"}}, keep_thread=True)
    assert pod.run()[0] == EXIT_DONE
    assert server.threads.keys() == {FIRING.thread_id}
    sent = json.loads(server.bodies[0])["metadata"]
    assert sent == {"team": "red", "cron_id": "cron-1", "graphcron_cron": "cron-1"}
    assert server.threads[FIRING.thread_id]["metadata"] == {"team": "red", "graphcron_cron": "cron-1"}
    assert server.threads[FIRING.thread_id]["ttl"] is None


def test_a_thread_that_will_be_deleted_has_a_ttl_in_case_no_pod_comes_back(pod: Pod, server: AgentServerFake) -> None:
    pod.run()
    assert json.loads(server.bodies[0])["ttl"] == {"strategy": "delete", "ttl": 7 * 24 * 60}


def test_a_thread_cron_runs_on_its_thread_with_its_own_strategy(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order({"multitask_strategy": "enqueue"}, thread_id=thread_id)
    code, outcome = pod.run()
    assert (code, outcome.thread_id) == (EXIT_DONE, thread_id)
    assert server.threads.keys() == {thread_id}
    assert server.started[0]["multitask_strategy"] == "enqueue"


def test_the_request_is_the_orders_and_carries_the_firings_mark(pod: Pod, server: AgentServerFake) -> None:
    cron = {"cron_id": "cron-1", "graphcron_cron": "cron-1"}
    config = {"configurable": {"cron_id": "cron-1"}}
    pod.order({"metadata": {"team": "red"}, "config": config, "webhook": "https://example.com"})
    pod.run()
    assert server.started == [
        {
            "assistant_id": "agent",
            "input": {"text": "hi"},
            "config": config,
            "webhook": "https://example.com",
            "metadata": {"team": "red", **cron, "graphcron_firing": FIRING.job_uid},
            "multitask_strategy": "reject",
        }
    ]


def test_input_arrives_as_it_was_given(pod: Pod, server: AgentServerFake) -> None:
    given = {"text": '$(HOME) "\n😀', "large": 2**80, "small": 0.1, "long": "x" * 200_000}
    pod.order({"input": given})
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == given


@pytest.mark.parametrize("locale", ["C.UTF-8", "C", "POSIX"])
def test_an_order_by_the_environment_arrives_as_it_was_given(pod: Pod, server: AgentServerFake, locale: str) -> None:
    given = {"text": '$(HOME) $$(X) "\n😀 é \u2028 \ufeff \x7f', "nothing": "\0", "long": "x" * 90_000}
    pod.order({"input": given})
    order = pod.directory / "order.json"
    # Without these two, Python would make UTF-8 of what is not.
    plain = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    pod.environ |= {"GRAPHCRON_ORDER": order.read_text()} | plain
    order.unlink()
    with pod.start() as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == EXIT_DONE, said
    assert server.started[0]["input"] == given


def test_half_a_surrogate_pair_is_sent_too(pod: Pod, server: AgentServerFake) -> None:
    """UTF-8 cannot hold it. Whether it is acceptable is the server's to say."""
    order = {"cron_id": "cron-1", "request": {"assistant_id": "agent", "input": "\ud83d ä"}}
    (pod.directory / "order.json").write_text(json.dumps(order))
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == "\ud83d ä"


def test_input_from_a_file_is_sent_byte_by_byte(pod: Pod, server: AgentServerFake) -> None:
    text = '{"pi": 3.14159265358979323846264338, "n": 1e400, "s": "' + "ä" * 500_000 + '"}\n'
    (pod.directory / "input.json").write_text(text)
    pod.order({"input": "not this"}, input_from_file=True)
    assert pod.run()[0] == EXIT_DONE
    assert text.encode() in next(body for body in server.bodies if b"assistant_id" in body)
    assert server.started[0]["metadata"]["graphcron_firing"] == FIRING.job_uid


@pytest.mark.parametrize(
    "data",
    [b"", b"secret words", b'{"a": NaN}', b'{}, "assistant_id": "x"', b'"\xff"', b"[" * 200_000 + b"]" * 200_000],
    ids=["nothing", "words", "NaN", "two values", "no UTF-8", "deep"],
)
def test_a_file_that_is_not_json_is_refused_and_not_quoted(
    pod: Pod, server: AgentServerFake, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (pod.directory / "input.json").write_bytes(data)
    pod.order(input_from_file=True)
    code, outcome = pod.run()
    assert (code, outcome.reason, server.requests) == (EXIT_REFUSED, "InputInvalid", [])
    assert "secret" not in outcome.message + capsys.readouterr().out


def test_key_and_headers_come_from_the_secrets(pod: Pod, server: AgentServerFake) -> None:
    headers = pod.directory / "headers"
    (headers / "..data").mkdir(parents=True)
    (headers / ".hidden").write_text("no")
    (headers / "X-Tenant").write_text("blue\n")
    pod.run()
    for sent in server.headers:
        assert {name.lower(): value for name, value in sent.items()}.items() >= {
            "x-api-key": KEY,
            "x-tenant": "blue",
        }.items()
        assert ".hidden" not in sent


def test_a_url_with_a_path_works(server: AgentServerFake, tmp_path: Path) -> None:
    server.prefix = "/agents/one"
    with server.listening() as url:
        assert Pod(tmp_path, url + "/").run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_long_run_is_followed_to_its_end(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    later(lambda: polls(server) >= 3, lambda: server.end_runs("success"))
    assert pod.run()[0] == EXIT_DONE
    assert polls(server) >= 3


def test_a_run_behind_many_newer_ones_is_followed(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)

    def crowd() -> None:
        for _ in range(30):
            server.add_run(thread_id)
        until(lambda: any(request.count("/") == 4 for request in server.requests))
        server.end_runs("success")

    later(lambda: server.started, crowd)
    assert pod.run()[0] == EXIT_DONE


# Ends


@pytest.mark.parametrize(
    ("status", "error", "code", "outcome", "reason", "says"),
    [
        ("asks", None, EXIT_DONE, "WaitingForInput", "WaitingForInput", "onRunCompleted keep"),
        ("error", {"error": "E", "message": "no\nfunds"}, EXIT_RUN_FAILED, "Failed", "RunError", "E: no funds"),
        ("error", None, EXIT_RUN_FAILED, "Failed", "RunError", "names no error"),
        ("timeout", None, EXIT_RUN_FAILED, "Failed", "RunTimedOut", "limit"),
        ("interrupted", {"message": "by hand"}, EXIT_RUN_FAILED, "Failed", "RunCancelled", "by hand"),
        ("rollback", None, EXIT_RUN_FAILED, "Failed", "RunVanished", "rolled back"),
        ("odd", None, EXIT_RUN_FAILED, "Failed", "RunEnded", "'odd'"),
    ],
)  # fmt: skip
def test_how_a_run_ends_is_how_the_firing_ends(
    pod: Pod, server: AgentServerFake, status: str, error: Any, code: int, outcome: str, reason: str, says: str
) -> None:
    server.ends_as = None
    later(lambda: polls(server) >= 1, lambda: server.end_runs(status, error))
    got, said = pod.run()
    assert (got, said.outcome, said.reason) == (code, outcome, reason)
    assert says in said.message
    assert said.run_id
    assert FIRING.thread_id not in server.threads


def test_an_error_that_only_the_state_knows_is_found(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(keep_thread=True)

    def fail() -> None:
        server.threads[FIRING.thread_id]["tasks"] = [{"error": "KeyError('x')"}]
        server.end_runs("error")

    later(lambda: server.started, fail)
    assert pod.run()[1].message == "KeyError('x')"


@pytest.mark.parametrize(
    "fault", [answer(403, {"detail": "no"}), answer(200, [{}]), answer(200, [{"thread_id": ["x"], "status": 1}])]
)
def test_a_detail_that_cannot_be_had_changes_no_outcome(pod: Pod, server: AgentServerFake, fault: Fault) -> None:
    server.fail(r"search$", fault)
    assert pod.run()[1].outcome == "Succeeded"


@pytest.mark.parametrize("tasks", [["x", 1, None], {"error": "x"}, 7, "x"])
def test_an_error_of_odd_shape_is_a_failure_all_the_same(pod: Pod, server: AgentServerFake, tasks: Any) -> None:
    server.ends_as = None
    server.fail(r"/state$", answer(200, {"tasks": tasks}))
    later(lambda: server.started, lambda: server.end_runs("error"))
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunError")
    assert FIRING.thread_id not in server.threads


def test_a_busy_thread_that_rejects_is_a_failure_and_no_second_try(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    server.add_run(thread_id, status="running")
    pod.order({"multitask_strategy": "reject"}, thread_id=thread_id)
    code, outcome = pod.run()
    assert (code, outcome.reason, server.started) == (EXIT_RUN_FAILED, "ThreadBusy", [])


# What starts nothing


def test_a_skipped_firing_talks_to_nobody_and_says_why(pod: Pod, server: AgentServerFake) -> None:
    pod.order(end_time="2026-11-22T19:20:00Z")
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Skipped", "AfterEndTime")
    assert server.requests == []


def test_a_firing_before_the_start_time_starts_nothing(pod: Pod, server: AgentServerFake) -> None:
    pod.order(start_time="2026-11-22T19:21:00Z")
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Skipped", "BeforeStartTime")
    assert server.requests == []


# Servers whose errors look different


@pytest.fixture(params=["js", "aegra"])
def other(server: AgentServerFake, request: pytest.FixtureRequest) -> AgentServerFake:
    server.dialect = request.param
    return server


def test_a_stateless_firing_runs_on_other_servers_too(pod: Pod, other: AgentServerFake) -> None:
    code, outcome = pod.run()
    assert (code, outcome.reason, len(other.started)) == (EXIT_DONE, "RunSucceeded", 1)
    assert FIRING.thread_id not in other.threads
    assert pod.run() == (code, outcome)
    assert len(other.started) == 1


@pytest.mark.parametrize("status", ["running", "success"])
def test_a_retried_pod_finds_its_run_on_other_servers_too(pod: Pod, other: AgentServerFake, status: str) -> None:
    other.ends_as = None
    pod.order(keep_thread=True)
    with pod.start() as process:
        until(lambda: polls(other) >= 1)
        process.kill()
    if status == "success":
        other.end_runs(status)
    else:
        later(lambda: polls(other) >= 4, lambda: other.end_runs("success"))
    assert pod.run()[1].reason == "RunSucceeded"
    assert len(other.started) == 1


def test_other_servers_say_that_an_assistant_is_unknown(pod: Pod, other: AgentServerFake) -> None:
    pod.order({"assistant_id": "nope"})
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "AssistantNotFound")
    assert "nope" in outcome.message


def test_other_servers_say_that_a_thread_is_gone(pod: Pod, other: AgentServerFake) -> None:
    pod.order(thread_id="7b1d6a0e-0000-4000-8000-000000000000")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "ThreadNotFound")
    assert "7b1d6a0e-0000-4000-8000-000000000000 not found" in outcome.message


def test_other_servers_say_that_a_thread_is_busy(pod: Pod, other: AgentServerFake) -> None:
    thread_id = other.add_thread()
    other.add_run(thread_id, status="running")
    pod.order({"multitask_strategy": "reject"}, thread_id=thread_id)
    assert pod.run()[1].reason == "ThreadBusy"
    assert other.started == []


def test_a_wrong_path_of_another_server_is_quoted(pod: Pod, other: AgentServerFake) -> None:
    pod.environ |= {"AGENT_SERVER_URL": pod.environ["AGENT_SERVER_URL"] + "/wrong"}
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0"
    code, outcome = pod.run()
    assert code != EXIT_DONE
    assert "answered 404: Not Found: is the " in outcome.message
    assert outcome.message.endswith("URL right?")


def test_a_run_without_metadata_on_somebodys_thread_is_not_taken_for_the_firings(
    pod: Pod, server: AgentServerFake
) -> None:
    server.dialect = "aegra"
    thread_id = server.add_thread()
    server.add_run(thread_id)
    pod.order(thread_id=thread_id)
    assert pod.run()[1].reason == "RunSucceeded"
    assert len(server.started) == 1


@pytest.mark.parametrize("stage", [POLL, r"^GET /threads/[^/]+$"], ids=["following", "looking for the record"])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("body", [b"404 page not found", b'{"message":"no Route matched"}'], ids="text json".split())
def test_a_404_of_an_ingress_is_not_taken_for_a_thread_that_is_gone(
    pod: Pod, server: AgentServerFake, stage: str, times: int, body: bytes
) -> None:
    """Its body is any text, as that of LangGraph.js's own server is, or JSON like Aegra's."""
    if stage == POLL:
        server.ends_as = None
        later(lambda: polls(server) > 3, lambda: server.end_runs("success"))
    else:
        pod.run()
    # All that is asked meanwhile meets the ingress: who says that the thread is gone has to find others.
    server.fail(stage, *[answer(404, body)] * times)
    server.fail(r"/search$", *[answer(404, body)] * (times - 1))
    assert pod.run()[1].reason == "RunSucceeded"
    assert len(server.started) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"loc": "x"}]}', '[{"loc": "x"}]'),
        (b'{"error": "not_found", "message": "Thread \'x\' not found", "details": null}', "Thread 'x' not found"),
        (b'{"success": false, "error": {"name": "ZodError"}}', '{"name": "ZodError"}'),
        (b'"no"', "no"),
        (b"Thread already\n exists", "Thread already exists"),
        (b"<html><h1>404</h1>", ""),
        (b"  <!DOCTYPE html>", ""),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
        (b"[" * 100_000, ""),
        (b'{"detail": null, "x": 1}', ""),
        (b"x" * 10_000, "x" * 1499 + "\u2026"),
    ],
)
def test_what_a_server_says_about_an_error_is_found_in_any_shape(body: bytes, text: str) -> None:
    assert error_text(body) == text


# What comes later


def test_an_attempt_waits_for_what_is_left_of_its_jitter(capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime.now(UTC) + timedelta(seconds=0.3)
    wait_until(start, 1)
    assert datetime.now(UTC) >= start
    assert "jitterSeconds: the run starts at" in capsys.readouterr().out
    wait_until(start, 1)
    assert capsys.readouterr().out == ""


def test_a_node_whose_clock_is_slow_waits_for_no_more_than_the_jitter() -> None:
    began = time.monotonic()
    wait_until(datetime.now(UTC) + timedelta(minutes=10), 0.2)
    assert 0.2 <= time.monotonic() - began < 10


def test_a_pod_that_is_stopped_while_it_waits_leaves_the_run_to_the_next(pod: Pod, server: AgentServerFake) -> None:
    in_an_hour = int(datetime.now(UTC).timestamp()) // 60 + 60
    pod.environ["GRAPHCRON_JOB_NAME"] = f"daily-{in_an_hour}"
    pod.order(jitter_seconds=10)
    with pod.start() as process:
        assert process.stdout
        assert "jitterSeconds" in process.stdout.readline()
        process.terminate()
        assert process.wait(20) == EXIT_TRY_AGAIN
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "reason", "says"),
    [
        (answer(401, {"detail": "who?"}), "Unauthorized", "apiKeySecretRef"),
        (answer(403), "Unauthorized", "apiKeySecretRef"),
        (answer(422, {"detail": [{"loc": "input"}]}), "RequestRefused", '"loc": "input"'),
        (answer(400, {"detail": "both"}), "RequestRefused", "both"),
        (answer(404, {"detail": "Thread or assistant not found."}), "AssistantNotFound", "assistantId"),
        (answer(422, {"detail": "Invalid assistant: 'x'."}), "AssistantNotFound", "assistantId"),
        (answer(307, location="http://evil.example:81/x?token=1"), "Redirected", "http://evil.example:81:"),
    ],
)
def test_what_the_server_refuses_is_not_tried_again(
    pod: Pod, server: AgentServerFake, fault: Fault, reason: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail(START, fault)
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_REFUSED, "Failed", reason)
    assert says in outcome.message
    assert server.requests.count(f"POST /threads/{FIRING.thread_id}/runs") == 1
    assert server.threads == {}, "an empty thread was left behind"
    assert KEY not in capsys.readouterr().out + outcome.to_json()


def test_an_unknown_assistant_is_named_on_thread_crons_too(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"assistant_id": "0" * 36}, thread_id=server.add_thread())
    assert pod.run()[1].reason == "AssistantNotFound"


def test_a_wrong_path_is_named_as_such(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["AGENT_SERVER_URL"] += "/wrong"
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.message.endswith("URL right?")) == (EXIT_REFUSED, "NoAgentServer", True)


def test_a_thread_cron_without_its_thread_says_what_to_do(pod: Pod, server: AgentServerFake) -> None:
    pod.order(thread_id="7b1d6a0e-0000-4000-8000-000000000000")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "ThreadNotFound")
    assert "delete this cron" in outcome.message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AGENT_SERVER_URL": ""}, "EnvironmentInvalid"),
        ({"GRAPHCRON_START_PATIENCE_SECONDS": "soon"}, "EnvironmentInvalid"),
        ({"AGENT_SERVER_URL": "http://user:hunter2@localhost"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "ftp://localhost"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "http://localhost:many"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "https://localhost", "AGENT_SERVER_CA_FILE": "/nowhere/ca.crt"}, "CaFileInvalid"),
        ({"GRAPHCRON_ORDER_PATH": "/nowhere/order.json"}, "OrderInvalid"),
        ({"GRAPHCRON_ORDER": "[]"}, "OrderInvalid"),
        ({"AGENT_SERVER_API_KEY": "hunter2\nx: y"}, "HeaderInvalid"),
    ],
)
def test_a_pod_that_was_given_nonsense_says_what(
    pod: Pod, changes: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.environ |= changes
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, reason)
    assert "hunter2" not in outcome.message + capsys.readouterr().out


def test_a_defect_of_ours_leaves_an_outcome_too(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.order(deadline_seconds="an hour")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (1, "InternalError")
    assert "Traceback" in capsys.readouterr().out


def test_no_termination_log_is_no_failure(pod: Pod) -> None:
    assert main(pod.environ | {"GRAPHCRON_TERMINATION_LOG": "/nowhere/log"}) == EXIT_DONE


# The deadline

CANCEL = r"/cancel$"


def due(ago: timedelta) -> str:
    """Name of a Job that was due then, to the minute."""
    return f"daily-{int((datetime.now(UTC) - ago).timestamp()) // 60}"


def test_a_run_beyond_the_deadline_is_cancelled_and_not_tried_again(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1, keep_thread=True)
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "DeadlineExceeded")
    assert outcome.message == "activeDeadlineSeconds (1) passed, and its run was cancelled"
    assert [(run["run_id"], run["status"]) for run in server.runs] == [(outcome.run_id, "interrupted")]


def test_the_deadline_counts_from_the_runs_start_and_not_anew_for_each_pod(pod: Pod, server: AgentServerFake) -> None:
    pod.order(deadline_seconds=60)
    server.add_thread(FIRING.thread_id)
    old = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    server.add_run(FIRING.thread_id, {"graphcron_firing": FIRING.job_uid}, "running", old)
    began = time.monotonic()
    code, outcome = pod.run()
    assert (code, outcome.reason, server.started) == (EXIT_RUN_FAILED, "DeadlineExceeded", [])
    assert time.monotonic() - began < 30, "this pod's own start was counted"
    assert FIRING.thread_id not in server.threads


def test_a_deadline_before_the_run_was_started_starts_none(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "60"
    pod.order(deadline_seconds=1)
    server.fail(START, answer(429, retry_after="30"))
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.run_id) == (EXIT_RUN_FAILED, "DeadlineExceeded", None)
    assert outcome.message == "activeDeadlineSeconds (1) passed, before its run was started"
    assert server.started == []
    assert FIRING.thread_id not in server.threads, "an empty thread was left behind"


def test_a_run_whose_start_is_answered_after_the_deadline_is_cancelled(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1, keep_thread=True)
    hold = Hold("before")
    server.fail(START, hold)

    def answer_late() -> None:
        time.sleep(1.5)  # past the deadline
        hold.let_go.set()

    later(hold.reached.is_set, answer_late)
    assert pod.run()[1].reason == "DeadlineExceeded"
    assert [run["status"] for run in server.runs] == ["interrupted"]


def test_a_run_that_ended_before_it_could_be_cancelled_ended_as_it_did(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1)

    def end_first(handle: Callable[[], Answer]) -> Answer:
        server.end_runs("success")
        return handle()

    server.fail(CANCEL, end_first)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")


def test_a_run_that_cannot_be_cancelled_is_told_as_such(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1)
    server.fail(CANCEL, answer(403, {"detail": "read only"}))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert "may go on, cancel it on the Agent Server" in outcome.message
    assert "read only" in outcome.message


@pytest.mark.parametrize(
    ("ago", "slow", "code", "reason", "status"),
    [
        (timedelta(0), timedelta(0), EXIT_TRY_AGAIN, "PodStopped", "pending"),
        (timedelta(minutes=20), timedelta(0), EXIT_RUN_FAILED, "DeadlineExceeded", "interrupted"),
        (timedelta(minutes=20), timedelta(minutes=15), EXIT_TRY_AGAIN, "PodStopped", "pending"),
    ],
    ids=["in time", "late", "late by a clock that is fast"],
)
def test_a_pod_that_is_stopped_cancels_only_when_its_job_can_be_out_of_time(
    pod: Pod, server: AgentServerFake, ago: timedelta, slow: timedelta, code: int, reason: str, status: str
) -> None:
    """The node's clock says when a Job is out of time. Where it is ahead of the Agent Server's, it may be wrong."""
    server.slow = slow
    server.ends_as = None
    pod.environ["GRAPHCRON_JOB_NAME"] = due(ago)
    pod.order(deadline_seconds=600, keep_thread=True)
    with pod.start() as process:
        until(lambda: polls(server) >= 1)
        process.terminate()
        assert process.wait(20) == code
    assert pod.outcome().reason == reason
    assert [run["status"] for run in server.runs] == [status]


@pytest.mark.parametrize("slow", [timedelta(minutes=10), -timedelta(minutes=10)], ids="slow fast".split())
@pytest.mark.parametrize("found", [False, True], ids="started found".split())
def test_the_servers_clock_decides_no_deadline(pod: Pod, server: AgentServerFake, slow: timedelta, found: bool) -> None:
    server.slow = slow
    server.ends_as = None
    pod.order(deadline_seconds=60)
    if found:
        with pod.start() as process:
            until(lambda: polls(server) >= 1)
            process.kill()
    before = polls(server)
    later(lambda: polls(server) > before + 2, lambda: server.end_runs("success"))
    code, outcome = pod.run()
    assert (code, outcome.reason, len(server.started)) == (EXIT_DONE, "RunSucceeded", 1)
    assert outcome.started_at
    assert abs(datetime.now(UTC) - datetime.fromisoformat(outcome.started_at)) < timedelta(minutes=1)


def test_a_proxys_date_does_not_make_a_new_run_old(pod: Pod, server: AgentServerFake) -> None:
    """A gateway writes its own Date into the answers of a server whose clock is slow."""
    server.slow, server.honest_date = timedelta(minutes=10), False
    pod.order(deadline_seconds=60)
    _, outcome = pod.run()
    assert outcome.reason == "RunSucceeded"
    assert outcome.started_at
    assert abs(datetime.now(UTC) - datetime.fromisoformat(outcome.started_at)) < timedelta(minutes=1)


def test_an_old_run_is_beyond_its_deadline_on_a_server_whose_clock_is_fast(pod: Pod, server: AgentServerFake) -> None:
    server.slow = -timedelta(minutes=10)
    pod.order(deadline_seconds=300)
    server.add_thread(FIRING.thread_id)
    old = (datetime.now(UTC) - server.slow - timedelta(minutes=6)).isoformat()
    server.add_run(FIRING.thread_id, {"graphcron_firing": FIRING.job_uid}, "running", old)
    assert pod.run()[1].reason == "DeadlineExceeded"


def test_the_record_of_a_server_whose_clock_is_slow_is_kept_for_its_hour(pod: Pod, server: AgentServerFake) -> None:
    server.slow = timedelta(hours=2)
    first = pod.run()
    assert FIRING.record_id in server.threads
    assert pod.run() == first
    assert len(server.started) == 1


def test_a_date_to_come_back_at_is_by_the_servers_clock(pod: Pod, server: AgentServerFake) -> None:
    server.slow = -timedelta(minutes=10)
    soon = formatdate((datetime.now(UTC) - server.slow + timedelta(seconds=1)).timestamp(), usegmt=True)
    server.fail(START, answer(503, {"detail": "busy"}, retry_after=soon))
    assert pod.run()[1].reason == "RunSucceeded"


# Replace


def earlier(server: AgentServerFake, thread_id: str, status: str = "running", cron: str = "cron-1") -> Any:
    """A run of an earlier firing of that cron."""
    server.threads[thread_id]["status"] = "busy"
    return server.add_run(thread_id, {"graphcron_firing": "an earlier Job", "graphcron_cron": cron}, status)


def test_replace_cancels_the_run_of_the_earlier_firing_and_removes_its_thread(
    pod: Pod, server: AgentServerFake
) -> None:
    thread_id = server.add_thread(metadata={"graphcron_cron": "cron-1"})
    run = earlier(server, thread_id)
    foreign = server.add_thread(metadata={"graphcron_cron": "cron-2"})
    other = earlier(server, foreign, cron="cron-2")
    pod.order(replace=True)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert outcome.message == f"run {run['run_id']} of an earlier firing was cancelled (concurrencyPolicy Replace)"
    assert (run["status"], other["status"]) == ("interrupted", "running")
    assert server.threads.keys() == {foreign, FIRING.record_id}
    cancelled = server.requests.index(f"POST /threads/{thread_id}/runs/{run['run_id']}/cancel")
    assert cancelled < server.requests.index(f"POST /threads/{FIRING.thread_id}/runs")


def test_replace_leaves_a_thread_that_is_to_be_kept(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread(metadata={"graphcron_cron": "cron-1"})
    run = earlier(server, thread_id)
    pod.order(replace=True, keep_thread=True)
    assert pod.run()[0] == EXIT_DONE
    assert run["status"] == "interrupted"
    assert thread_id in server.threads


def test_replace_on_a_thread_cancels_only_what_this_cron_has_running(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    runs = {
        "running": earlier(server, thread_id),
        "pending": earlier(server, thread_id, "pending"),
        "over": earlier(server, thread_id, "success"),
        "of another cron": earlier(server, thread_id, "pending", cron="cron-2"),
        "of somebody": server.add_run(thread_id, {"graphcron_cron": "cron-1"}, "pending"),
    }
    pod.order(replace=True, thread_id=thread_id)
    assert pod.run()[0] == EXIT_DONE
    assert {name: run["status"] for name, run in runs.items()} == {
        "running": "interrupted",
        "pending": "interrupted",
        "over": "success",
        "of another cron": "pending",
        "of somebody": "pending",
    }
    assert not any(runs["over"]["run_id"] in request for request in server.requests), "what is over needs no cancelling"


def test_replace_waits_until_the_earlier_run_has_stopped(pod: Pod, server: AgentServerFake) -> None:
    """A server tells a worker to stop, and that takes its time."""
    thread_id = server.add_thread()
    run = earlier(server, thread_id)
    pod.order({"multitask_strategy": "reject"}, thread_id=thread_id, replace=True)
    server.fail(CANCEL, answer(202, b""), answer(202, b""))
    assert pod.run()[0] == EXIT_DONE
    assert run["status"] == "interrupted"
    assert sum(request.endswith("/cancel") for request in server.requests) == 3


def test_a_retried_pod_that_finds_its_run_replaces_nothing(pod: Pod, server: AgentServerFake) -> None:
    pod.order(replace=True, keep_thread=True)
    first = pod.run()
    server.add_thread("later", {"graphcron_cron": "cron-1"})
    later_run = earlier(server, "later")
    assert pod.run() == first
    assert later_run["status"] == "running"


def test_without_replace_earlier_runs_go_on(pod: Pod, server: AgentServerFake) -> None:
    run = earlier(server, server.add_thread(metadata={"graphcron_cron": "cron-1"}))
    pod.run()
    assert run["status"] == "running"


# What breaks on the way

RUN = {"run_id": "1", "status": "pending", "created_at": "2026-11-22T19:20:00+00:00", "metadata": {}}

BREAKS = {
    "reset before it is handled": reset_before,
    "reset after it was handled": reset_after,
    "500": answer(500, {"detail": "oops"}),
    "502 of a proxy": answer(502, b"<html>"),
    "503": answer(503),
    "429": answer(429, {"detail": "slow down"}),
    "404 of an ingress": answer(404, b"default backend - 404"),
    "200 of a login page": answer(200, b"<html>"),
    "half an answer": lambda handle: Answer(200, b'{"run_id": "'),
    "an answer of another kind": lambda handle: (handle(), Answer(200, {"hello": "you"}))[1],
    "a run whose id is none": lambda handle: (handle(), Answer(200, RUN | {"run_id": ["x"]}))[1],
    "a run whose metadata are none": lambda handle: (handle(), Answer(200, RUN | {"metadata": "x"}))[1],
    "JSON that is too deep": lambda handle: (handle(), Answer(200, b"[" * 20_000 + b"]" * 20_000))[1],
}


TYPICAL = ("reset after it was handled", "500", "an answer of another kind")


@pytest.mark.parametrize(
    ("stage", "name"),
    [(START, name) for name in BREAKS]
    + [(stage, name) for stage in (CREATE, POLL, r"/search$", DELETE) for name in TYPICAL],
)
def test_a_failure_anywhere_makes_no_second_run(pod: Pod, server: AgentServerFake, stage: str, name: str) -> None:
    server.ends_as = None
    later(lambda: polls(server) > 2, lambda: server.end_runs("success"))
    server.fail(stage, *[BREAKS[name]] * 2)
    code, outcome = pod.run()
    assert (code, outcome.outcome, len(server.started)) == (EXIT_DONE, "Succeeded", 1)
    assert FIRING.thread_id not in server.threads


@pytest.mark.parametrize("fault", [reset_before, reset_after, BREAKS["half an answer"]])
def test_a_failure_on_a_thread_cron_makes_no_second_run(pod: Pod, server: AgentServerFake, fault: Fault) -> None:
    pod.order(thread_id=server.add_thread())
    server.fail(START, fault, fault)
    assert pod.run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_server_that_restarts_while_we_follow_is_found_again(server: AgentServerFake, tmp_path: Path) -> None:
    server.ends_as = None
    with server.listening() as url:
        process = Pod(tmp_path, url).start()
        until(lambda: polls(server) >= 1)
    with process:
        assert process.stdout
        assert any("connection refused" in line for line in process.stdout)
        with server.listening(int(url.rpartition(":")[2])):
            server.end_runs("success")
            assert process.wait(20) == EXIT_DONE
    assert len(server.started) == 1


def test_retry_after_is_heeded(pod: Pod, server: AgentServerFake) -> None:
    server.fail(START, answer(429, {"detail": "slow down"}, retry_after="1"))
    began = time.monotonic()
    assert pod.run()[0] == EXIT_DONE
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("7", 7),
        (" 7 ", 7),
        ("Sun, 22 Nov 2026 19:20:30 GMT", 30),
        ("Sun, 22 Nov 2026 19:20:30", 30),
        ("Sun, 22 Nov 2026 20:21:00 +0100", 60),
        ("Sun, 22 Nov 2026 19:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("٧", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert retry_after(text, DUE) == seconds


def test_a_retry_after_that_is_absurd_is_longer_than_any_patience() -> None:
    assert retry_after("9" * 400, DUE) > 1e300


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (answer(429, {"detail": "slow down"}, retry_after="600"), "AgentServerOverloaded"),
        (answer(504, b"gateway timeout"), "AgentServerError"),
    ],
)
def test_a_wait_beyond_our_patience_is_left_to_the_next_pod(
    pod: Pod, server: AgentServerFake, fault: Fault, reason: str
) -> None:
    server.fail(START, fault)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_TRY_AGAIN, reason)


def test_an_unreachable_server_is_for_the_next_pod_and_named_without_secrets(
    server: AgentServerFake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server.listening() as url:
        pod = Pod(tmp_path, url + "/path?token=hunter2")
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0.5"
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_TRY_AGAIN, "Failed", "AgentServerUnreachable")
    assert outcome.message == f"{url}: connection refused"
    output = capsys.readouterr().out
    assert "again in" in output
    assert KEY not in output
    assert "hunter2" not in output


def test_a_name_that_does_not_resolve_is_said_in_words(pod: Pod) -> None:
    pod.environ |= {"AGENT_SERVER_URL": "http://no-such-host.invalid", "GRAPHCRON_START_PATIENCE_SECONDS": "0"}
    code, outcome = pod.run()
    assert code == EXIT_TRY_AGAIN
    assert "does not resolve" in outcome.message


def test_a_silent_server_is_given_up_for_now(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["GRAPHCRON_REQUEST_TIMEOUT_SECONDS"] = "0.3"
    hold = Hold("before")
    server.fail(START, hold)
    code, outcome = pod.run()
    hold.let_go.set()
    assert (code, outcome.message.endswith("did not answer in time")) == (EXIT_TRY_AGAIN, True)
    assert hold.handled.wait(10)
    assert pod.run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_key_that_is_refused_while_we_follow_is_for_the_next_pod(pod: Pod, server: AgentServerFake) -> None:
    """It will have the Secret's new value; the run goes on meanwhile."""
    server.ends_as = None
    server.fail(POLL, answer(401, {"detail": "expired"}))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "Unauthorized")
    assert outcome.run_id


def test_an_outcome_stands_though_the_thread_cannot_be_deleted(pod: Pod, server: AgentServerFake) -> None:
    server.fail(DELETE, *[answer(500)] * 20)
    code, outcome = pod.run()
    assert (code, outcome.outcome) == (EXIT_DONE, "Succeeded")


# Pods that die


@pytest.mark.parametrize(
    ("stage", "passed", "when"),
    [
        (CREATE, 0, "before"),
        (CREATE, 0, "after"),
        (START, 0, "after"),  # "before" is a test of its own below: the request may be carried out late
        (POLL, 0, "before"),
        (r"/search$", 0, "before"),
        (CREATE, 1, "before"),
        (CREATE, 1, "after"),
        (DELETE, 0, "before"),
        (DELETE, 0, "after"),
    ],
    ids="create created started following ended recording recorded deleting deleted".split(),
)
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM], ids="kill term".split())
def test_a_pod_killed_at_any_point_is_continued_by_the_next(
    pod: Pod, server: AgentServerFake, stage: str, passed: int, when: str, signal_number: signal.Signals
) -> None:
    server.ends_as = "success" if stage != POLL else None
    hold = Hold(when)
    server.fail(stage, *[undisturbed] * passed, hold)
    with pod.start() as process:
        assert hold.reached.wait(20)
        process.send_signal(signal_number)
        if signal_number == signal.SIGKILL:
            process.wait(20)
        hold.let_go.set()
        code = process.wait(20)
    tidying = passed > 0 or stage == DELETE
    if signal_number == signal.SIGTERM:
        assert code == (EXIT_DONE if tidying else EXIT_TRY_AGAIN)
        assert pod.outcome().reason == ("RunSucceeded" if tidying else "PodStopped")
    if signal_number == signal.SIGKILL and tidying:
        assert pod.outcome().reason == "RunSucceeded", "word was not left before tidying up"
    assert hold.handled.wait(20)

    server.end_runs("success")
    server.ends_as = "success"
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "RunSucceeded")
    assert len(server.started) == 1
    assert outcome.run_id
    assert FIRING.thread_id not in server.threads


def test_a_pod_killed_after_deleting_a_failed_runs_thread_is_not_forgotten(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = "error"
    first = pod.run()
    assert first[0] == EXIT_RUN_FAILED
    assert FIRING.thread_id not in server.threads
    assert pod.run() == first
    assert len(server.started) == 1
    assert FIRING.thread_id not in server.threads


def test_a_request_that_the_server_carries_out_late_makes_no_second_run(pod: Pod, server: AgentServerFake) -> None:
    """The first pod's request hangs in some queue while the second pod's run is on."""
    server.ends_as = None
    hold = Hold("before")
    server.fail(START, hold)
    with pod.start() as process:
        assert hold.reached.wait(20)
        process.kill()

    def arrive() -> None:
        hold.let_go.set()
        until(hold.handled.is_set)
        server.end_runs("success")

    later(lambda: server.started, arrive)
    assert pod.run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_request_that_the_server_carries_out_after_all_is_over_makes_no_run(
    pod: Pod, server: AgentServerFake
) -> None:
    hold = Hold("before")
    server.fail(START, hold)
    with pod.start() as process:
        assert hold.reached.wait(20)
        process.kill()
    assert pod.run()[0] == EXIT_DONE
    hold.let_go.set()
    assert hold.handled.wait(20)
    assert len(server.started) == 1


@pytest.mark.parametrize("on_thread", [False, True], ids="stateless thread".split())
def test_two_pods_of_one_job_at_once_share_the_run(pod: Pod, server: AgentServerFake, on_thread: bool) -> None:
    if on_thread:
        pod.order({"multitask_strategy": "reject"}, thread_id=server.add_thread())
    server.ends_as = None
    hold = Hold("before")
    server.fail(START, hold)
    with pod.start() as process:
        assert hold.reached.wait(20)

        def release() -> None:
            hold.let_go.set()
            until(lambda: polls(server) > 4)
            server.end_runs("success")

        later(lambda: server.started, release)
        code, outcome = pod.run()
        assert (code, process.wait(20)) == (EXIT_DONE, EXIT_DONE)
    assert pod.outcome().run_id == outcome.run_id
    assert len(server.started) == 1


def test_a_pod_whose_twin_was_quicker_repeats_its_outcome(pod: Pod, server: AgentServerFake) -> None:
    """The twin deletes the thread under the eyes of the one that follows the run."""
    server.ends_as = None
    hold = Hold("before")
    with pod.start() as twin:
        until(lambda: polls(server) >= 1)
        server.fail(POLL, hold)
        assert hold.reached.wait(20)
        server.end_runs("success")
        _, outcome = pod.run()
        hold.let_go.set()
        assert twin.wait(20) == EXIT_DONE
    assert pod.outcome() == outcome
    assert len(server.started) == 1


def test_a_retried_pod_does_not_take_a_later_run_of_a_kept_thread_for_its_own(
    pod: Pod, server: AgentServerFake
) -> None:
    """Runs inherit their thread's metadata."""
    pod.order(keep_thread=True)
    first = pod.run()
    server.add_run(FIRING.thread_id, status="error")
    assert pod.run() == first
    assert len(server.started) == 1


def test_the_mark_is_found_behind_hundreds_of_newer_runs(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    first = pod.run()
    for _ in range(350):
        server.add_run(thread_id)
    assert pod.run() == first
    assert len(server.started) == 1


def test_runs_older_than_the_firing_are_not_searched(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    for number in range(950):
        server.add_run(thread_id, created_at=(DUE - timedelta(hours=1, seconds=number)).isoformat())
    pod.order(thread_id=thread_id)
    pod.run()
    assert server.requests.index(f"POST /threads/{thread_id}/runs") == 1


# Records


def test_the_record_holds_the_outcome_and_a_ttl(pod: Pod, server: AgentServerFake) -> None:
    _, outcome = pod.run()
    record = server.threads[FIRING.record_id]
    assert record["ttl"] == {"strategy": "delete", "ttl": 60}
    assert record["metadata"] == {"graphcron_record": "cron-1", "graphcron_outcome": outcome.to_json()}


def test_old_records_of_this_cron_are_swept_and_nothing_else(pod: Pod, server: AgentServerFake) -> None:
    old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    swept, others = server.add_thread(metadata={"graphcron_record": "cron-1"}), server.add_thread()
    young = server.add_thread(metadata={"graphcron_record": "cron-1"})
    foreign = server.add_thread(metadata={"graphcron_record": "cron-2"})
    for thread_id in (swept, others, foreign):
        server.threads[thread_id]["created_at"] = old
    pod.run()
    assert server.threads.keys() == {others, young, foreign, FIRING.record_id}
    assert swept not in server.threads


# What a run pod costs


def test_the_runner_imports_no_more_than_it_needs() -> None:
    code = "import sys, graphcron.runner.main; print(*sys.modules)"
    environ = os.environ | {"PYTHONPATH": str(Path(graphcron.__file__).parents[1])}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    ).stdout
    dear = {"asyncio", "dataclasses", "urllib.request", "logging", "argparse", "pathlib", "traceback", "subprocess"}
    assert not dear & set(loaded.split())


def test_the_log_is_one_plain_line_an_event(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.run()
    lines = capsys.readouterr().out.splitlines()
    assert all(datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%S%z") for line in lines)
    assert [line.split()[1] for line in lines] == ["run", "Succeeded:", "thread"]


def test_a_firing_on_a_day_that_is_not_meant_talks_to_nobody(pod: Pod, server: AgentServerFake) -> None:
    pod.order(days=[["L"]], timezone="Europe/Berlin")
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Skipped", "NotOnThisDay")
    assert server.requests == []
