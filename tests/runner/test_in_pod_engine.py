"""A graph runs once in its pod, whatever breaks on the way: the runner as a process on a user's Python, with LangGraph.

That Python is not ours and has nothing of ours: `make unit` prepares it from the example's locked requirements.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.paths import HERE
from graphcron.firing.order import Order
from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN, Outcome
from graphcron.runner.copy_runner import copy_to

PYTHON = HERE.build / "in-pod/bin/python"
"""Made by `make .build/in-pod/.ready` from examples/in-pod/requirements.txt."""

THREAD = "7b1d6a0e-0000-4000-8000-000000000000"
NOON = "29500000"
"""Minutes since 1970, as in a Job's name."""

GRAPH = """\
import asyncio, operator, os, time
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any
from typing_extensions import TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.channels import EphemeralValue
from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

print("imported the graph")


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    do: Annotated[dict[str, Any], EphemeralValue]
    text: str


class Context(TypedDict, total=False):
    colour: str


def note(line):
    with open("steps", "a") as file:
        file.write(line + chr(10))


async def first(state: State, config: RunnableConfig, runtime: Runtime[Context]) -> State:
    note("first")
    seen = {key: value for key, value in config["configurable"].items() if not key.startswith(("_", "checkpoint_"))}
    return {"log": ["first", seen, dict(runtime.context or {}), state.get("text")]}


def second(state: State) -> State:
    note("second")
    while os.path.exists("hold"):
        time.sleep(0.05)
    if os.path.exists("fail"):
        raise RuntimeError("out of ideas")
    if os.path.exists("exit"):
        raise SystemExit("enough")
    said = interrupt("sure?") if os.path.exists("ask") else "second"
    return {"log": [said]}


def third(state: State) -> State:
    note("third")
    return {"log": ["third"]}


steps = [("first", first), ("second", second), ("third", third)]
uncompiled = StateGraph(State, context_schema=Context)
for name, step in steps:
    uncompiled.add_node(name, step)
uncompiled.add_edge(START, "first").add_edge("first", "second").add_edge("second", "third").add_edge("third", END)
graph = uncompiled.compile()


def factory():
    return uncompiled


def with_config(config: RunnableConfig):
    note("made for " + config["configurable"]["cron_id"])
    return graph


async def asynchronous(config):
    return graph


@asynccontextmanager
async def in_context(config):
    note("entered")
    yield graph
    note("left")


@contextmanager
def in_plain_context():
    note("entered")
    yield uncompiled
    note("left")


@entrypoint()
async def functional(given):
    note("functional")
    return given


def hungry(config, runtime):
    return graph


def broken():
    raise ValueError("no such model")


number = 7
"""


