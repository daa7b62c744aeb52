"""The suite's Agent Server: an honest fake in bad weather, whose ledger forgets no run."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from chaos.agent_server import UnrulyAgentServer, server
from graphcron.firing.outcome import EXIT_DONE, EXIT_TRY_AGAIN
from tests.support.run_pod import Pod

THREAD = "7b1d3c0e-4f0e-4b0a-9a55-0c6b8c1f7a11"


@contextmanager
def serving(fake: UnrulyAgentServer) -> Iterator[tuple[str, int]]:
    listening = server(fake, ("127.0.0.1", 0))
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield ("127.0.0.1", listening.server_port)
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with serving(UnrulyAgentServer("1", always_lost=0, run_seconds=(0.1, 0.3))) as address:
        yield address


def ask(address: tuple[str, int], method: str, path: str, body: Any = None) -> tuple[int, Any, str]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data else None, response.headers["date"]
    finally:
        connection.close()


def start(address: tuple[str, int]) -> int:
    ask(address, "POST", "/threads", {"thread_id": THREAD, "metadata": {}})
    request = {"assistant_id": "agent", "metadata": {"graphcron_firing": "f"}, "multitask_strategy": "reject"}
    return ask(address, "POST", f"/threads/{THREAD}/runs", request)[0]


def weather(address: tuple[str, int], **values: Any) -> None:
    assert ask(address, "POST", "/chaos/weather", {"seconds": 60, **values})[0] == 204


def ledger(address: tuple[str, int]) -> list[Any]:
    found = ask(address, "GET", "/chaos/ledger")[1]
    assert isinstance(found, list)
    return found


def test_the_ledger_keeps_runs_of_threads_that_are_deleted(address: tuple[str, int]) -> None:
    assert start(address) == 200
    assert ask(address, "DELETE", f"/threads/{THREAD}")[0] == 204
    (run,) = ledger(address)
    assert (run["thread_id"], run["metadata"]) == (THREAD, {"graphcron_firing": "f"})
    assert ask(address, "GET", "/chaos/threads")[1] == []


def test_a_lost_answer_is_one_to_what_was_done(address: tuple[str, int]) -> None:
    ask(address, "POST", "/threads", {"thread_id": THREAD, "metadata": {}})
    weather(address, lost=1)
    with pytest.raises(http.client.RemoteDisconnected):
        start(address)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(address, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "agent", "metadata": {}})
    assert len(ledger(address)) == 1


def test_a_refused_request_is_not_carried_out_unless_it_is_told_so(address: tuple[str, int]) -> None:
    ask(address, "POST", "/threads", {"thread_id": THREAD, "metadata": {}})
    weather(address, refused=1, statuses=[503])
    assert start(address) == 503
    assert ledger(address) == []
    weather(address, refused=1, statuses=[500], despite=1)
    assert start(address) == 500
    assert len(ledger(address)) == 1


def test_a_busy_thread_is_said_only_to_who_asks_to_be_rejected(address: tuple[str, int]) -> None:
    weather(address, busy=1)
    assert start(address) == 409
    assert ask(address, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "agent", "metadata": {}})[0] == 200


def test_its_clock_is_skewed_in_what_it_says_and_in_its_header(address: tuple[str, int]) -> None:
    weather(address, skew=-540)
    start(address)
    _, _, date = ask(address, "GET", "/ok")
    (run,) = ledger(address)
    for said in (parsedate_to_datetime(date), datetime.fromisoformat(run["created_at"])):
        assert (datetime.now(UTC) - said).total_seconds() == pytest.approx(540, abs=5)


def test_a_run_pod_gets_through_bad_weather_with_one_run(address: tuple[str, int], tmp_path: Path) -> None:
    weather(address, lost=0.3, refused=0.2, despite=0.5)
    pod = Pod(tmp_path, f"http://{address[0]}:{address[1]}")
    codes = takewhile(lambda code: code != EXIT_DONE, (pod.run()[0] for _ in range(10)))
    assert set(codes) <= {EXIT_TRY_AGAIN}
    assert pod.outcome().reason == "RunSucceeded"
    assert len(ledger(address)) == 1
