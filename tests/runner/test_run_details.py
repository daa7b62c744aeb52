"""What an outcome says besides: none of it delays a firing for long, or changes how it ended."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.runner import run_details
from tests.support.agent_server_fake import (
    AgentServerFake,
    Answer,
    answer,
    begun,
    message,
    reset_after,
    reset_before,
    told,
    undisturbed,
)
from tests.support.run_pod import Pod
from tests.support.until import block_until


def test_a_run_lasts_as_long_as_the_server_says_whenever_a_pod_looks(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    pod.run()
    (run,) = server.runs
    began = datetime.now(UTC) - timedelta(hours=1)
    run["created_at"], run["updated_at"] = began.isoformat(), (began + timedelta(seconds=83.7)).isoformat()
    assert pod.run()[1].duration == 84


@pytest.mark.parametrize("updated", ["", "soon", "2001-01-01T00:00:00Z", None])
def test_where_the_server_gives_no_end_it_lasts_until_now(pod: Pod, server: AgentServerFake, updated: Any) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    pod.run()
    (run,) = server.runs
    run["created_at"], run["updated_at"] = (datetime.now(UTC) - timedelta(seconds=90)).isoformat(), updated
    assert pod.run()[1].duration in (90, 91, 92, 93)


def test_a_server_that_takes_for_ever_at_the_end_delays_a_firing_by_seconds(
    pod: Pod, server: AgentServerFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_details, "SECONDS", 0.5)
    seconds = 8.0

    def drips(handle: Any) -> Answer:
        def show() -> Iterator[bytes]:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                yield b" "
                time.sleep(0.05)

        return Answer(200, show())

    server.fail(r"/history$", drips)
    began = time.monotonic()
    code, outcome = pod.run()
    assert time.monotonic() - began < seconds / 2
    assert (code, outcome.reason, outcome.usage) == (0, "RunSucceeded", None)


def test_a_pod_killed_while_it_reads_them_leaves_that_to_the_next(pod: Pod, server: AgentServerFake) -> None:
    """The thread is deleted only after they are recorded."""

    def never(handle: Any) -> Answer:
        process.kill()
        return answer(500)(handle)

    server.fail(r"/history$", never)
    with pod.start() as process:
        process.wait(20)
    (run,) = server.runs
    server.checkpoint(run["thread_id"], {"messages": [message(7)]}, run_id=run["run_id"])
    outcome = pod.run()[1]
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 7
    assert len(server.started) == 1


def test_a_pod_that_is_stopped_while_it_reads_them_says_how_the_run_ended(pod: Pod, server: AgentServerFake) -> None:
    """A Job that makes no second pod would count a run that succeeded as failed."""

    def stopped(handle: Any) -> Answer:
        process.terminate()
        time.sleep(0.3)
        return undisturbed(handle)

    server.fail(r"/history$", stopped)
    pod.order(only_attempt=True)
    with pod.start() as process:
        assert process.wait(20) == 0
    assert pod.outcome().reason == "RunSucceeded"


def test_a_server_that_names_no_time_leaves_the_duration_unknown(pod: Pod, server: AgentServerFake) -> None:
    """Unknown is not zero."""
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    pod.run()
    (run,) = server.runs
    run["created_at"] = "soon"
    outcome = pod.run()[1]
    assert (outcome.reason, outcome.duration) == ("RunSucceeded", None)


def test_a_pod_whose_run_never_began_knows_none_of_it(pod: Pod) -> None:
    pod.order({"assistant_id": "nope"})
    outcome = pod.run()[1]
    assert (outcome.duration, outcome.usage) == (None, None)


def test_at_the_deadline_the_run_counts_with_what_it_used(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1)
    with pod.start() as process:
        block_until(lambda: server.polls() >= 1)
        (run,) = server.runs
        server.checkpoint(run["thread_id"], {"messages": [message(7)]}, run_id=run["run_id"])
        process.wait(20)
    outcome = pod.outcome()
    assert outcome.reason == "DeadlineExceeded"
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 7
    assert outcome.duration is not None


def test_what_the_stream_showed_stands_when_the_state_cannot_be_read(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    server.events[""] = [begun(), told(101)]
    server.fail(r"/history$", answer(200, b"{"))
    pod.order(run_tokens=100)
    outcome = pod.run()[1]
    assert outcome.reason == "RunBudgetExceeded"
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 101


def test_a_server_that_breaks_off_is_asked_again(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    pod.run()
    (run,) = server.runs
    server.checkpoint(thread_id, {"messages": []}, "input", run_id=run["run_id"])
    server.checkpoint(thread_id, {"messages": [message(7)]}, run_id=run["run_id"])
    server.fail(r"/history$", reset_before, undisturbed, reset_after)
    outcome = pod.run()[1]
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 7
