"""The errors of the Agent Server, by whether repeating the request can help."""

import http.client
import json
import socket
from urllib.parse import urlsplit

DETAIL_LIMIT = 1500
"""Characters of a server's own message that are passed on; a termination message holds 4096 bytes."""


class AgentServerError(Exception):
    """What the Agent Server, or the way to it, had against a request: a CamelCase reason, a sentence for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TryAgain(AgentServerError):
    """The same request can succeed later, and not before `wait` seconds have passed."""

    def __init__(self, reason: str, message: str, wait: float = 0.0) -> None:
        super().__init__(reason, message)
        self.wait = wait


class Refused(AgentServerError):
    """The same request will be refused however often it is sent."""


class NotFound(Refused):
    """404, said by an Agent Server and not by some proxy before it."""


class Busy(Refused):
    """409: the thread runs something, or exists, and the request asked to be rejected then."""


def plain(text: str) -> str:
    """One line of bounded length that can be encoded: for logs and termination messages."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= DETAIL_LIMIT else line[: DETAIL_LIMIT - 1] + "…"


def in_words(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name does not resolve ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, ConnectionError):
        return "connection lost"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut off"
    return plain(f"{type(error).__name__}: {error}")


def detail_of(data: bytes) -> str:
    """What an Agent Server says about an error; "" when the body is not one of its own."""
    try:
        detail = json.loads(data)["detail"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return plain(detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False))


def origin_of(location: str) -> str:
    """Scheme and host only: the rest of a redirect may hold tokens."""
    try:
        parts = urlsplit(location)
        host = f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
        return plain(f"{host}:{parts.port}" if parts.hostname and parts.port else host)
    except ValueError:
        return "an unreadable address"
