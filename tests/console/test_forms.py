"""Forms within bounds."""

import asyncio

import pytest

from graphcron.console import forms
from tests.support.console_server import browsing
from tests.support.console_source import MemorySource, cron


async def test_a_form_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FORM_LIMIT", 100)
    async with browsing(MemorySource(cron("a"))) as browser:
        assert (await browser.answer("/crons/team/a/pause", {"reason": "x" * 200}))[0] == 413


async def test_a_form_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FORM_SECONDS", 0.05)
    async with browsing(MemorySource(cron("a"))) as browser:
        host, _, path = browser.url.removeprefix("http://").partition("/")
        reader, writer = await asyncio.open_connection(*host.split(":"))
        header = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n"
        writer.write(f"POST /{path}/crons/team/a/pause HTTP/1.1\r\nHost: {host}\r\n{header}\r\nreason=".encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        await writer.wait_closed()
