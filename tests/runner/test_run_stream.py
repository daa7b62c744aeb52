"""A run's stream on a real socket: what it shows is counted once, whatever breaks."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_RUN_FAILED
from graphcron.runner import run_stream
from graphcron.runner.agent_server import AgentServer
from graphcron.runner.run_stream import RunStream
from graphcron.runner.transport import Transport, Trust
from tests.support.agent_server_fake import (
    CANCEL,
    AgentServerFake,
    Answer,
    Drop,
    answer,
    begun,
    message,
    reset_before,
    told,
)
from tests.support.run_pod import Pod
from tests.support.until import block_until, later

STREAM = r"/stream$"
CANCELLED = re.compile(r"/cancel$").search


@pytest.fixture
def stream(server: AgentServerFake) -> Iterator[RunStream]:
    """Of a run that is not over."""
    thread_id = server.add_thread()
    run_id = server.add_run(thread_id, status="running")["run_id"]
    with server.listening() as url:
        client = AgentServer(Transport(url, Trust(), None, 5.0), {})
        yield RunStream(client, thread_id, run_id, limit=100)
        server.end_runs("success")


def ended(server: AgentServerFake, stream: RunStream) -> Any:
    server.end_runs("success")
    return stream.usage(complete=True)


def test_what_a_stream_shows_is_summed_to_the_end(server: AgentServerFake, stream: RunStream) -> None:
    server.events[""] = [begun(), told(7), ("values", {"x": 1}), told(5, "messages|sub:1"), told(3)]
    stream.start()
    block_until(lambda: stream.spent == 15)
    found = ended(server, stream)
    assert (found["totalTokens"], found["source"], found["complete"]) == (15, "Stream", True)
    assert not stream.exceeded


def test_the_parts_of_a_message_are_added_and_its_last_word_is_not(server: AgentServerFake, stream: RunStream) -> None:
    part = {"type": "AIMessageChunk", "id": "a"}
    server.events[""] = [begun(), told(7, **part), told(0, **part), told(2, **part)]
    server.events[""] += [("messages/partial", [message(4, id="b")]), ("messages/complete", [message(6, id="b")])]
    stream.start()
    block_until(lambda: stream.spent == 15)
    assert ended(server, stream)["totalTokens"] == 15


def test_what_a_server_sends_twice_at_the_seam_counts_once(server: AgentServerFake, stream: RunStream) -> None:
    """Where what it kept meets what is new: the same event, by its id."""
    part = told(7, type="AIMessageChunk", id="a")

    def twice(handle: Any) -> Answer:
        def show() -> Iterator[bytes]:
            for piece in server.show(stream._run_id):
                yield piece
                if b"AIMessageChunk" in piece:
                    yield piece

        return Answer(200, show())

    server.events[""] = [begun(), part, told(1)]
    server.fail(STREAM, twice, twice)
    stream.start()
    block_until(lambda: stream.spent >= 8)
    assert ended(server, stream)["totalTokens"] == 8


@pytest.mark.parametrize("broken", [reset_before, answer(502), answer(200, b"event: messages\ndata: {")])
def test_a_stream_that_broke_is_read_from_its_beginning(
    server: AgentServerFake, stream: RunStream, broken: Any
) -> None:
    server.events[""] = [begun(), told(7), told(5)]
    server.fail(STREAM, broken)
    stream.start()
    block_until(lambda: stream.spent == 12)
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (12, True)


def cut_off(server: AgentServerFake, stream: RunStream) -> Any:
    """A fault: the connection breaks in the middle of the stream."""

    def handled(handle: Any) -> Answer:
        def show() -> Iterator[bytes]:
            shown = server.show(stream._run_id)
            yield next(shown)
            yield next(shown)
            raise Drop

        return Answer(200, show())

    return handled


def test_a_stream_that_was_cut_off_is_read_again_and_counts_the_same(
    server: AgentServerFake, stream: RunStream
) -> None:
    server.events[""] = [begun(), told(7, type="AIMessageChunk"), told(5)]
    server.fail(STREAM, *[cut_off(server, stream)] * 3)
    stream.start()
    block_until(lambda: stream.spent == 12)
    assert server.requests.count(server.requests[0]) == 4
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (12, True)


def test_a_last_look_that_was_cut_off_is_not_complete_and_loses_nothing(
    server: AgentServerFake, stream: RunStream
) -> None:
    server.events[""] = [begun(), told(7), told(5)]
    stream.start()
    block_until(lambda: stream.spent == 12)
    server.fail(STREAM, cut_off(server, stream))
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (12, False)


def test_a_stream_that_ends_with_its_connection_may_have_been_cut_off(
    server: AgentServerFake, stream: RunStream
) -> None:
    """As behind a proxy of HTTP/1.0."""
    server.events[""] = [begun(), told(7)]
    server.fail(STREAM, *[lambda handle: Answer(200, server.show(stream._run_id), {"connection": "close"})] * 2)
    stream.start()
    block_until(lambda: stream.spent == 7)
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (7, False)


def test_a_stream_whose_beginning_is_gone_is_not_complete(server: AgentServerFake, stream: RunStream) -> None:
    server.events[""] = [begun(), told(7), told(5)]
    server.forgets = 2
    stream.start()
    block_until(lambda: stream.spent == 5)
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (5, False)


def test_what_the_server_executes_again_counts_and_is_not_complete(server: AgentServerFake, stream: RunStream) -> None:
    """A call that its first attempt died in has told no tokens."""
    server.events[""] = [begun(), told(7), begun(2), told(7)]
    stream.start()
    block_until(lambda: stream.spent == 14)
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (14, False)


def test_an_event_that_is_too_long_is_left_out_and_the_rest_counts(
    server: AgentServerFake, stream: RunStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_stream, "EVENT_LIMIT", 20_000)
    server.events[""] = [begun(), told(7, content="x" * 100_000), told(5)]
    stream.start()
    block_until(lambda: stream.spent == 5)
    found = ended(server, stream)
    assert (found["totalTokens"], found["complete"]) == (5, False)


@pytest.mark.parametrize("data", [7, None, [], [7], [None, 7], {"a": 1}, [[]]])
@pytest.mark.parametrize("name", ["messages", "metadata", "messages/partial"])
def test_events_of_any_shape_harm_nothing(server: AgentServerFake, stream: RunStream, name: str, data: Any) -> None:
    server.events[""] = [begun(), (name, data), told(5)]
    stream.start()
    block_until(lambda: stream.spent == 5)
    assert ended(server, stream)["totalTokens"] == 5


# The limit of each run


def test_a_run_that_uses_too_much_is_cancelled(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(60), told(41)]
    pod.order({"stream_mode": "values"}, run_tokens=100)
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunBudgetExceeded")
    assert outcome.message == "the run used 101 tokens, and budget.perRun allows 100: it was cancelled"
    assert outcome.usage
    assert (outcome.usage["totalTokens"], outcome.usage["complete"]) == (101, False)
    sent = server.started[0]
    assert sent["stream_mode"] == ["values", "messages-tuple"]
    assert sent["stream_resumable"] is sent["stream_subgraphs"] is True


def test_a_run_that_uses_all_that_it_may_is_not(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(60), told(40)]
    pod.order(run_tokens=100)
    later(lambda: server.polls() >= 3, lambda: server.end_runs("success"))
    outcome = pod.run()[1]
    assert (outcome.reason, outcome.usage and outcome.usage["totalTokens"]) == ("RunSucceeded", 100)
    assert server.started[0]["stream_mode"] == ["messages-tuple"]


def test_the_pod_of_a_later_attempt_holds_the_limit(pod: Pod, server: AgentServerFake) -> None:
    """The run used too much while no pod was there."""
    server.ends_as = None
    server.events[""] = [begun(), told(60)]
    pod.order(run_tokens=100)
    with pod.start() as process:
        block_until(lambda: any("/stream" in request for request in server.requests))
        process.kill()
    server.events[""].append(told(50))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunBudgetExceeded")
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 110
    assert len(server.started) == 1


def test_a_pod_that_was_killed_after_it_cancelled_leaves_the_reason_to_the_next(
    pod: Pod, server: AgentServerFake
) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(101)]
    pod.order(run_tokens=100)
    with pod.start() as process:
        block_until(lambda: any(request.endswith("/cancel") for request in server.requests))
        process.kill()
    assert pod.run()[1].reason == "RunBudgetExceeded"


def test_where_the_beginning_of_the_stream_is_gone_the_state_shows_some(
    pod: Pod, server: AgentServerFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphcron.runner.run_details.STATE_SECONDS", 0.3)
    server.ends_as = None
    server.forgets = 1
    server.events[""] = [begun(), told(60)]
    pod.order(run_tokens=100)

    def checkpoint() -> None:
        (run,) = server.runs
        run["status"] = "running"
        server.checkpoint(run["thread_id"], {"messages": [message(150)]}, run_id=run["run_id"])

    later(lambda: server.polls() >= 2, checkpoint)
    outcome = pod.run()[1]
    assert outcome.reason == "RunBudgetExceeded"
    assert outcome.message.startswith("the run used 150 tokens")


def test_the_state_of_a_run_that_waits_for_its_turn_is_not_read(
    pod: Pod, server: AgentServerFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows no event either, maybe for hours, and a thousand pods may wait with it."""
    monkeypatch.setattr("graphcron.runner.run_details.STATE_SECONDS", 0.1)
    server.ends_as = None
    server.events["of another run"] = []
    pod.order(run_tokens=100)

    def looked() -> bool:
        return any(request.endswith("/history") for request in server.requests)

    later(lambda: server.polls() >= 4, lambda: server.end_runs("error" if looked() else "success"))
    assert pod.run()[1].reason == "RunSucceeded"


