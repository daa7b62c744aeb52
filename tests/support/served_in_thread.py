"""A server of asyncio beside code that waits, such as that which drives a browser."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager


@contextmanager
def served(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """What the context manager yields, while it is open in an event loop of its own thread."""
    loop, entered, found, failed = asyncio.new_event_loop(), threading.Event(), list[str](), list[BaseException]()
    ended = asyncio.Event()

    async def serve() -> None:
        async with server as url:
            found.append(url)
            entered.set()
            await ended.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            loop.close()
            entered.set()

    thread = threading.Thread(target=run)
    thread.start()
    entered.wait()
    try:
        if failed:
            raise failed[0]
        yield found[0]
    finally:
        if not failed:
            loop.call_soon_threadsafe(ended.set)
        thread.join()
