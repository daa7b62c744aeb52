"""What a graph uses that runs in the pod: the example's, with its pretending model of 15 tokens a call."""

import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.paths import HERE
from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from graphcron.runner.in_pod_usage import InPodUsage, ids_before
from tests.support.agent_server_fake import message
from tests.support.in_pod import THREAD, Pod
from tests.support.until import block_until


def response(tokens: int) -> Any:
    return SimpleNamespace(generations=[[SimpleNamespace(message=message(tokens))]])


def test_each_call_counts_once_also_when_two_have_one_message() -> None:
    usage = InPodUsage(None, pytest.fail)
    usage.source = "Callback"
    same = response(7)
    for call in ("a", "b"):
        usage.begun()
        usage.ended(same, call)
    found = usage.usage(complete=True)
    assert found
    assert (found["totalTokens"], found["complete"]) == (14, True)


@pytest.mark.parametrize("answered", [None, SimpleNamespace(generations=[]), SimpleNamespace(generations=[[None]])])
def test_a_call_that_tells_nothing_makes_the_sum_incomplete(answered: Any) -> None:
    usage = InPodUsage(None, pytest.fail)
    usage.source = "Callback"
    for call, said in (("a", response(7)), ("b", answered)):
        usage.begun()
        usage.ended(said, call)
    found = usage.usage(complete=True)
    assert found
    assert (found["totalTokens"], found["complete"]) == (7, False)


def test_a_call_that_is_not_over_makes_the_sum_incomplete() -> None:
    usage = InPodUsage(None, pytest.fail)
    usage.source = "Callback"
    usage.begun()
    usage.ended(response(7), "a")
    usage.begun()
    found = usage.usage(complete=True)
    assert found
    assert found["complete"] is False


def test_the_limit_is_told_once() -> None:
    told: list[int] = []
    usage = InPodUsage(10, lambda: told.append(usage.total))
    for number in range(4):
        usage.begun()
        usage.ended(response(5), str(number))
    assert told == [15]


def test_messages_of_earlier_attempts_count_without_those_before_the_firing() -> None:
    usage = InPodUsage(None, pytest.fail)
    usage.source = "Callback"
    usage.count({"messages": [message(100, id="old"), message(7, id="new")]}, {"old"})
    found = usage.usage(complete=True)
    assert found
    assert (found["totalTokens"], found["complete"]) == (7, False)
    usage = InPodUsage(None, pytest.fail)
    usage.count({"messages": [message(100, id="old")]}, None)
    assert usage.usage(complete=True) is None, "which are its own cannot be known"


def test_an_attempt_that_resumes_a_run_holds_its_limit() -> None:
    told: list[int] = []
    usage = InPodUsage(20, lambda: told.append(usage.total))
    usage.count({"messages": [message(15)]}, set())
    assert told == []
    usage.begun()
    usage.ended(response(7), "a")
    assert told == [22]


async def test_messages_before_the_firing_that_cannot_be_read_are_unknown_and_no_failure() -> None:
    class Graph:
        async def aget_state_history(self, config: Any, **options: Any) -> Any:
            raise NotImplementedError("this checkpointer has no filter")
            yield

    assert await ids_before(Graph(), {}, "firing") is None


# With LangGraph, and the example graph


@pytest.fixture
def thinking(in_pod: Pod) -> Pod:
    shutil.copy(HERE.root / "examples/agent/graph.py", in_pod.app / "graph.py")
    return in_pod


def test_every_call_counts_also_those_whose_messages_nobody_keeps(thinking: Pod) -> None:
    thinking.order({"input": {"think": 2, "muse": 1}}, only_attempt=True, record_answer=True)
    code, outcome = thinking.run()
    assert code == EXIT_DONE
    assert outcome.usage == {
        "inputTokens": 30,
        "outputTokens": 15,
        "totalTokens": 45,
        "cachedTokens": 12,
        "models": {"pretending-1": {"inputTokens": 30, "outputTokens": 15, "totalTokens": 45, "cachedTokens": 12}},
        "source": "Callback",
        "complete": True,
    }
    assert outcome.answer == "You said 1 things."
    assert "You said" not in thinking.log


