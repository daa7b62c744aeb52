"""LangGraph's checkpointer for a URL, made of the user's libraries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

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
