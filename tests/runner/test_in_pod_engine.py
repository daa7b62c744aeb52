"""A graph runs once in its pod, whatever breaks on the way: the runner as a process on a user's Python, with LangGraph.

That Python is not ours and has nothing of ours: `make unit` prepares it from the example's locked requirements.
"""

import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.firing.formats import parse_time
from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from tests.support.in_pod import THREAD, Pod, killed_in_second
from tests.support.until import block_until


def checkpoints(pod: Pod, thread_id: str | None = None) -> int:
    try:
        with closing(sqlite3.connect(pod.directory / "threads.sqlite", timeout=10)) as database:
            query, values = "SELECT count(*) FROM checkpoints", ()
            if thread_id:
                query, values = f"{query} WHERE thread_id = ?", (thread_id,)  # type: ignore[assignment]
            return int(database.execute(query, values).fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not set up yet


# What runs, and how it ends


def test_a_graph_runs_to_its_end_without_any_server(in_pod: Pod) -> None:
    code, outcome = in_pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "RunSucceeded")
    assert outcome.run_id
    assert outcome.started_at
    assert in_pod.steps == ["first", "second", "third"]


def test_a_graph_that_fails_is_a_failed_run_with_its_message(in_pod: Pod) -> None:
    in_pod.touch("fail")
    code, outcome = in_pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunError")
    assert outcome.message == "RuntimeError: out of ideas"
    assert "in second" in in_pod.log, "the traceback is in the log"


def test_a_factory_that_fails_and_a_graph_that_exits_are_failed_runs_too(in_pod: Pod) -> None:
    in_pod.graphs({"agent": "./graph.py:broken"})
    code, outcome = in_pod.run()
    assert (code, outcome.reason, outcome.message) == (EXIT_RUN_FAILED, "RunError", "ValueError: no such model")
    in_pod.graphs({"agent": "./graph.py:graph"})
    in_pod.touch("exit")
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert "enough" in outcome.message


def test_a_recursion_limit_holds(in_pod: Pod) -> None:
    in_pod.order({"config": {"recursion_limit": 2}})
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert outcome.message.startswith("GraphRecursionError: Recursion limit of 2")


@pytest.mark.parametrize(
    "request_", [{"interrupt_before": ["second"]}, {"interrupt_after": ["first"]}, {"interrupt_after": "*"}]
)
def test_a_run_that_stops_at_a_node_waits_for_input(in_pod: Pod, request_: dict[str, Any]) -> None:
    in_pod.order(request_)
    code, outcome = in_pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "WaitingForInput", "WaitingForInput")
    assert in_pod.steps == ["first"]


def test_a_skipped_firing_imports_nothing(in_pod: Pod) -> None:
    in_pod.order(end_time="2020-01-01T00:00:00Z")
    code, outcome = in_pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Skipped", "AfterEndTime")
    assert "imported" not in in_pod.log


def test_the_input_may_come_from_a_file(in_pod: Pod) -> None:
    database = in_pod.keeps_threads()
    in_pod.order({"input": None}, input_from_file=True, thread_id=THREAD)
    (in_pod.directory / "input.json").write_text('{"text": "$(HOME) \\u00e9"}')
    assert in_pod.run()[0] == EXIT_DONE
    assert in_pod.state(THREAD)["values"]["log"][3] == "$(HOME) é"
    assert database.exists()