class Pod:
    """What Kubernetes gives a pod of engine inPod, in a directory; each call is one pod of the same Job."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.app = directory, directory / "app"
        self.app.mkdir()
        (self.app / "graph.py").write_text(GRAPH)
        self.graphs({"agent": "./graph.py:graph"})
        copy_to(str(directory / "runner"))
        self.termination_log = directory / "termination-log"
        self.python: str | Path = PYTHON
        self.environ = {
            "HOME": str(directory),
            "GRAPHCRON_JOB_NAME": f"daily-{NOON}",
            "GRAPHCRON_JOB_UID": "0d8f8d6e-4a7c-4b62-8a8f-6f4f7d9f2c11",
            "GRAPHCRON_ORDER_PATH": str(directory / "order.json"),
            "GRAPHCRON_INPUT_PATH": str(directory / "input.json"),
            "GRAPHCRON_TERMINATION_LOG": str(self.termination_log),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "LANGSMITH_TRACING": "false",
        }
        self.order()

    def graphs(self, graphs: dict[str, Any], **others: Any) -> None:
        (self.app / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": graphs} | others))

    def order(self, request: Any = None, **fields: Any) -> None:
        order = Order("cron-1", {"assistant_id": "agent", "input": {"text": "hi"}} | (request or {}), **fields)
        (self.directory / "order.json").write_text(order.to_json())

    def keeps_threads(self) -> Path:
        database = self.directory / "threads.sqlite"
        self.environ["GRAPHCRON_CHECKPOINTER_URL"] = f"sqlite:///{database}"
        return database

    def start(self) -> "subprocess.Popen[str]":
        self.termination_log.unlink(missing_ok=True)
        command = [self.python, self.directory / "runner"]
        with (self.directory / "log").open("a") as said:
            return subprocess.Popen(
                command, cwd=self.app, env=self.environ, stdout=said, stderr=subprocess.STDOUT, text=True
            )

    def run(self) -> tuple[int, Outcome]:
        code = self.start().wait(60)
        return code, self.outcome()

    def outcome(self) -> Outcome:
        assert self.termination_log.exists(), self.log
        outcome = Outcome.from_json(self.termination_log.read_text())
        assert outcome is not None
        return outcome

    def touch(self, *names: str) -> None:
        for name in names:
            (self.app / name).touch()

    def remove(self, name: str) -> None:
        (self.app / name).unlink()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def steps(self) -> list[str]:
        file = self.app / "steps"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def state(self, thread_id: str) -> dict[str, Any]:
        """The thread's values and where it stands, as anybody reads it with LangGraph."""
        script = (
            "import asyncio, json, sys; from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver; import graph\n"
            "async def main():\n"
            "    async with AsyncSqliteSaver.from_conn_string(sys.argv[1]) as saver:\n"
            "        config = {'configurable': {'thread_id': sys.argv[2]}}\n"
            "        state = await graph.graph.copy(update={'checkpointer': saver}).aget_state(config)\n"
            "        sys.stderr.write(json.dumps({'values': state.values, 'next': state.next}))\n"
            "asyncio.run(main())\n"
        )
        command = [self.python, "-c", script, self.directory / "threads.sqlite", thread_id]
        read = subprocess.run(
            command, cwd=self.app, env=self.environ, check=True, capture_output=True, text=True, timeout=60
        )
        found: dict[str, Any] = json.loads(read.stderr)
        return found


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    assert PYTHON.exists(), "run: make .build/in-pod/.ready"
    return Pod(tmp_path)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def killed_in_second(pod: Pod, by: signal.Signals = signal.SIGKILL) -> int:
    """A pod that dies while the graph is in its second step."""
    pod.touch("hold")
    process = pod.start()
    until(lambda: "second" in pod.steps or process.poll() is not None)
    process.send_signal(by)
    if by == signal.SIGKILL:
        pod.remove("hold")
    code = process.wait(30)
    (pod.app / "hold").unlink(missing_ok=True)
    return code


def checkpoints(pod: Pod, thread_id: str | None = None) -> int:
    try:
        with sqlite3.connect(pod.directory / "threads.sqlite", timeout=10) as database:
            query, values = "SELECT count(*) FROM checkpoints", ()
            if thread_id:
                query, values = f"{query} WHERE thread_id = ?", (thread_id,)  # type: ignore[assignment]
            return int(database.execute(query, values).fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not set up yet


# What runs, and how it ends


def test_a_graph_runs_to_its_end_without_any_server(pod: Pod) -> None:
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "RunSucceeded")
    assert outcome.run_id
    assert outcome.started_at
    assert pod.steps == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("./graph.py:uncompiled", ["first", "second", "third"]),
        ("graph:graph", ["first", "second", "third"]),
        ({"path": "./graph.py:graph", "description": "x"}, ["first", "second", "third"]),
        ("./graph.py:factory", ["first", "second", "third"]),
        ("./graph.py:with_config", ["made for cron-1", "first", "second", "third"]),
        ("./graph.py:asynchronous", ["first", "second", "third"]),
        ("./graph.py:in_context", ["entered", "first", "second", "third", "left"]),
        ("./graph.py:in_plain_context", ["entered", "first", "second", "third", "left"]),
        ("./graph.py:functional", ["functional"]),
    ],
)
def test_all_that_langgraph_json_may_name(pod: Pod, target: Any, steps: list[str]) -> None:
    pod.graphs({"other": "./nowhere.py:graph", "agent": target})
    assert pod.run()[0] == EXIT_DONE, pod.log
    assert pod.steps == steps


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("./nowhere.py:graph", "nowhere.py cannot be imported: FileNotFoundError"),
        ("nowhere.graph:graph", "No module named 'nowhere'"),
        ("./graph.py:grpah", "has no grpah; it has: "),
        ("./graph.py", "and not FILE:VARIABLE"),
        ("./graph.py:number", "names a int, which is no graph"),
        ("./graph.py:hungry", "hungry takes config, runtime"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_is_not_tried_again(pod: Pod, target: str, said: str) -> None:
    pod.graphs({"agent": target})
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.run_id) == (EXIT_REFUSED, "GraphNotLoaded", None)
    assert said in outcome.message


