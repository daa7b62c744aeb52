"""The body of a request that is passed on: its pieces as they come, as long as they come."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from graphcron.facade.errors import BROKEN_BODY, TOO_SLOW, RestError


class RequestBody:
    """Iterated once, by the client that sends it on; `fault` is the error of the sender, if there was one. While the
    Agent Server does not take what has come, nothing is waited for."""

    def __init__(self, request: web.Request, seconds: float) -> None:
        self._content = request.content
        self._seconds = seconds
        self.fault: RestError | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                async with asyncio.timeout(self._seconds):
                    piece = await self._content.readany()
                if not piece:
                    return
                yield piece
        except TimeoutError:
            self.fault = RestError(408, TOO_SLOW)
            raise
        except web.RequestPayloadError:
            self.fault = RestError(400, BROKEN_BODY)
            raise
