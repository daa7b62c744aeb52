"""LangGraph's checkpointer for a URL, of the user's libraries, and the record of a firing whose thread is deleted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from graphcron.firing.formats import parse_time
from graphcron.firing.order import Firing
from graphcron.firing.outcome import Outcome
from graphcron.runner.attempt import OUTCOME_METADATA, RECORD_LIFE, RECORD_METADATA
from graphcron.runner.environment import PodError
from graphcron.runner.errors import TryAgain


@asynccontextmanager
async def checkpointer(url: str | None) -> AsyncIterator[Any]:
    """LangGraph's checkpointer for a URL, of the user's libraries; None without one. Errors never show the URL."""
    if url is None:
        yield None
        return
    opened, kind = _saver(url.strip()), urlsplit(url).scheme
    try:
        saver = await opened.__aenter__()
        await saver.setup()
    except Exception as error:
        why = _without_secrets(f"{type(error).__name__}: {error}", url)
        if "unable to open database file" in why or "readonly database" in why:
            file = "the file cannot be opened for writing: name a volume in checkpointer.claimName, and a file on it"
            raise PodError("CheckpointerInvalid", file) from None
        raise TryAgain("CheckpointerUnreachable", f"the {kind} of checkpointer.urlSecretRef: {why}") from None
    try:
        yield saver
    finally:
        with suppress(Exception):  # what is written is written
            await opened.__aexit__(None, None, None)


async def recorded(saver: Any, firing: Firing) -> Outcome | None:
    """The outcome of a stateless firing whose thread is deleted already."""
    found = await saver.aget_tuple({"configurable": {"thread_id": firing.record_id}}) if saver else None
    return Outcome.from_json(found.metadata.get(OUTCOME_METADATA, "")) if found else None


async def delete_thread(saver: Any, firing: Firing, cron_id: str, outcome: Outcome) -> None:
    """The record first, then the thread; and records that are older than any pod could ask for."""
    from langgraph.checkpoint.base import empty_checkpoint

    record = {"configurable": {"thread_id": firing.record_id, "checkpoint_ns": ""}}
    metadata = {RECORD_METADATA: cron_id, OUTCOME_METADATA: outcome.to_json()}
    await saver.aput(record, empty_checkpoint(), {"source": "input", "step": -1, **metadata}, {})
    await saver.adelete_thread(firing.thread_id)
    old = []
    async for found in saver.alist(None, filter={RECORD_METADATA: cron_id}):
        if datetime.now(UTC) - parse_time(found.checkpoint["ts"]) > RECORD_LIFE:
            old.append(found.config["configurable"]["thread_id"])
    for thread_id in old:
        await saver.adelete_thread(thread_id)


def _saver(url: str) -> Any:
    """An asynchronous context manager of the checkpointer."""
    try:
        scheme, path = urlsplit(url).scheme, unquote(urlsplit(url).path)
        if scheme == "sqlite" and len(path) > 1:
            from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

            return AsyncSqliteSaver.from_conn_string(path.removeprefix("/"))
        if scheme in ("postgres", "postgresql"):
            from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

            return AsyncPostgresSaver.from_conn_string(url)
    except ImportError as error:
        package = (
            "langgraph-checkpoint-sqlite" if scheme == "sqlite" else "langgraph-checkpoint-postgres psycopg[binary]"
        )
        message = f"the image cannot keep threads in {scheme} ({error}): pip install {package} into it"
        raise PodError("CheckpointerInvalid", message) from None
    except ValueError:
        pass  # no URL at all; the text may hold a password
    raise PodError(
        "CheckpointerInvalid",
        "checkpointer.urlSecretRef must hold postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////checkpoints/FILE",
    )


def _without_secrets(text: str, url: str) -> str:
    secrets = [url, url.strip()]
    with suppress(ValueError):
        password = urlsplit(url).password or ""
        secrets += [password, unquote(password)]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
