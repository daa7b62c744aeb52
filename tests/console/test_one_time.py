"""The way into `graphcron console`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from graphcron.console.app import make_console
from graphcron.console.one_time import COOKIE, OneTimeAccess
from graphcron.console.visit import Options
from graphcron.http_server import DEFAULT_LIMITS, listen
from tests.support.console_source import NOW, MemorySource, cron


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[str, OneTimeAccess, aiohttp.ClientSession]]:
    access = OneTimeAccess(MemorySource(cron("a")))
    app = web.Application()
    app.add_subapp(access.prefix, make_console(access, Options(lambda: NOW)))
    runner = await listen(app, "127.0.0.1", 0, DEFAULT_LIMITS)
    port = runner.addresses[0][1]
    access.hosts = frozenset({f"127.0.0.1:{port}"})
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield f"http://127.0.0.1:{port}{access.prefix}", access, session
    finally:
        await runner.cleanup()


async def status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers) as answer:
        return answer.status


async def test_a_token_is_changed_once_for_a_cookie_of_these_pages_alone() -> None:
    async with opened() as (url, access, session):
        token = access.token
        assert await status(session, f"{url}/") == 403
        async with session.get(f"{url}/open?token={token}") as answer:
            cookie = answer.cookies[COOKIE]
            assert "./" in await answer.text()
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", access.prefix)
        assert await status(session, f"{url}/") == 200
        async with aiohttp.ClientSession() as other:
            assert await status(other, f"{url}/open?token={token}") == 403
            assert await status(other, f"{url}/open?token=") == 403


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_wrong_token_opens_nothing_and_uses_nothing_up(token: str) -> None:
    async with opened() as (url, access, session):
        assert await status(session, f"{url}/open?token={token}") == 403
        assert await status(session, f"{url}/open?token={access.token}") == 200


async def test_a_foreign_name_for_this_machine_is_refused() -> None:
    async with opened() as (url, access, session):
        assert await status(session, f"{url}/open?token={access.token}", Host="evil.example:80") == 403
        assert await status(session, f"{url}/open?token={access.token}") == 200
        assert await status(session, f"{url}/", Host="evil.example:80") == 403


async def test_no_path_is_the_same_twice() -> None:
    one, two = OneTimeAccess(MemorySource()), OneTimeAccess(MemorySource())
    assert len({one.prefix, two.prefix, one.token, two.token}) == 4
    assert len(one.prefix) > 20
