"""Which pages a browser lets call the cron endpoints (Fetch Standard, "CORS protocol"). Pure.

The Agent Server answers for what is passed on to it; here the cron endpoints say the same as LangGraph's server.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ANY = "*"

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY"
_EXPOSED = "x-pagination-total, x-pagination-next, content-location"
_MAX_AGE_SECONDS = 600


@dataclass(frozen=True)
class Origins:
    """The origins that may call, such as `https://app.example`; `*` means every one. Cookies are never asked for."""

    allowed: frozenset[str] = frozenset({ANY})

    def headers(self, request: Mapping[str, str]) -> dict[str, str]:
        """What an answer says to the page that asked; nothing without a page."""
        origin = request.get("Origin")
        if origin is None:
            return {}
        vary = {"Vary": "Origin"}
        if (allowed := self._allowed(origin)) is None:
            return vary
        return vary | {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": _EXPOSED}

    def preflight(self, request: Mapping[str, str]) -> dict[str, str]:
        """What a browser is told that asks before it calls. Without the first of them it does not call."""
        headers = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        if (allowed := self._allowed(request.get("Origin", ""))) is None:
            return headers
        headers |= {
            "Access-Control-Allow-Origin": allowed,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
        }
        if asked := request.get("Access-Control-Request-Headers"):
            headers["Access-Control-Allow-Headers"] = asked
        return headers

    def _allowed(self, origin: str) -> str | None:
        if ANY in self.allowed:
            return ANY
        return origin if origin in self.allowed else None


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser only asks if it may call."""
    return method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers
