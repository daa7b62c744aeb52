"""Changes as server-sent events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from graphcron.console.stream import PAUSE_SECONDS
from tests.support.console_server import Browser, browsing, console
from tests.support.console_source import EverybodysAccess, MemorySource, cron, firing
from tests.support.until import until


@asynccontextmanager
async def events(browser: Browser, path: str, source: MemorySource) -> AsyncIterator[aiohttp.StreamReader]:
    """The stream, once the page is heard."""
    async with browser.session.get(browser.url + path) as answer:
        assert answer.content_type == "text/event-stream"
        await until(lambda: source.listeners == 1)
        assert await answer.content.readline() == b"retry: 2000\n"
        await answer.content.readline()
        yield answer.content


async def test_a_change_is_an_event_within_a_second() -> None:
    source = MemorySource(cron("a"))
    async with browsing(source) as browser, events(browser, "/changes", source) as stream:
        source.put(cron("a", history=[firing(1)]))
        async with asyncio.timeout(1):
            assert await stream.readline() == b"event: changed\n"


async def test_a_page_of_one_cron_hears_of_that_one_alone() -> None:
    source = MemorySource(cron("a"), cron("b"))
    async with browsing(source) as browser, events(browser, "/changes?of=team/a", source) as stream:
        source.put(cron("b"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * PAUSE_SECONDS):
                await stream.readline()
        source.put(cron("a"))
        assert await stream.readline() == b"event: changed\n"


async def test_the_end_of_the_process_ends_the_streams() -> None:
    source = MemorySource(cron("a"))
    async with aiohttp.ClientSession() as session:
        async with console(EverybodysAccess(source)) as url:
            answer = await session.get(f"{url}/changes")
            await until(lambda: source.listeners == 1)
        async with asyncio.timeout(5):
            with contextlib.suppress(aiohttp.ClientError):
                await answer.read()
        answer.close()
    assert source.listeners == 0