def test_a_run_that_somebody_cancelled_is_not_said_to_have_used_too_much(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(60)]
    pod.order(run_tokens=100)
    later(lambda: server.polls() >= 2, lambda: server.end_runs("interrupted"))
    outcome = pod.run()[1]
    assert outcome.reason == "RunCancelled"
    assert outcome.usage
    assert (outcome.usage["totalTokens"], outcome.usage["complete"]) == (60, False)


def test_a_cancellation_that_the_server_does_not_take_is_repeated(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(101)]
    server.fail(CANCEL, answer(503), answer(202, b""))
    pod.order(run_tokens=100)
    assert pod.run()[1].reason == "RunBudgetExceeded"
    assert sum(request.endswith("/cancel") for request in server.requests) == 3


def test_a_run_that_the_server_does_not_let_be_cancelled_is_followed_to_its_end(
    pod: Pod, server: AgentServerFake, capfd: pytest.CaptureFixture[str]
) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(101)]
    server.fail(CANCEL, *[answer(403)] * 9)
    pod.order(run_tokens=100)
    later(lambda: len(list(filter(CANCELLED, server.requests))) >= 2, lambda: server.end_runs("success"))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (0, "RunSucceeded")
    assert capfd.readouterr().out.count("403") == 1


def test_messages_that_come_after_the_limit_make_no_haste(server: AgentServerFake, stream: RunStream) -> None:
    """A run may stream for some time until it stops: the pod would ask and cancel at each message."""
    server.events[""] = [begun(), told(101)]
    stream.start()
    assert stream.news.wait(5)
    stream.news.clear()
    server.events[""] += [told(1) for _ in range(3)]
    block_until(lambda: stream.spent == 104)
    assert not stream.news.is_set()


def test_a_stream_that_breaks_again_and_again_is_logged_once(
    server: AgentServerFake, stream: RunStream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_stream, "PAUSES", (0.01,))
    server.events[""] = [begun(), told(7)]
    server.fail(STREAM, *[answer(404)] * 20)
    stream.start()
    block_until(lambda: stream.spent == 7)
    assert capsys.readouterr().out.count("404") == 1
