"""What a user of the Python SDK does; the asynchronous and the synchronous client have the same methods."""

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient
from langgraph_sdk.errors import APIStatusError, NotFoundError, UnprocessableEntityError

SCHEDULE = "27 15 3 2 *"
INPUT = {"messages": [{"role": "user", "content": "What time is it? 🕒"}]}
NOBODY = "00000000-0000-4000-8000-000000000000"


class Flow:
    """Notes each step and its answer."""

    def __init__(self, client: LangGraphClient | SyncLangGraphClient) -> None:
        self.client: Any = client
        self.steps: list[tuple[str, Any]] = []

    async def step(self, name: str, answer: Any) -> Any:
        value = await answer if inspect.isawaitable(answer) else answer
        self.steps.append((name, value))
        return value

    async def refused(self, name: str, error: type[APIStatusError], call: Any, *args: Any, **fields: Any) -> None:
        with pytest.raises(error) as caught:
            await self.step(name, call(*args, **fields))
        self.steps.append((name, caught.value.body))

    async def collect(self, name: str, stream: Any) -> None:
        parts = [part async for part in stream] if hasattr(stream, "__aiter__") else list(stream)
        self.steps.append((name, [[part.event, part.data] for part in parts if part.event != "metadata"]))

    async def run(self) -> list[tuple[str, Any]]:
        thread = await self.how_to()
        await self.crons(thread)
        await self.everything_else(thread)
        await self.end(thread)
        return self.steps

    async def how_to(self) -> str:
        crons, step = self.client.crons, self.step
        thread = (await step("a thread", self.client.threads.create()))["thread_id"]
        made = crons.create_for_thread(thread, "agent", schedule=SCHEDULE, input=INPUT)
        cron = await step("its cron", made)
        await step("it is deleted", crons.delete(cron["cron_id"]))
        stateless = await step("a stateless cron", crons.create("agent", schedule=SCHEDULE, input=INPUT))
        await step("it is deleted too", crons.delete(stateless["cron_id"]))
        await self.refused("not there to be deleted again", NotFoundError, crons.delete, stateless["cron_id"])
        return str(thread)

    async def crons(self, thread: str) -> None:
        crons, step = self.client.crons, self.step
        full = await step(
            "a cron with all that the SDK knows",
            crons.create_for_thread(
                thread,
                "agent",
                schedule=SCHEDULE,
                timezone="Europe/Berlin",
                end_time=datetime(2040, 12, 24, 18, tzinfo=UTC),
                input=INPUT,
                metadata={"team": "blue", "größe": [1, {"a": None}]},
                config={"tags": ["t"], "recursion_limit": 9, "configurable": {"model": "m"}},
                interrupt_before=["answer"],
                interrupt_after="*",
                webhook="https://1.1.1.1/hook",
                multitask_strategy="reject",
                enabled=True,
                stream_mode=["values", "updates"],
                stream_subgraphs=True,
                stream_resumable=False,
                durability="sync",
            ),
        )
        other = await step(
            "another one", crons.create("agent", schedule=SCHEDULE, on_run_completed="keep", context={"user": "u"})
        )
        await step("search", crons.search())
        await step("search of a thread", crons.search(thread_id=thread, metadata={"team": "blue"}, enabled=True))
        page: dict[str, Any] = {"limit": 1, "offset": 1, "sort_by": "created_at", "sort_order": "asc"}
        await step("a sorted page", crons.search(**page, select=["cron_id", "schedule"]))
        await step("count", crons.count())
        await step("count of a thread", crons.count(thread_id=thread, metadata={"team": "blue"}))
        end = datetime(2041, 1, 1, tzinfo=UTC)
        await step("disabled", crons.update(other["cron_id"], enabled=False, end_time=end))
        changes: dict[str, Any] = {"schedule": "0 0 1 1 *", "timezone": "Asia/Tokyo", "input": {"a": 1}}
        await step("enabled", crons.update(other["cron_id"], enabled=True, end_time=None, **changes))
        await step("one by its id", self.client.http.get(f"/runs/crons/{other['cron_id']}"))
        await step("as it is now", crons.search(assistant_id=full["assistant_id"], sort_by="updated_at"))
        wrong = UnprocessableEntityError
        await self.refused("a schedule that is none", wrong, crons.create, "agent", schedule="banana")
        await self.refused("an assistant of nobody", NotFoundError, crons.create, NOBODY, schedule=SCHEDULE)
        on_thread = crons.create_for_thread
        await self.refused("a thread of nobody", NotFoundError, on_thread, NOBODY, "agent", schedule=SCHEDULE)
        await step("the other is deleted", crons.delete(other["cron_id"]))

    async def everything_else(self, thread: str) -> None:
        """Through the same URL: what is no cron."""
        client, step = self.client, self.step
        found = client.assistants.search(graph_id="agent", metadata={"created_by": "system"})
        assistant = (await step("assistants", found))[0]["assistant_id"]
        await step("an assistant", client.assistants.get(assistant))
        await step("its graph", client.assistants.get_graph(assistant))
        await step("its schemas", client.assistants.get_schemas(assistant))
        await step("thread with metadata", client.threads.update(thread, metadata={"who": thread}))
        await step("threads", client.threads.search(metadata={"who": thread}))
        await step("a run that is waited for", client.runs.wait(thread, "agent", input=INPUT))
        run = await step("a run in the background", client.runs.create(thread, "agent", input=INPUT))
        await step("it is joined", client.runs.join(thread, run["run_id"]))
        await step("runs", client.runs.list(thread, select=["status", "metadata"]))
        await self.collect(
            "a stream", client.runs.stream(thread, "agent", input=INPUT, stream_mode=["values", "updates"])
        )
        await self.collect(
            "one without a thread", client.runs.stream(None, "agent", input=INPUT, stream_mode="updates")
        )
        failing = {"fail": "on purpose"}
        await self.collect("one that fails", client.runs.stream(None, "agent", input=failing, stream_mode="updates"))
        await step("the thread's state", client.threads.get_state(thread))
        await step("an item is put", client.store.put_item(["contract", thread], key="key", value={"größe": 1}))
        await step("an item", client.store.get_item(["contract", thread], key="key"))
        await step("items", client.store.search_items(["contract", thread]))
        await step("an item is deleted", client.store.delete_item(["contract", thread], key="key"))

    async def end(self, thread: str) -> None:
        await self.step("one cron is left", self.client.crons.count())
        await self.step("the thread is deleted", self.client.threads.delete(thread))
        await self.step("its cron went with it", self.client.crons.search())
