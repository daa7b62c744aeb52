"""The three doors: what a user does through kubectl, the SDK and curl, with what came of it as plain data.

The end-to-end tests call the same functions, so the demo cannot rot.
"""

import json
from typing import Any

from langgraph_sdk.client import LangGraphClient

from examples.demo.screen import Screen
from examples.demo.session import Session, curl, wait_for

SCHEDULE = "* * * * *"
FIRING_SECONDS = 150.0
"""How long to wait for a firing: the minute must turn, the pod start, the run end, and all of it twice for luck."""


def through_kubectl(session: Session, screen: Screen) -> str:
    """`kubectl apply` of the example; returns its name."""
    name = "hello-from-kubectl"
    session.kubectl("delete", "graphcron", name, "--ignore-not-found")  # of an earlier visit
    manifest = session.place.root / "examples/graphcron.yaml"
    screen.output(manifest.read_text())
    _kubectl(session, screen, "apply", "-f", "examples/graphcron.yaml")
    _kubectl(session, screen, "wait", "--for=condition=Ready", f"graphcron/{name}", "--timeout=30s")
    _kubectl(session, screen, "get", "graphcrons")
    return name


async def through_the_sdk(client: LangGraphClient, url: str, screen: Screen) -> tuple[str, str]:
    """The how-to's Python calls, with the SDK as it comes from PyPI; returns the ids of a thread cron and a
    stateless one."""
    screen.output(
        f"client = get_client(url={url!r})\n"
        "thread = await client.threads.create()\n"
        f'await client.crons.create_for_thread(thread["thread_id"], "agent", schedule="{SCHEDULE}", input=…)\n'
        f'await client.crons.create("agent", schedule="{SCHEDULE}", input=…)'
    )
    thread = await client.threads.create()
    on_thread = await client.crons.create_for_thread(
        thread["thread_id"], "agent", schedule=SCHEDULE, input=asking("hello from the SDK, on a thread")
    )
    stateless = await client.crons.create("agent", schedule=SCHEDULE, input=asking("hello from the SDK"))
    ids = cron_id(on_thread), cron_id(stateless)
    screen.output(f"→ cron {ids[0]} on thread {thread['thread_id']}\n→ cron {ids[1]}, stateless")
    return ids


def through_curl(url: str, screen: Screen) -> tuple[str, str]:
    """The how-to's curl calls; returns the ids of a thread cron and a stateless one."""

    def post(path: str, body: dict[str, Any]) -> Any:
        text = json.dumps(body)
        screen.command("curl", "-X", "POST", url + path, "-d", text)
        answer = curl("--fail-with-body", "-X", "POST", url + path, "-H", "Content-Type: application/json", "-d", text)
        screen.output(answer if len(answer) < 500 else answer[:500] + "…")
        return json.loads(answer)

    assistants = post("/assistants/search", {"limit": 1})
    assistant = assistants[0]["assistant_id"]
    thread = post("/threads", {})["thread_id"]
    request = {"assistant_id": assistant, "schedule": SCHEDULE}
    on_thread = post(f"/threads/{thread}/runs/crons", request | {"input": asking("hello from curl, on a thread")})
    stateless = post("/runs/crons", request | {"input": asking("hello from curl"), "on_run_completed": "keep"})
    return cron_id(on_thread), cron_id(stateless)


def asking(text: str) -> dict[str, Any]:
    """Input of the example graph."""
    return {"messages": [{"role": "user", "content": text}]}


def cron_id(cron: Any) -> str:
    """The id of a cron as any door answers it. The SDK's annotation of `create` says Run; what comes is a Cron."""
    return str(cron["cron_id"])


def firing_of(session: Session, name: str) -> dict[str, Any]:
    """The newest firing of a GraphCron that is over, waiting for the first."""

    def over() -> dict[str, Any] | None:
        graphcron = session.one("graphcron", name)
        history: list[dict[str, Any]] = (graphcron or {}).get("status", {}).get("history", [])
        return history[0] if history else None

    return wait_for(f"a firing of GraphCron {name}", over, FIRING_SECONDS)


async def answer_of(client: LangGraphClient, thread_id: str) -> str:
    """The last message on a thread, as the Agent Server has it."""
    state = await client.threads.get_state(thread_id)
    values: Any = state["values"]
    return str(values["messages"][-1]["content"])


async def delete_all(
    session: Session,
    client: LangGraphClient,
    url: str,
    screen: Screen,
    by_sdk: list[str],
    by_curl: list[str],
    name: str,
) -> None:
    """Each cron by the door it came through."""
    for identity in by_sdk:
        screen.say(f'await client.crons.delete("{identity}")')
        await client.crons.delete(identity)
    for identity in by_curl:
        screen.command("curl", "-X", "DELETE", f"{url}/runs/crons/{identity}")
        curl("--fail-with-body", "-X", "DELETE", f"{url}/runs/crons/{identity}")
    _kubectl(session, screen, "delete", "graphcron", name)


def gone(session: Session, names: list[str]) -> None:
    """Wait until no CronJob and no Job of these GraphCrons is left."""
    label = f"graphcron.dev/graphcron in ({','.join(names)})"
    wait_for(
        "CronJobs and Jobs to be gone",
        lambda: not session.get("cronjobs", "-l", label) and not session.get("jobs", "-l", label),
        60,
    )


def _kubectl(session: Session, screen: Screen, *words: str) -> None:
    screen.command("kubectl", "-n", session.namespace, *words)
    given = [str(session.place.root / word) if word.startswith("examples/") else word for word in words]
    screen.output(session.kubectl(*given))
