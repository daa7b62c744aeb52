"""Webhook hosts over HTTP: resolved as the system does, and refused before any other check."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

BODY = {"assistant_id": "agent", "schedule": "0 9 * * *", "timezone": "Europe/Berlin"}
HERE = {"webhook": "http://ada:hunter2@localhost:8000/hook?token=hunter2"}


@pytest.fixture
async def client(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
    url = await upstream.start()
    async with serving(store, url, check_webhook_hosts=True) as own, aiohttp.ClientSession() as session:
        yield Client(own, session)


async def refused(client: Client, method: str, path: str, body: dict[str, Any]) -> str:
    status, answer, _ = await client.call(method, path, body)
    assert status == 422
    assert "hunter2" not in answer["detail"]
    return str(answer["detail"])


async def test_a_host_on_the_agent_servers_own_machine_is_refused_with_what_to_do(
    client: Client, store: MemoryStore, upstream: UpstreamFake
) -> None:
    said = await refused(client, "POST", "/runs/crons", BODY | HERE)
    assert said.startswith("Webhook host blocked: 'localhost' has the address ")
    assert said.endswith(" (facade.webhookHosts of the Helm chart can allow any)")
    assert store.manifests == {}
    assert upstream.seen == [], "an assistant is asked for only when all else is right"


async def test_an_update_is_judged_too_and_changes_nothing(client: Client, store: MemoryStore) -> None:
    _, cron, _ = await client.call("POST", "/runs/crons", BODY | {"webhook": "http://10.0.0.1/hook"})
    before = str(store.manifests)
    await refused(client, "PATCH", f"/runs/crons/{cron['cron_id']}", HERE | {"enabled": False})
    assert str(store.manifests) == before
    assert (await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", {"enabled": False}))[0] == 200


async def test_a_create_that_is_repeated_is_not_judged_anew(store: MemoryStore, upstream: UpstreamFake) -> None:
    """Its host may be out of DNS for a moment, and the cron is there."""
    known = ["1.1.1.1"]

    async def addresses_of(host: str) -> list[str]:
        return known

    url, headers = await upstream.start(), {"Idempotency-Key": "once"}
    async with (
        serving(store, url, resolver=addresses_of, check_webhook_hosts=True) as own,
        aiohttp.ClientSession() as session,
    ):
        body = BODY | {"webhook": "https://hook.example"}
        _, first, _ = await Client(own, session).call("POST", "/runs/crons", body, headers=headers)
        known.clear()
        assert (await Client(own, session).call("POST", "/runs/crons", body))[0] == 422
        status, again, _ = await Client(own, session).call("POST", "/runs/crons", body, headers=headers)
    assert (status, again["cron_id"]) == (200, first["cron_id"])