def test_the_graph_sees_its_cron_its_thread_and_its_context(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    config = {"configurable": {"colour": "blue", "cron_id": "cron-1"}}
    for number, request in enumerate([{"config": config}, {"context": {"colour": "blue"}, "config": {}}]):
        thread = f"{THREAD[:-1]}{number}"
        in_pod.order(request, thread_id=thread)
        assert in_pod.run()[0] == EXIT_DONE
        _, seen, context = in_pod.state(thread)["values"]["log"][:3]
        assert seen == {"colour": "blue", "cron_id": "cron-1", "thread_id": thread}
        assert context == {"colour": "blue"}, "as on the Agent Server, and nothing that the schema does not know"


def test_the_graph_sees_when_its_firing_was_due_and_what_made_it(in_pod: Pod) -> None:
    due = {"graphcron_scheduled_time": "2026-02-02T02:40:00Z"}
    in_pod.order({"metadata": {"graphcron_trigger": "mine"}}, only_attempt=True)
    assert in_pod.run()[0] == EXIT_DONE
    assert in_pod.metadata == {**due, "graphcron_trigger": "Schedule", "graphcron_attempt": 1}
    in_pod.environ["GRAPHCRON_TRIGGER"] = "Backfill"
    in_pod.order()
    assert in_pod.run()[0] == EXIT_DONE
    assert in_pod.metadata == {**due, "graphcron_trigger": "Backfill"}, "without a checkpointer nothing counts attempts"


# Whatever is killed on the way


def test_a_killed_pod_is_resumed_from_the_threads_last_checkpoint(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order({"durability": "sync"}, thread_id=THREAD)
    assert killed_in_second(in_pod) == -signal.SIGKILL
    code, outcome = in_pod.run()
    assert (code, outcome.reason, outcome.thread_id) == (EXIT_DONE, "RunSucceeded", THREAD)
    assert in_pod.steps == ["first", "second", "second", "third"], "the first step is not paid for twice"
    assert in_pod.state(THREAD)["values"]["log"][-2:] == ["second", "third"]
    assert in_pod.metadata["graphcron_attempt"] == 2


def test_a_run_by_hand_is_of_the_time_when_its_first_attempt_began(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.environ["GRAPHCRON_JOB_NAME"] = "report-by-hand"
    in_pod.order({"durability": "sync"}, thread_id=THREAD)
    killed_in_second(in_pod)
    second = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    block_until(lambda: datetime.now(UTC) > second)
    in_pod.run()
    assert in_pod.metadata["graphcron_trigger"] == "Manual"
    assert parse_time(in_pod.metadata["graphcron_scheduled_time"]) < second


def test_a_finished_run_is_found_finished(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order(thread_id=THREAD)
    first, again = in_pod.run(), in_pod.run()
    assert (again[0], again[1].reason, again[1].run_id) == (EXIT_DONE, "RunSucceeded", first[1].run_id)
    assert in_pod.steps == ["first", "second", "third"]


def test_a_failed_run_is_found_failed(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order(thread_id=THREAD)
    in_pod.touch("fail")
    in_pod.run()
    in_pod.remove("fail")
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert "out of ideas" in outcome.message
    assert in_pod.steps == ["first", "second"]


@pytest.mark.parametrize("request_", [{}, {"interrupt_before": ["third"]}, {"interrupt_after": ["second"]}])
def test_a_run_that_waits_is_found_waiting(in_pod: Pod, request_: dict[str, Any]) -> None:
    in_pod.keeps_threads()
    in_pod.order(request_, thread_id=THREAD)
    if not request_:
        in_pod.touch("ask")
    first, again = in_pod.run(), in_pod.run()
    assert first[1].reason == again[1].reason == "WaitingForInput"
    assert THREAD in again[1].message
    assert in_pod.steps == ["first", "second"]


def test_a_thread_is_kept_from_firing_to_firing(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order(thread_id=THREAD)
    in_pod.run()
    in_pod.environ["GRAPHCRON_JOB_UID"] = "another"
    assert in_pod.run()[0] == EXIT_DONE
    assert in_pod.steps == ["first", "second", "third"] * 2
    assert in_pod.state(THREAD)["values"]["log"].count("third") == 2


def test_the_thread_of_a_stateless_firing_is_deleted_and_its_outcome_remembered(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    first = in_pod.run()
    assert first[1].thread_id
    assert (checkpoints(in_pod, first[1].thread_id), checkpoints(in_pod)) == (0, 1), "one record is left"
    again = in_pod.run()
    assert again == first
    assert in_pod.steps == ["first", "second", "third"]


def test_on_run_completed_keep_keeps_it(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order(keep_thread=True)
    _, outcome = in_pod.run()
    assert outcome.thread_id
    assert in_pod.state(outcome.thread_id)["values"]["log"][-1] == "third"


def test_old_records_are_swept_by_later_firings(in_pod: Pod) -> None:
    database = in_pod.keeps_threads()
    in_pod.run()
    with closing(sqlite3.connect(database)) as connection, connection:
        ((record, kind, blob),) = connection.execute("SELECT thread_id, type, checkpoint FROM checkpoints").fetchall()
        assert kind == "msgpack"
        year = time.strftime("%Y").encode()
        connection.execute("UPDATE checkpoints SET checkpoint = ?", (blob.replace(b"ts\xd9 " + year, b"ts\xd9 2001"),))
    in_pod.environ["GRAPHCRON_JOB_UID"] = "another"
    in_pod.run()
    assert (checkpoints(in_pod, record), checkpoints(in_pod)) == (0, 1)


def test_at_sigterm_it_reports_an_outcome_and_the_next_attempt_goes_on(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order({"durability": "sync"}, thread_id=THREAD)
    began = time.monotonic()
    assert killed_in_second(in_pod, signal.SIGTERM) == EXIT_TRY_AGAIN
    assert time.monotonic() - began < 25, "a node that blocks is not waited for"
    outcome = in_pod.outcome()
    assert (outcome.outcome, outcome.reason) == ("Failed", "PodStopped")
    assert f"resumes thread {THREAD}" in outcome.message
    assert in_pod.run()[1].reason == "RunSucceeded"
    assert in_pod.steps.count("first") == 1


def test_at_sigterm_without_a_checkpointer_it_says_that_the_run_is_lost(in_pod: Pod) -> None:
    assert killed_in_second(in_pod, signal.SIGTERM) == EXIT_TRY_AGAIN
    assert "nothing of the run is kept" in in_pod.outcome().message


def test_a_run_that_takes_too_long_is_cancelled_and_not_tried_again(in_pod: Pod) -> None:
    """Its thread goes like that of any other firing that is over."""
    in_pod.keeps_threads()
    in_pod.order({"durability": "sync"}, deadline_seconds=3)
    in_pod.touch("hold")
    began = time.monotonic()
    code, outcome = in_pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "DeadlineExceeded")
    assert outcome.message == "activeDeadlineSeconds (3) passed, and its run was cancelled"
    assert time.monotonic() - began < 25, "a node that blocks is not waited for"
    assert "third" not in in_pod.steps
    assert checkpoints(in_pod, outcome.thread_id) == 0


def test_another_attempt_has_no_more_time(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    in_pod.order({"durability": "sync"}, deadline_seconds=8)
    killed_in_second(in_pod)
    time.sleep(8)  # the firing's time passes with no pod at work
    in_pod.touch("hold")
    began = time.monotonic()
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert time.monotonic() - began < 8 + 10, "at once, but for what a node that blocks is given"
