"""Who may use the console: the two ways in, and what keeps other pages from acting for a viewer."""

import hmac
from collections.abc import Mapping
from html import escape
from typing import Protocol

from aiohttp import web

from graphcron.console.source import Source


class SignInNeeded(Exception):
    """Nobody is signed in; the message says how to, and is empty for a first visit."""


class Access(Protocol):
    """Tells viewers by their requests."""

    signs_out: bool
    """Whether there is anything to sign out of."""

    async def source(self, request: web.Request) -> Source:
        """What the sender of this request may see. Raises SignInNeeded and SourceError."""

    async def csrf_token(self, request: web.Request) -> str:
        """What each change that the viewer sends has to bring along: no other page can read it."""

    async def who(self, request: web.Request) -> str:
        """The viewer, for people; empty where there is no name."""

    def routes(self) -> list[web.RouteDef]:
        """Pages for signing in and out: `signin` is the name of that which asks."""


CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"


def is_own_request(headers: Mapping[str, str], host: str) -> bool:
    """Whether a browser says that one of our own pages sent this request, or no page at all: by Fetch Metadata, and
    where it does not send that, as over plain HTTP, by the origin."""
    if (site := headers.get("Sec-Fetch-Site")) is not None:
        return site in ("same-origin", "none")
    origin = headers.get("Origin")
    return origin is None or origin.partition("://")[2] == host


def leads_on(address: str, icon: str) -> web.Response:
    """A page that leads to another one of ours. Browsers that come from another site send no SameSite=Strict cookie,
    not even with a redirect: from this page they do."""
    shown = escape(address)
    # Without an icon browsers would ask for /favicon.ico, which is nobody's.
    refresh = f'<link rel="icon" href="{escape(icon)}"><meta http-equiv="refresh" content="0; url={shown}">'
    return web.Response(
        text=f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GraphCron</title>{refresh}</head>'
        f'<body><p><a href="{shown}">GraphCron</a></p></body></html>',
        content_type="text/html",
    )


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, by a comparison whose duration tells nothing."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
