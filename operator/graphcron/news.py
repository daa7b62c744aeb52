"""What kopf is shown of the apiserver's answers: nothing that it could not parse, and of objects only what is news.

kopf gives each object a task of its own, and each event half a millisecond of CPU. Most of what comes is what the
operator has just written itself or, when kopf lists, what is known already. A list also says what is gone, which kopf
tells nobody: so that is told from here.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import aiohttp

from graphcron.kube import jsontext
from graphcron.kube.paths import Manifest
from graphcron.resource.identity import KIND

IsKnown = Callable[[Manifest], bool]
"""Whether that very version of an object is known."""

Listed = Callable[[set[str], int], object]
"""Told the uids of all that a list has, once it is complete, and the list's resource version."""


def answers(is_known: IsKnown, listed: Listed) -> type[aiohttp.ClientResponse]:
    """For a session of kopf that lists and watches GraphCrons."""
    uids: set[str] = set()

    def read(page: Manifest, *, first: bool) -> None:
        if first:
            uids.clear()
        uids.update(item["metadata"]["uid"] for item in page["items"])
        page["items"] = [item for item in page["items"] if not is_known(item)]
        if not page["metadata"].get("continue"):
            listed(set(uids), int(page["metadata"]["resourceVersion"]))

    class Answer(aiohttp.ClientResponse):
        async def start(self, connection: Any) -> Self:
            await super().start(connection)
            self.content = _Lines(self.content, is_known)  # type: ignore[assignment]
            return self

        async def json(self, **given: Any) -> Any:
            answer = await super().json(**{"loads": jsontext.loads} | given)
            if self.ok and isinstance(answer, dict) and answer.get("kind") == f"{KIND}List":
                read(answer, first="continue" not in self.url.query)
            return answer

    return Answer


class _Lines:
    """The body of a watch, which ends lines where it ends chunks."""

    def __init__(self, stream: aiohttp.StreamReader, is_known: IsKnown) -> None:
        self._stream = stream
        self._is_known = is_known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._stream.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            if news := b"".join(jsontext.shallow(line) + b"\n" for line in lines if self._is_news(line)):
                yield news
        yield rest

    def _is_news(self, line: bytes) -> bool:
        try:
            event = jsontext.loads(line)
            return event["type"] not in ("ADDED", "MODIFIED") or not self._is_known(event["object"])
        except (ValueError, LookupError, TypeError):
            return True  # no event of an apiserver: kopf says what is wrong with it
