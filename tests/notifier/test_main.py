"""The notifier as a process: one replica of two sends, soon, and an operator beside it loses nothing that it wrote."""

import asyncio
import base64
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from statistics import median
from typing import Any

from cluster.api import exchange
from graphcron.firing.formats import format_time
from tests.support.apiserver_fake import FakeApiserver
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.notifier_process import channel, cron, fail, kill, secret, start_notifier
from tests.support.operator_process import operator_by
from tests.support.receiver import webhook_receiver
from tests.support.until import until

SOON = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "3",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "2",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.5",
}


async def test_one_of_two_replicas_sends_and_the_other_takes_over(tmp_path: Path) -> None:
    server = FakeApiserver()
    async with server.serving() as url, webhook_receiver() as receiver:
        await server.put("secrets", secret("receiver", url=f"{receiver.url}/s3cret"))
        await server.put("graphcronchannels", channel("team"))
        await cron(server, "hello", notify=[{"events": ["Failed"], "channel": "team"}])
        replicas = [await start_notifier(url, tmp_path, GRAPHCRON_POD=f"pod-{n}", **SOON) for n in range(2)]
        try:
            await until(lambda: server.holder)
            await fail(server, "hello", format_time(datetime.now(UTC)), "One")
            await until(lambda: receiver.accepted)
            leader = int(server.holder[-1])
            await kill(replicas[leader])
            await fail(server, "hello", format_time(datetime.now(UTC)), "Two")
            await until(lambda: len(receiver.accepted) == 2)
            assert server.holder == f"pod-{1 - leader}"
            assert [got.event["data"]["count"] for got in receiver.accepted] == [1, 1]
            replicas[1 - leader].terminate()
            assert await asyncio.wait_for(replicas[1 - leader].wait(), 20) == 0
            assert server.holder == "", "the Lease is given back"
        finally:
            for process in replicas:
                await kill(process)
        log = (tmp_path / "notifier.log").read_text()
        assert "/s3cret" not in log
        assert "/s3cret" not in str(server.objects["graphcrons"]) + str(server.objects["graphcronchannels"])


async def test_a_message_goes_out_within_seconds(tmp_path: Path) -> None:
    server = FakeApiserver()
    async with server.serving() as url, webhook_receiver() as receiver:
        await server.put("secrets", secret("receiver", url=receiver.url))
        await server.put("graphcronchannels", channel("team", messagesPerMinute=60))
        for number in range(20):
            await cron(server, f"cron-{number}", notify=[{"events": ["Failed"], "channel": "team"}])
        process = await start_notifier(url, tmp_path)
        try:
            await until(lambda: server.holder)
            happened = {}
            for number in range(20):
                happened[f"cron-{number}"] = asyncio.get_running_loop().time()
                await fail(server, f"cron-{number}", format_time(datetime.now(UTC)))
                await asyncio.sleep(0.1)
            await until(lambda: len(receiver.accepted) == 20)
        finally:
            await kill(process)
        assert median(got.at - happened[got.event["data"]["name"]] for got in receiver.accepted) < 5


async def test_operator_and_notifier_write_into_one_status(tmp_path: Path) -> None:
    events = ["Stalled", "Recovered"]
    with graphcron_apiserver(tmp_path / "plane", "team") as plane:
        async with webhook_receiver() as receiver:
            data = {"url": base64.b64encode(receiver.url.encode()).decode()}
            plane.install({"metadata": {"name": "receiver"}, "data": data}, "/api/v1/namespaces/team/secrets")
            base = "/apis/graphcron.dev/v1/namespaces/team"
            plane.install(channel("team"), f"{base}/graphcronchannels")
            made = {
                "apiVersion": "graphcron.dev/v1",
                "kind": "GraphCron",
                "metadata": {"name": "hello"},
                "spec": {
                    "schedule": "0 9 * * *",
                    "assistantId": "agent",
                    "timezone": "Mars/Base",
                    "notify": [{"events": events, "channel": "team"}],
                },
            }
            plane.install(made, f"{base}/graphcrons")

            def patch(path: str, body: dict[str, Any]) -> None:
                connection = HTTPSConnection(*plane.api.address, context=plane.api.context, timeout=5)
                kind = {"Content-Type": "application/merge-patch+json"}
                assert exchange(connection, "PATCH", f"{base}/graphcrons/hello{path}", body, **kind)[0] == 200

            def status() -> dict[str, Any]:
                return dict(plane.api.request("GET", f"{base}/graphcrons/hello")[1].get("status") or {})

            def told() -> list[str]:
                return [got.event["data"]["event"] for got in receiver.accepted]

            notifier = await start_notifier(plane.kubeconfig, tmp_path)
            try:
                async with operator_by({}, {}, tmp_path / "operator", KUBECONFIG=str(plane.kubeconfig)):
                    await until(lambda: told() == ["Stalled"])
                    patch("", {"spec": {"timezone": "Europe/Berlin"}})
                    await until(lambda: told() == ["Stalled", "Recovered"])
                    await until(lambda: all(one["state"] == "Delivered" for one in status()["notifications"]))
                    found = plane.api.request("GET", f"{base}/graphcrons/hello")[1]
                    writers = {
                        entry["manager"]
                        for entry in found["metadata"]["managedFields"]
                        if entry.get("subresource") == "status"
                    }
                    assert writers == {"graphcron", "graphcron-notifier"}
                    types = [one["type"] for one in found["status"]["conditions"]]
                    assert types == ["Ready"]
                    # A forged field is corrected, and what the notifier wrote stays.
                    patch("/status", {"status": {"active": 7, "timezone": None}})
                    await until(lambda: status().get("timezone") == "Europe/Berlin" and status()["active"] == 0)
                    assert {one["event"] for one in status()["notifications"]} == set(events)
            finally:
                await kill(notifier)