def test_an_assistant_that_is_no_graph_names_those_that_are(pod: Pod) -> None:
    pod.order({"assistant_id": "agnet"})
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "AssistantNotFound")
    assert "'agnet'" in outcome.message
    assert outcome.message.endswith("it has: agent")


def test_without_langgraph_json_it_says_which_field_names_the_folder(pod: Pod) -> None:
    pod.remove("langgraph.json")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "spec.workingDir" in outcome.message


def test_a_graph_that_fails_is_a_failed_run_with_its_message(pod: Pod) -> None:
    pod.touch("fail")
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "RunError")
    assert outcome.message == "RuntimeError: out of ideas"
    assert "in second" in pod.log, "the traceback is in the log"


def test_a_factory_that_fails_and_a_graph_that_exits_are_failed_runs_too(pod: Pod) -> None:
    pod.graphs({"agent": "./graph.py:broken"})
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.message) == (EXIT_RUN_FAILED, "RunError", "ValueError: no such model")
    pod.graphs({"agent": "./graph.py:graph"})
    pod.touch("exit")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert "enough" in outcome.message


def test_a_recursion_limit_holds(pod: Pod) -> None:
    pod.order({"config": {"recursion_limit": 2}})
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert outcome.message.startswith("GraphRecursionError: Recursion limit of 2")


@pytest.mark.parametrize(
    "request_", [{"interrupt_before": ["second"]}, {"interrupt_after": ["first"]}, {"interrupt_after": "*"}]
)
def test_a_run_that_stops_at_a_node_waits_for_input(pod: Pod, request_: dict[str, Any]) -> None:
    pod.order(request_)
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "WaitingForInput")
    assert pod.steps == ["first"]


def test_a_skipped_firing_imports_nothing(pod: Pod) -> None:
    pod.order(end_time="2020-01-01T00:00:00Z")
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Skipped", "AfterEndTime")
    assert "imported" not in pod.log


def test_the_input_may_come_from_a_file(pod: Pod) -> None:
    database = pod.keeps_threads()
    pod.order({"input": None}, input_from_file=True, thread_id=THREAD)
    (pod.directory / "input.json").write_text('{"text": "$(HOME) \\u00e9"}')
    assert pod.run()[0] == EXIT_DONE
    assert pod.state(THREAD)["values"]["log"][3] == "$(HOME) é"
    assert database.exists()


def test_the_graph_sees_its_cron_its_thread_and_its_context(pod: Pod) -> None:
    pod.keeps_threads()
    config = {"configurable": {"colour": "blue", "cron_id": "cron-1"}}
    for number, request in enumerate([{"config": config}, {"context": {"colour": "blue"}, "config": {}}]):
        thread = f"{THREAD[:-1]}{number}"
        pod.order(request, thread_id=thread)
        assert pod.run()[0] == EXIT_DONE
        _, seen, context = pod.state(thread)["values"]["log"][:3]
        assert seen == {"colour": "blue", "cron_id": "cron-1", "thread_id": thread}
        assert context == {"colour": "blue"}, "as on the Agent Server, and nothing that the schema does not know"


