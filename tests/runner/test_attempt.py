"""An attempt at a firing: gate, jitter and deadline, whatever the engine."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from graphcron.runner.attempt import wait_until
from tests.support.agent_server_fake import CANCEL, START, AgentServerFake, Answer, Hold, answer
from tests.support.run_pod import FIRING, Pod
from tests.support.until import block_until, later


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"end_time": "2026-11-22T19:20:00Z"}, "AfterEndTime"),
        ({"start_time": "2026-11-22T19:21:00Z"}, "BeforeStartTime"),
        ({"days": [["L"]], "timezone": "Europe/Berlin"}, "NotOnThisDay"),
    ],
)
def test_a_skipped_firing_sends_no_request_and_says_why(
    pod: Pod, server: AgentServerFake, order: dict[str, Any], reason: str
) -> None:
    pod.order(**order)
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason, server.requests) == (EXIT_DONE, "Skipped", reason, [])


def test_a_backfill_of_a_past_minute_runs_at_once(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["GRAPHCRON_TRIGGER"] = "Backfill"
    pod.order(not_before="2999-01-01T00:00:00Z", jitter_seconds=3600)
    assert pod.run()[1].reason == "RunSucceeded"
    pod.environ["GRAPHCRON_TRIGGER"] = ""
    assert pod.run()[1].reason == "ScheduledBeforeChange"


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


def test_a_run_that_cannot_be_cancelled_is_reported_as_such(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    pod.order(deadline_seconds=1)
    server.fail(CANCEL, answer(403, {"detail": "read only"}))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert "may go on, cancel it on the Agent Server" in outcome.message
    assert "read only" in outcome.message


@pytest.mark.parametrize(
    ("ago", "slow", "trigger", "code", "reason", "status"),
    [
        (timedelta(0), timedelta(0), "", EXIT_TRY_AGAIN, "PodStopped", "pending"),
        (timedelta(minutes=20), timedelta(0), "", EXIT_RUN_FAILED, "DeadlineExceeded", "interrupted"),
        (timedelta(minutes=20), timedelta(minutes=15), "", EXIT_TRY_AGAIN, "PodStopped", "pending"),
        (timedelta(days=20), timedelta(0), "Backfill", EXIT_TRY_AGAIN, "PodStopped", "pending"),
    ],
    ids=["in time", "late", "late by a clock that is fast", "of a past minute"],
)
def test_a_pod_that_is_stopped_cancels_only_when_its_job_can_be_out_of_time(
    pod: Pod,
    server: AgentServerFake,
    ago: timedelta,
    slow: timedelta,
    trigger: str,
    code: int,
    reason: str,
    status: str,
) -> None:
    """The node's clock says when a Job is out of time. Where it is ahead of the Agent Server's, it may be wrong."""
    server.slow = slow
    server.ends_as = None
    pod.environ |= {"GRAPHCRON_JOB_NAME": due(ago), "GRAPHCRON_TRIGGER": trigger}
    pod.order(deadline_seconds=600, keep_thread=True)
    with pod.start() as process:
        block_until(lambda: server.polls() >= 1)
        process.terminate()
        assert process.wait(20) == code
    assert pod.outcome().reason == reason
    assert [run["status"] for run in server.runs] == [status]
