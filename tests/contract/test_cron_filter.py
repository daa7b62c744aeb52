"""The threads and runs of a cron, found by its id as LangGraph's documentation does it, on its own server."""

from pathlib import Path
from typing import Any

from langgraph_sdk import get_sync_client

from graphcron.firing.order import Order
from tests.contract.conftest import Side
from tests.support.run_pod import Pod


def test_the_threads_of_a_cron_are_found_through_the_facade(sides: tuple[Side, Side], tmp_path: Path) -> None:
    reference, facade = sides
    with get_sync_client(url=facade.url, api_key=None) as client:
        mine: Any = client.crons.create("agent", schedule="27 15 3 2 *", on_run_completed="keep")
        other: Any = client.crons.create("agent", schedule="27 15 3 2 *", on_run_completed="keep")
        pod = Pod(tmp_path, reference.url)
        request = {"assistant_id": "agent", "input": {}}
        (tmp_path / "order.json").write_text(Order(mine["cron_id"], request, keep_thread=True).to_json())
        _, outcome = pod.run()

        found = client.threads.search(metadata={"cron_id": mine["cron_id"]})
        assert [thread["thread_id"] for thread in found] == [outcome.thread_id]
        assert client.threads.count(metadata={"cron_id": mine["cron_id"]}) == 1
        assert client.threads.count(metadata={"cron_id": other["cron_id"]}) == 0
        runs: Any = client.runs.list(str(outcome.thread_id))
        assert [(run["run_id"], run["metadata"]["graphcron_cron"]) for run in runs] == [
            (outcome.run_id, mine["cron_id"])
        ]
    with get_sync_client(url=reference.url, api_key=None) as client:
        assert client.threads.count(metadata={"cron_id": mine["cron_id"]}) == 0, "the server itself drops that key"
