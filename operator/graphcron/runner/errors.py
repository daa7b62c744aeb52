"""The errors of the Agent Server, by whether repeating the request can help."""

import http.client
import socket
from urllib.parse import urlsplit

from graphcron.firing.formats import plain


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


class RequestRefused(AgentServerError):
    """The same request will be refused however often it is sent."""


class ResourceNotFound(RequestRefused):
    """404. `certain` says that an Agent Server itself answered so, and not some proxy before it."""

    def __init__(self, reason: str, message: str, *, certain: bool = True) -> None:
        super().__init__(reason, message)
        self.certain = certain


class Busy(RequestRefused):
    """409: the thread runs something, or exists, and the request asked to be rejected then."""


def named(error: Exception) -> str:
    """An error of any kind, with its type if it is none of ours."""
    return str(error) if isinstance(error, AgentServerError) else f"{type(error).__name__}: {error}"


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


def origin_of(location: str) -> str:
    """Scheme and host only: the rest of a redirect may hold tokens."""
    try:
        parts = urlsplit(location)
        host = f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
        return plain(f"{host}:{parts.port}" if parts.hostname and parts.port else host)
    except ValueError:
        return "an unreadable address"
