"""The way into `graphcron console`: an address that works once, and then a cookie of the browser that opened it.

Other users of the machine and other pages in the browser can reach its port too. So every path begins with a secret
(a browser sends cookies to all ports of a host, but only below their path), the address with the token works once, and
a request by another host name is refused (DNS rebinding).
"""

import secrets

from aiohttp import web

from graphcron.console.access import SignInNeeded, leads_on, same
from graphcron.console.source import Source

COOKIE = "graphcron-console"

OPEN_AGAIN = (
    "This console is open for the browser that used its address first. Close it with Ctrl-C and start it anew for "
    "another one."
)


class OneTimeAccess:
    """`source` is what the console's user may see."""

    signs_out = False

    def __init__(self, source: Source) -> None:
        self.prefix = f"/{secrets.token_urlsafe(16)}"
        """Of every address."""
        self.token = secrets.token_urlsafe(32)
        """Works once; empty after that."""
        self.hosts: frozenset[str] = frozenset()
        """Under which it answers, each with its port."""
        self._source = source
        self._session = secrets.token_urlsafe(32)
        self._csrf = secrets.token_urlsafe(32)

    async def source(self, request: web.Request) -> Source:
        if request.host not in self.hosts or not same(request.cookies.get(COOKIE, ""), self._session):
            raise SignInNeeded(OPEN_AGAIN)
        return self._source

    async def csrf_token(self, request: web.Request) -> str:
        await self.source(request)
        return self._csrf

    async def who(self, request: web.Request) -> str:
        return ""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/open", self._open, name="open")]

    async def _open(self, request: web.Request) -> web.Response:
        """Changes the token for the cookie."""
        if request.host not in self.hosts or not same(request.query.get("token", ""), self.token):
            raise SignInNeeded(OPEN_AGAIN)
        self.token = ""
        response = leads_on("./", "static/icon.svg")
        response.set_cookie(COOKIE, self._session, path=self.prefix, httponly=True, samesite="Strict")
        return response
