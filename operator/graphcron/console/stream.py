"""Changes as server-sent events: an open page asks anew for what it shows when something of it has changed."""

import asyncio
from contextlib import aclosing

from aiohttp import hdrs, web

from graphcron.console.visit import Visit

PAUSE_SECONDS = 0.5
"""Between two events: each of them lets the page ask for its list."""
BEAT_SECONDS = 15.0
"""After which a connection on which nothing happens carries a comment, so that no proxy takes it for dead."""
LIFE_SECONDS = 600.0
"""Of a connection. The browser opens the next one by itself, and the viewer is checked anew."""
MOST = 200
"""Pages that listen at once, in one process."""


class Streams:
    """The connections that are open."""

    def __init__(self) -> None:
        self.open: set[asyncio.Task[None]] = set()
        self.closed = False


STREAMS = web.AppKey("streams", Streams)


async def close(console: web.Application) -> None:
    """Ends them all: they would outlast any patience of a process that is to stop."""
    streams = console[STREAMS]
    streams.closed = True
    for task in streams.open:
        task.cancel()


async def follow(visit: Visit) -> web.StreamResponse:
    """An event `changed` whenever a GraphCron has changed, with `of` in the query only that one."""
    streams = visit.request.app[STREAMS]
    if streams.closed or len(streams.open) >= MOST:
        raise web.HTTPServiceUnavailable
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"})
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    await response.prepare(visit.request)
    sending = asyncio.create_task(_send(visit, response))
    streams.open.add(sending)
    try:
        await asyncio.wait([sending], timeout=LIFE_SECONDS)
        if sending.done() and not sending.cancelled():
            sending.exception()
    finally:
        streams.open.discard(sending)
        sending.cancel()
    return response


async def _send(visit: Visit, response: web.StreamResponse) -> None:
    of = tuple(visit.request.query.get("of", "").split("/", 1))
    changed = asyncio.Event()

    async def listen() -> None:
        async with aclosing(visit.source.changes()) as changes:
            async for keys in changes:
                if of == ("",) or of in keys:
                    changed.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        silent = visit.source.silent_seconds() is not None
        # What changed between the page and this connection, or while it was interrupted, nobody else tells.
        await response.write(b"retry: 2000\nevent: changed\ndata:\n\n")
        while True:
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                pass
            before, silent = silent, visit.source.silent_seconds() is not None
            news = changed.is_set() or before != silent
            changed.clear()
            await response.write(b"event: changed\ndata:\n\n" if news else b": alive\n\n")
            await asyncio.sleep(PAUSE_SECONDS)
