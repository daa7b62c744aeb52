"""How long a failure is borne, and who waits."""

import time
from pathlib import Path

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_TRY_AGAIN
from tests.support.agent_server_fake import START, AgentServerFake, Fault, Hold, answer
from tests.support.run_pod import Pod
from tests.support.until import block_until


def test_a_server_that_restarts_while_we_follow_is_found_again(server: AgentServerFake, tmp_path: Path) -> None:
    server.ends_as = None
    with server.listening() as url:
        process = Pod(tmp_path, url).start()
        block_until(lambda: server.polls() >= 1)
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
