"""CORS: the pages that may call the cron endpoints from a browser (Fetch Standard, "CORS protocol"). Pure.

The Agent Server answers for what is passed on to it; the cron endpoints answer here as LangGraph's server does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ANY = "*"

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY"
_EXPOSED = (
    "x-pagination-total, x-pagination-next, content-location, link, location, retry-after, warning, "
    "x-graphcron-forecast"
)
"""LangGraph's, and those that only GraphCron sends."""
_MAX_AGE_SECONDS = 600


@dataclass(frozen=True)
class Origins:
    """The allowed origins, such as `https://app.example`; `*` means every one. Cookies are never allowed."""

    allowed: frozenset[str] = frozenset({ANY})

    def headers(self, request: Mapping[str, str]) -> dict[str, str]:
        """The CORS headers of an answer; none for a request without an Origin."""
        origin = request.get("Origin")
        if origin is None:
            return {}
        vary = {"Vary": "Origin"}
        if (allowed := self._allowed(origin)) is None:
            return vary
        return vary | {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": _EXPOSED}

    def preflight(self, request: Mapping[str, str]) -> dict[str, str]:
        """The headers that answer a preflight. A browser does not call without Access-Control-Allow-Origin."""
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
    """Whether a request is a preflight, by which a browser asks for permission to call."""
    return method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers
