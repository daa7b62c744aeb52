"""The application over HTTP: routes, errors, and the unchanged Python SDK."""

from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.errors import NotFoundError

from graphcron.environ import CannotStart
from graphcron.facade.app import connected
from graphcron.facade.settings import FacadeSettings
from tests.support.facade_server import Client, made
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "wrong",
    [
        {"HTTP_PROXY": "socks5://proxy:1080"},
        {"HTTP_PROXY": "proxy:3128"},
        {"HTTP_PROXY": "http://ann:s3cret@proxy:99999"},
        {"HTTP_PROXY": "http://ann:s3cret@proxy\u2100x:1"},
        {"AGENT_SERVER_URL": "http://agent:99999"},
        {"AGENT_SERVER_URL": "http://ann:s3cret@agent\u2100x"},
        {"AGENT_SERVER_URL": "http://ann:s3cret@agent"},
    ],
    ids=str,
)
async def test_a_server_or_a_proxy_that_is_no_url_is_told_in_a_sentence(wrong: dict[str, str]) -> None:
    given = {"GRAPHCRON_NAMESPACE": "team", "AGENT_SERVER_URL": "http://agent.example"} | wrong
    with pytest.raises(CannotStart, match=r"must be (like )?http://") as told:
        async with connected(FacadeSettings.read(given)):
            pass
    assert "s3cret" not in str(told.value)


class TestSdk:
    async def test_how_to_flow_runs_unchanged(self, client: Client, store: MemoryStore) -> None:
        """LangGraph's "Use cron jobs" page, call by call, then search, count, update and get."""
        sdk = get_client(url=client.url)
        thread = await sdk.threads.create()
        run_input: Any = {"messages": [{"role": "user", "content": "What time is it?"}]}
        on_thread: Any = await sdk.crons.create_for_thread(
            thread["thread_id"], "agent", schedule="27 15 * * *", input=run_input
        )
        stateless: Any = await sdk.crons.create("agent", schedule="27 15 * * *", input=run_input)

        assert on_thread["thread_id"] == thread["thread_id"]
        assert stateless["payload"]["input"] == run_input
        assert await sdk.crons.count() == 2
        found = await sdk.crons.search(thread_id=thread["thread_id"])
        assert [cron["cron_id"] for cron in found] == [on_thread["cron_id"]]
        updated = await sdk.crons.update(stateless["cron_id"], enabled=False, end_time=None)
        assert updated["enabled"] is False

        await sdk.crons.delete(on_thread["cron_id"])
        await sdk.crons.delete(stateless["cron_id"])
        assert store.manifests == {}
        with pytest.raises(NotFoundError):
            await sdk.crons.delete(stateless["cron_id"])
        await sdk.aclose()

    async def test_every_field_of_the_sdk_is_taken(self, client: Client) -> None:
        sdk = get_client(url=client.url)
        cron: Any = await sdk.crons.create(
            "agent",
            schedule="0 9 * * *",
            timezone="Europe/Berlin",
            metadata={"a": 1},
            config={"tags": ["x"], "recursion_limit": 5},
            context={"k": "v"},
            interrupt_before=["n"],
            interrupt_after="*",
            webhook="https://example.com",
            on_run_completed="keep",
            multitask_strategy="enqueue",
            enabled=True,
            stream_mode=["values"],
            stream_subgraphs=True,
            stream_resumable=True,
            durability="exit",
        )
        assert cron["payload"]["durability"] == "exit"
        await sdk.aclose()


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/runs/crons", "POST"),
            ("PUT", "/runs/crons", "POST"),
            ("OPTIONS", "/runs/crons", "POST"),
            ("PUT", "/runs/crons/search", "DELETE,GET,HEAD,PATCH,POST"),
            ("PUT", "/healthz", "GET,HEAD"),
            ("POST", "/openapi.json", "GET,HEAD"),
            ("POST", f"/runs/crons/{NOBODY}", "DELETE,GET,HEAD,PATCH"),
            ("QUERY", f"/runs/crons/{NOBODY}", "DELETE,GET,HEAD,PATCH"),
            ("GET", f"/threads/{NOBODY}/runs/crons", "POST"),
            ("PUT", f"/threads/{NOBODY}/runs/crons", "POST"),
        ],
    )
    async def test_wrong_ones_stop_here(
        self, client: Client, upstream: UpstreamFake, method: str, path: str, allowed: str
    ) -> None:
        status, given, headers = await client.call(method, path)
        assert (status, given, headers["Allow"]) == (405, {"detail": "Method Not Allowed"}, allowed)
        assert upstream.seen == []

    async def test_head_is_get_without_a_body(self, client: Client) -> None:
        cron = await made(client)
        status, given, _ = await client.call("HEAD", f"/runs/crons/{cron['cron_id']}")
        assert (status, given) == (200, "")
