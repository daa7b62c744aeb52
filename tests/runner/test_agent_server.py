"""The client of a run pod: what it makes of an Agent Server's answers."""

from pathlib import Path
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED
from graphcron.runner.agent_server import retry_after
from tests.support.agent_server_fake import START, AgentServerFake, Fault, answer
from tests.support.run_pod import DUE, FIRING, KEY, Pod
from tests.support.until import block_until, later


def test_a_url_with_a_path_works(server: AgentServerFake, tmp_path: Path) -> None:
    server.prefix = "/agents/one"
    with server.listening() as url:
        assert Pod(tmp_path, url + "/").run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_run_behind_many_newer_ones_is_followed(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)

    def crowd() -> None:
        for _ in range(30):
            server.add_run(thread_id)
        block_until(lambda: any(request.count("/") == 4 for request in server.requests))
        server.end_runs("success")

    later(lambda: server.started, crowd)
    assert pod.run()[0] == EXIT_DONE


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


def test_a_wrong_path_is_named_as_such(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["AGENT_SERVER_URL"] += "/wrong"
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.message.endswith("URL right?")) == (EXIT_REFUSED, "NoAgentServer", True)


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
        ("Sun, 22 Nov 99999999999999999999 19:20:30 GMT", 0),
        ("-5", 0),
        ("1.5", 0),
        ("٧", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert retry_after(text, DUE) == seconds


def test_a_retry_after_that_is_absurd_is_longer_than_any_patience() -> None:
    assert retry_after("9" * 400, DUE) > 1e300
