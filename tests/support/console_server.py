"""The console on a real socket in front of a source in memory, and its pages as HTML that was parsed."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import aiohttp
from aiohttp import web

from graphcron.console.access import Access
from graphcron.console.app import make_console
from graphcron.console.visit import Options
from graphcron.http_server import DEFAULT_LIMITS, listen
from tests.support.console_source import NOW, EverybodysAccess, MemorySource

PREFIX = "/console"


@asynccontextmanager
async def console(access: Access, **options: Any) -> AsyncIterator[str]:
    """The URL of a console, without a slash at its end, while it serves."""
    app = web.Application()
    app.add_subapp(PREFIX, make_console(access, Options(**{"clock": lambda: NOW} | options)))
    runner = await listen(app, "127.0.0.1", 0, DEFAULT_LIMITS)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}"
    finally:
        await runner.cleanup()


_VOID = re.compile(r"<(meta|link|input|img|br|hr)\b([^<>]*)>")
_BARE = re.compile(r"\s(autofocus|defer|selected|disabled|hidden|required|open|readonly|checked|novalidate)(?=[\s/>])")


class Html:
    """A page or a part of one. Raises ParseError unless it is well-formed: each element closed, each quote."""

    def __init__(self, text: str) -> None:
        self.text = text
        closed = _VOID.sub(r"<\1\2/>", text.replace("<!doctype html>", ""))
        whole = _BARE.sub(r' \1=""', closed)
        self.root = ElementTree.fromstring(f"<body>{whole}</body>")  # noqa: S314 - our own

    def all(self, path: str) -> list[ElementTree.Element]:
        return self.root.findall(f".//{path}")

    def one(self, path: str) -> ElementTree.Element:
        found = self.root.find(f".//{path}")
        assert found is not None, f"{path} is not in the page"
        return found

    def words(self, path: str = "main") -> str:
        """The text of an element with one space between words."""
        return " ".join(" ".join(self.one(path).itertext()).split())

    def texts(self, path: str) -> list[str]:
        return [" ".join(" ".join(one.itertext()).split()) for one in self.all(path)]


class Browser:
    """Loads pages and sends forms as a browser does."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def answer(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers: of a form with `fields`."""
        method = "GET" if fields is None else "POST"
        async with self.session.request(
            method, self.url + path, data=fields, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def page(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Html:
        """What is there. Fails unless it has that status."""
        got, text, _ = await self.answer(path, headers=headers)
        assert got == status, text
        return Html(text)

    async def send(self, path: str, **fields: str) -> str:
        """Where a form leads to, below the console."""
        status, text, headers = await self.answer(path, {"csrf": EverybodysAccess.CSRF} | fields)
        assert status == 303, text
        return headers["Location"].removeprefix(PREFIX)


@asynccontextmanager
async def browsing(source: MemorySource, **options: Any) -> AsyncIterator[Browser]:
    """A browser on the console of this source."""
    async with console(EverybodysAccess(source), **options) as url, aiohttp.ClientSession() as session:
        yield Browser(url, session)
