"""Tokens and answers, from LangGraph's own server: they equal the example model's own count, 15 a call.

`GRAPHCRON_COUNTED_FIRINGS=1000 pytest tests/contract/test_usage.py -k equal` counts that many.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, Outcome
from tests.contract.conftest import Side
from tests.support.contract_threads import new_thread
from tests.support.run_pod import Pod, firing_of_now
from tests.support.until import block_until

CALL = 15
FIRINGS = int(os.environ.get("GRAPHCRON_COUNTED_FIRINGS") or 12)


@pytest.fixture
def server(reference_url: str) -> Side:
    return Side(reference_url)


def another(server: Side, directory: Path) -> Pod:
    """A pod of another firing."""
    directory.mkdir(parents=True, exist_ok=True)
    return Pod(directory, server.url, firing_of_now())


def told(outcome: Outcome) -> tuple[int, str, bool] | None:
    found = outcome.usage
    return (found["totalTokens"], found["source"], found["complete"]) if found else None


def fired(pod: Pod) -> Outcome:
    with pod.start() as process:
        process.communicate(timeout=60)
    return pod.outcome()


@pytest.mark.parametrize("way", ["stateless", "thread", "capped", "capped thread"])
def test_tokens_equal_the_models_own_count(server: Side, tmp_path: Path, way: str) -> None:
    shared = new_thread(server) if "thread" in way else None
    limit = 10_000 if "capped" in way else None

    def fire(number: int) -> tuple[Outcome, int]:
        pod, think = another(server, tmp_path / str(number)), 1 + number % 4
        pod.order({"input": {"think": think}}, thread_id=shared, run_tokens=limit)
        return fired(pod), CALL * think

    with ThreadPoolExecutor(1 if shared else 3) as pool:
        found = list(pool.map(fire, range(FIRINGS)))
    source = ("Stream", True) if limit else ("FinalState", False)
    assert [(told(outcome), outcome.reason) for outcome, _ in found] == [
        ((tokens, *source), "RunSucceeded") for _, tokens in found
    ]
    assert {tuple(outcome.usage["models"]) for outcome, _ in found if outcome.usage} == {("pretending-1",)}


def test_firings_at_once_on_one_thread_have_their_own_tokens(server: Side, tmp_path: Path) -> None:
    """Each waits for the one before it, and when it looks, others have followed."""
    thread_id = new_thread(server)

    def fire(number: int) -> Any:
        pod = another(server, tmp_path / str(number))
        pod.order({"input": {"think": 1 + number}, "multitask_strategy": "enqueue"}, thread_id=thread_id)
        return told(fired(pod))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fire, range(4)))
    assert found == [(CALL * (1 + number), "FinalState", False) for number in range(4)]


def test_with_durability_exit_too(server: Side, tmp_path: Path) -> None:
    thread_id = new_thread(server)
    for number in range(2):
        pod = another(server, tmp_path / str(number))
        pod.order({"input": {"think": 2}, "durability": "exit"}, thread_id=thread_id)
        assert told(pod.run()[1]) == (2 * CALL, "FinalState", False)


def test_a_stream_shows_what_no_state_keeps(server: Side, tmp_path: Path) -> None:
    request = {"input": {"think": 1, "muse": 2}}
    pod = another(server, tmp_path / "state")
    pod.order(request)
    assert told(pod.run()[1]) == (CALL, "FinalState", False)
    pod = another(server, tmp_path / "stream")
    pod.order(request, run_tokens=10_000)
    assert told(pod.run()[1]) == (3 * CALL, "Stream", True)


def test_the_answer_is_read_before_the_thread_is_deleted(server: Side, tmp_path: Path) -> None:
    pod = another(server, tmp_path)
    pod.order({"input": {"messages": [{"role": "user", "content": "hi"}], "sleep": 1}}, record_answer=True)
    code, outcome = pod.run()
    assert code == EXIT_DONE
    assert outcome.answer
    assert outcome.answer.startswith("You asked: 'hi'.")
    assert outcome.duration in (1, 2, 3)
    assert outcome.usage is None, "no model, no tokens"
    assert server.send("GET", f"/threads/{outcome.thread_id}").status == 404
    assert pod.run() == (code, outcome), "the record has it, too"


@pytest.mark.parametrize("on_thread", [False, True], ids="kept thread".split())
def test_a_run_over_its_limit_is_cancelled_on_the_server(server: Side, tmp_path: Path, on_thread: bool) -> None:
    pod = another(server, tmp_path)
    where = {"thread_id": new_thread(server)} if on_thread else {"keep_thread": True}
    pod.order({"input": {"muse": 200}}, run_tokens=40, **where)
    began = time.monotonic()
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunBudgetExceeded")
    assert time.monotonic() - began < 1.5 + 10, "within ten seconds after the stream has shown it"
    found = told(outcome)
    assert found
    assert found[0] > 40
    assert found[1:] == ("Stream", False)
    assert f"used {found[0]} tokens, and budget.perRun allows 40" in outcome.message
    run = server.send("GET", f"/threads/{outcome.thread_id}/runs/{outcome.run_id}").body
    assert run["status"] == "interrupted"


def test_a_pod_that_comes_after_a_killed_one_holds_the_limit_and_counts_the_same(server: Side, tmp_path: Path) -> None:
    pod = another(server, tmp_path)
    pod.order({"input": {"muse": 200}}, run_tokens=100, keep_thread=True)
    with pod.start() as process:
        assert process.stdout
        assert "started on thread" in process.stdout.readline()
        time.sleep(2)  # some calls go by
        process.kill()
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunBudgetExceeded")
    assert told(outcome) == (105, "Stream", False)
    runs = server.send("GET", f"/threads/{outcome.thread_id}/runs").body
    assert [run["status"] for run in runs] == ["interrupted"]


def test_a_pod_that_comes_when_all_is_over_counts_the_same(server: Side, tmp_path: Path) -> None:
    pod = another(server, tmp_path)
    pod.order({"input": {"muse": 2, "think": 1}}, run_tokens=1000, keep_thread=True)
    with pod.start() as process:
        assert process.stdout
        said = process.stdout.readline()
        assert "started on thread" in said
        process.kill()
    thread_id = said.split()[-1]
    block_until(lambda: server.send("GET", f"/threads/{thread_id}").body["status"] == "idle")
    assert told(pod.run()[1]) == (3 * CALL, "Stream", True)