def test_variables_of_langgraph_json_yield_to_those_of_the_pod(pod: Pod) -> None:
    (pod.app / "settings.env").write_text("# model\nexport MODEL='large one'\nKEY=from-the-file # a comment\nEMPTY=\n")
    (pod.app / "graph.py").write_text("import os\nraise ValueError([os.environ[n] for n in ('MODEL', 'KEY', 'EMPTY')])")
    pod.environ["KEY"] = "from-the-pod"
    said = "['large one', 'from-the-pod', '']"
    pod.graphs({"agent": "./graph.py:graph"}, env="settings.env")
    assert said in pod.run()[1].message
    pod.graphs({"agent": "./graph.py:graph"}, env={"MODEL": "large one", "KEY": "from-the-file", "EMPTY": ""})
    assert said in pod.run()[1].message


def test_our_modules_need_nothing_of_the_image_but_python(pod: Pod) -> None:
    """`-I -S`: no site-packages at all; the first thing that is missed is the user's own."""
    shim = pod.directory / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    shim.chmod(0o755)
    pod.python = shim
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "No module named 'typing_extensions'" in outcome.message


# Whatever is killed on the way


def test_a_killed_pod_is_resumed_from_the_threads_last_checkpoint(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order({"durability": "sync"}, thread_id=THREAD)
    assert killed_in_second(pod) == -signal.SIGKILL
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.thread_id) == (EXIT_DONE, "RunSucceeded", THREAD)
    assert pod.steps == ["first", "second", "second", "third"], "the first step is not paid for twice"
    assert pod.state(THREAD)["values"]["log"][-2:] == ["second", "third"]


