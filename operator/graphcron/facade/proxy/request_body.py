"""The body of a request that is passed on: its pieces as they come, as long as they come."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from graphcron.facade.errors import BROKEN_BODY, TOO_SLOW, RestError


class RequestBody:
    """Iterated once, by the client that sends it on; `fault` is the error of the sender, if there was one. While the
    Agent Server does not take what has come, nothing is waited for. `length` is that of what stands for it."""

    def __init__(self, request: web.Request, seconds: float) -> None:
        self._content = request.content
        self._seconds = seconds
        self.fault: RestError | None = None
        self.length: int | None = None
        self._ahead: list[bytes] = []

    async def ahead(self, limit: int) -> bytes | None:
        """All of it; None when it has more than so many bytes. It is sent on all the same. Raises `fault`."""
        size = 0
        try:
            while piece := await self._next():
                self._ahead.append(piece)
                if (size := size + len(piece)) > limit:
                    return None
        except (TimeoutError, web.RequestPayloadError) as error:
            raise self.fault or error from None
        return b"".join(self._ahead)

    def replace(self, data: bytes) -> None:
        """Sends this on instead of all that was read."""
        self._ahead, self.length = [data], len(data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._ahead:
            yield piece
        while piece := await self._next():
            yield piece

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._content.readany()
        except TimeoutError:
            self.fault = RestError(408, TOO_SLOW)
            raise
        except web.RequestPayloadError:
            self.fault = RestError(400, BROKEN_BODY)
            raise
