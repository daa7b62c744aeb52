"""Servers whose errors have another shape than LangGraph's: the runner against each, on a real socket."""

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED
from tests.support.agent_server_fake import POLL, AgentServerFake, answer
from tests.support.run_pod import FIRING, Pod
from tests.support.until import block_until, later


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
        block_until(lambda: other.polls() >= 1)
        process.kill()
    if status == "success":
        other.end_runs(status)
    else:
        later(lambda: other.polls() >= 4, lambda: other.end_runs("success"))
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
        later(lambda: server.polls() > 3, lambda: server.end_runs("success"))
    else:
        pod.run()
    # All that is asked meanwhile meets the ingress: who says that the thread is gone has to find others.
    server.fail(stage, *[answer(404, body)] * times)
    server.fail(r"/search$", *[answer(404, body)] * (times - 1))
    assert pod.run()[1].reason == "RunSucceeded"
    assert len(server.started) == 1