def test_a_graph_without_a_model_has_no_usage(thinking: Pod) -> None:
    thinking.order({"input": {}}, only_attempt=True)
    outcome = thinking.run()[1]
    assert (outcome.usage, outcome.answer) == (None, None)
    assert outcome.duration is not None


def test_where_an_earlier_attempt_may_have_left_no_trace_nothing_is_complete(thinking: Pod) -> None:
    thinking.order({"input": {"think": 1}})
    outcome = thinking.run()[1]
    assert outcome.usage
    assert (outcome.usage["totalTokens"], outcome.usage["complete"]) == (15, False)


def test_on_a_kept_thread_each_firing_has_its_own_tokens(thinking: Pod) -> None:
    thinking.keeps_threads()
    thinking.order({"input": {"think": 2}}, thread_id=THREAD)
    for firing in ("a", "b"):
        thinking.environ["GRAPHCRON_JOB_UID"] = firing
        outcome = thinking.run()[1]
        assert outcome.usage
        assert (outcome.usage["totalTokens"], outcome.usage["complete"]) == (30, True)
    again = thinking.run()[1]
    assert again.usage, "found finished: its pod was killed before it could report"
    assert (again.usage["totalTokens"], again.usage["complete"], again.usage["source"]) == (30, False, "FinalState")


def test_a_run_that_uses_too_much_is_stopped(thinking: Pod) -> None:
    thinking.order({"input": {"muse": 100}}, run_tokens=20, only_attempt=True)
    code, outcome = thinking.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunBudgetExceeded")
    assert outcome.message == "the run used 30 tokens, and budget.perRun allows 20: it was cancelled"
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 30


def test_a_run_that_waits_for_input_has_its_tokens(thinking: Pod) -> None:
    thinking.order({"input": {"think": 1, "interrupt": "sure?"}})
    outcome = thinking.run()[1]
    assert (outcome.outcome, outcome.usage and outcome.usage["totalTokens"]) == ("WaitingForInput", 15)


def test_a_pod_that_is_stopped_tells_what_its_run_used(thinking: Pod) -> None:
    with (thinking.app / "graph.py").open("a") as file:
        file.write(FOR_EVER)
    thinking.order({"input": {}}, only_attempt=True)
    process = thinking.start()
    block_until((thinking.app / "used").exists)
    process.terminate()
    assert process.wait(30) == EXIT_TRY_AGAIN
    outcome = thinking.outcome()
    assert outcome.usage, outcome
    assert (outcome.reason, outcome.usage["totalTokens"], outcome.usage["complete"]) == ("PodStopped", 15, False)


def test_what_a_graph_does_after_its_end_changes_nothing(thinking: Pod) -> None:
    """A task that it left behind uses too much, while the pod deletes the thread."""
    thinking.keeps_threads()
    with (thinking.app / "graph.py").open("a") as file:
        file.write(LEFT_BEHIND.format(log=str(thinking.termination_log)))
    thinking.order({"input": {}}, run_tokens=10)
    code, outcome = thinking.run()
    assert (thinking.app / "used").exists()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")


FOR_EVER = """
from pathlib import Path


async def wait(state: State) -> State:
    model.invoke("hm")
    Path("used").touch()
    await asyncio.sleep(3600)


graph = StateGraph(State).add_node("wait", wait).add_edge(START, "wait").add_edge("wait", END).compile()
"""
LEFT_BEHIND = """
import os
from pathlib import Path

tasks = []


async def leave(state: State) -> State:
    async def later():
        while not os.path.exists({log!r}):
            await asyncio.sleep(0)
        model.invoke("hm")
        Path("used").touch()

    tasks.append(asyncio.create_task(later()))
    return {{}}


graph = StateGraph(State).add_node("leave", leave).add_edge(START, "leave").add_edge("leave", END).compile()
"""