def test_a_finished_run_is_found_finished(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order(thread_id=THREAD)
    first, again = pod.run(), pod.run()
    assert (again[0], again[1].reason, again[1].run_id) == (EXIT_DONE, "RunSucceeded", first[1].run_id)
    assert pod.steps == ["first", "second", "third"]


def test_a_failed_run_is_found_failed(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order(thread_id=THREAD)
    pod.touch("fail")
    pod.run()
    pod.remove("fail")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "RunError")
    assert "out of ideas" in outcome.message
    assert pod.steps == ["first", "second"]


@pytest.mark.parametrize("request_", [{}, {"interrupt_before": ["third"]}, {"interrupt_after": ["second"]}])
def test_a_run_that_waits_is_found_waiting(pod: Pod, request_: dict[str, Any]) -> None:
    pod.keeps_threads()
    pod.order(request_, thread_id=THREAD)
    if not request_:
        pod.touch("ask")
    first, again = pod.run(), pod.run()
    assert first[1].reason == again[1].reason == "WaitingForInput"
    assert THREAD in again[1].message
    assert pod.steps == ["first", "second"]


def test_a_thread_is_kept_from_firing_to_firing(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order(thread_id=THREAD)
    pod.run()
    pod.environ["GRAPHCRON_JOB_UID"] = "another"
    assert pod.run()[0] == EXIT_DONE
    assert pod.steps == ["first", "second", "third"] * 2
    assert pod.state(THREAD)["values"]["log"].count("third") == 2


def test_the_thread_of_a_stateless_firing_is_deleted_and_its_outcome_remembered(pod: Pod) -> None:
    pod.keeps_threads()
    first = pod.run()
    assert first[1].thread_id
    assert (checkpoints(pod, first[1].thread_id), checkpoints(pod)) == (0, 1), "one record is left"
    again = pod.run()
    assert again == first
    assert pod.steps == ["first", "second", "third"]


def test_on_run_completed_keep_keeps_it(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order(keep_thread=True)
    _, outcome = pod.run()
    assert outcome.thread_id
    assert pod.state(outcome.thread_id)["values"]["log"][-1] == "third"


def test_old_records_are_swept_by_later_firings(pod: Pod) -> None:
    database = pod.keeps_threads()
    pod.run()
    with sqlite3.connect(database) as connection:
        ((record, kind, blob),) = connection.execute("SELECT thread_id, type, checkpoint FROM checkpoints").fetchall()
        assert kind == "msgpack"
        year = time.strftime("%Y").encode()
        connection.execute("UPDATE checkpoints SET checkpoint = ?", (blob.replace(b"ts\xd9 " + year, b"ts\xd9 2001"),))
    pod.environ["GRAPHCRON_JOB_UID"] = "another"
    pod.run()
    assert (checkpoints(pod, record), checkpoints(pod)) == (0, 1)


def test_told_to_stop_it_leaves_word_and_the_next_attempt_goes_on(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order({"durability": "sync"}, thread_id=THREAD)
    began = time.monotonic()
    assert killed_in_second(pod, signal.SIGTERM) == EXIT_TRY_AGAIN
    assert time.monotonic() - began < 25, "a node that blocks is not waited for"
    outcome = pod.outcome()
    assert (outcome.outcome, outcome.reason) == ("Failed", "PodStopped")
    assert f"resumes thread {THREAD}" in outcome.message
    assert pod.run()[1].reason == "RunSucceeded"
    assert pod.steps.count("first") == 1


def test_told_to_stop_without_a_checkpointer_it_says_that_the_run_is_lost(pod: Pod) -> None:
    assert killed_in_second(pod, signal.SIGTERM) == EXIT_TRY_AGAIN
    assert "nothing of the run is kept" in pod.outcome().message


def test_a_run_that_takes_too_long_is_cancelled_and_not_tried_again(pod: Pod) -> None:
    """Its thread goes like that of any other firing that is over."""
    pod.keeps_threads()
    pod.order({"durability": "sync"}, deadline_seconds=3)
    pod.touch("hold")
    began = time.monotonic()
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_RUN_FAILED, "Failed", "DeadlineExceeded")
    assert outcome.message == "activeDeadlineSeconds (3) passed, and its run was cancelled"
    assert time.monotonic() - began < 25, "a node that blocks is not waited for"
    assert "third" not in pod.steps
    assert checkpoints(pod, outcome.thread_id) == 0


def test_another_attempt_has_no_more_time(pod: Pod) -> None:
    pod.keeps_threads()
    pod.order({"durability": "sync"}, deadline_seconds=8)
    killed_in_second(pod)
    time.sleep(8)  # the firing's time passes with no pod at work
    pod.touch("hold")
    began = time.monotonic()
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_RUN_FAILED, "DeadlineExceeded")
    assert time.monotonic() - began < 8 + 10, "at once, but for what a node that blocks is given"


# Checkpointers


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://user:hunter2@db/x", "must hold postgresql://USER"),
        ("hunter2", "must hold postgresql://USER"),
        ("sqlite:////nowhere/threads.sqlite", "name a volume in checkpointer.claimName"),
    ],
)
def test_a_checkpointer_that_cannot_be_says_what_to_write(pod: Pod, url: str, said: str) -> None:
    pod.environ["GRAPHCRON_CHECKPOINTER_URL"] = url
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "CheckpointerInvalid")
    assert said in outcome.message
    assert "hunter2" not in outcome.message + pod.log
    assert pod.steps == []


def test_a_database_that_is_away_is_asked_again_by_the_next_attempt(pod: Pod) -> None:
    pod.environ["GRAPHCRON_CHECKPOINTER_URL"] = "postgresql://user:hunter2@127.0.0.1:1/x"
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "CheckpointerUnreachable")
    assert "onnection" in outcome.message
    assert "hunter2" not in outcome.message + pod.log


def test_an_image_without_the_checkpointers_library_says_which_to_add(pod: Pod) -> None:
    pod.keeps_threads()
    hidden = pod.app / "aiosqlite.py"
    hidden.write_text("raise ImportError('no aiosqlite here')")
    pod.environ["PYTHONPATH"] = str(pod.app)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "CheckpointerInvalid")
    assert "pip install langgraph-checkpoint-sqlite" in outcome.message
