"""Pods that die at any point: the next one goes on, and no second run starts."""

import signal
from datetime import timedelta

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from tests.support.agent_server_fake import CREATE, DELETE, POLL, START, AgentServerFake, Hold, undisturbed
from tests.support.run_pod import DUE, FIRING, Pod
from tests.support.until import block_until, later


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
        assert pod.outcome().reason == "RunSucceeded", "the outcome was not reported before tidying up"
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
        block_until(hold.handled.is_set)
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
            block_until(lambda: server.polls() > 4)
            server.end_runs("success")

        later(lambda: server.started, release)
        code, outcome = pod.run()
        assert (code, process.wait(20)) == (EXIT_DONE, EXIT_DONE)
    assert pod.outcome().run_id == outcome.run_id
    assert len(server.started) == 1


def test_a_pod_whose_rival_was_quicker_repeats_its_outcome(pod: Pod, server: AgentServerFake) -> None:
    """The rival deletes the thread under the eyes of the one that follows the run."""
    server.ends_as = None
    hold = Hold("before")
    with pod.start() as rival:
        block_until(lambda: server.polls() >= 1)
        server.fail(POLL, hold)
        assert hold.reached.wait(20)
        server.end_runs("success")
        _, outcome = pod.run()
        hold.let_go.set()
        assert rival.wait(20) == EXIT_DONE
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
