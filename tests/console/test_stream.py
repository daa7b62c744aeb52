"""Changes as server-sent events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from graphcron.console import stream
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
        begin = [await answer.content.readline() for _ in range(4)]
        assert begin == [b"retry: 2000\n", b"event: changed\n", b"data:\n", b"\n"], "what it may have missed"
        yield answer.content


async def test_a_change_is_an_event_within_a_second() -> None:
    source = MemorySource(cron("a"))
    async with browsing(source) as browser, events(browser, "/changes", source) as heard:
        source.put(cron("a", history=[firing(1)]))
        async with asyncio.timeout(1):
            assert await heard.readline() == b"event: changed\n"


async def test_a_page_of_one_cron_hears_of_that_one_alone() -> None:
    source = MemorySource(cron("a"), cron("b"))
    async with browsing(source) as browser, events(browser, "/changes?of=team/a", source) as heard:
        source.put(cron("b"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * PAUSE_SECONDS):
                await heard.readline()
        source.put(cron("a"))
        assert await heard.readline() == b"event: changed\n"


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


async def test_after_a_while_the_browser_has_to_ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LIFE_SECONDS", 0.05)
    source = MemorySource(cron("a"))
    async with browsing(source) as browser, browser.session.get(f"{browser.url}/changes") as answer:
        async with asyncio.timeout(10):
            await answer.content.read()
        await until(lambda: source.listeners == 0)


async def test_the_number_of_pages_that_listen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST", 1)
    source = MemorySource(cron("a"))
    async with browsing(source) as browser, events(browser, "/changes", source):
        assert (await browser.answer("/changes"))[0] == 503
