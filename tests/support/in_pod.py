"""A pod of engine inPod, as a process on a user's Python."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from cluster.paths import HERE
from graphcron.firing.order import Order
from graphcron.firing.outcome import Outcome
from graphcron.runner.copy_runner import copy_to
from tests.support.made import made
from tests.support.until import block_until

PYTHON = HERE.root / os.environ.get("IN_POD", ".build/in-pod") / "bin/python"
"""Made by `make in-pod` from examples/in-pod/requirements.txt."""

THREAD = "7b1d6a0e-0000-4000-8000-000000000000"
NOON = "29500000"
"""Minutes since 1970, as in a Job's name: 2 February 2026, 02:40 UTC."""

TIMES = ("graphcron_scheduled_time", "graphcron_trigger", "graphcron_attempt")

GRAPH = """\
import asyncio, json, operator, os, time
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


def third(state: State, config: RunnableConfig) -> State:
    note("third")
    with open("metadata", "w") as file:
        json.dump(config["metadata"], file)
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
        self.python: str | Path = made(PYTHON, "in-pod")
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

    @property
    def metadata(self) -> dict[str, Any]:
        """What the last step of a run saw of its firing."""
        found = json.loads((self.app / "metadata").read_text())
        return {key: value for key, value in found.items() if key in TIMES}

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


def killed_in_second(pod: Pod, by: signal.Signals = signal.SIGKILL) -> int:
    """A pod that dies while the graph is in its second step."""
    pod.touch("hold")
    process = pod.start()
    block_until(lambda: "second" in pod.steps or process.poll() is not None)
    process.send_signal(by)
    if by == signal.SIGKILL:
        pod.remove("hold")
    code = process.wait(30)
    (pod.app / "hold").unlink(missing_ok=True)
    return code
