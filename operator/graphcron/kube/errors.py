"""The errors of the Kubernetes API, by what can be done about them."""

import json
import re

from graphcron.resource.fields import clipped

MESSAGE_LIMIT = 4096
"""Characters. An apiserver quotes what it refuses."""


class KubeError(Exception):
    """The apiserver did not do what was asked. `status` is its HTTP status, 0 when there was no answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = clipped(message, MESSAGE_LIMIT)
        super().__init__(self.message)


class NoCluster(Exception):
    """There is no cluster to work with; the message says why, and what to set."""


class NotFound(KubeError):
    """No such object (404)."""


class Conflict(KubeError):
    """The object exists already, or was changed by somebody else meanwhile (409)."""


class Refused(KubeError):
    """The apiserver does not take this object as it is: invalid, not allowed, over a quota (400, 403, 413, 422), or
    not of its types (500)."""


class Unavailable(KubeError):
    """No answer, too many requests, or a failure of the apiserver: trying again later can help."""


class Gone(Unavailable):
    """The resource version is too old to go on from (410): list anew."""


class TooLarge(KubeError):
    """The answer has more bytes than the caller wants to hold: ask for less."""


class NotLeading(KubeError):
    """This process may not write now: the write gate is closed. Nothing was sent."""


_NOT_OF_ITS_TYPES = re.compile("failed to (create typed patch|convert new) object")
"""Server-side apply of an object with an unknown field or a value of another type is an internal error by its status
(apimachinery, managedfields/internal/structuredmerge.go)."""


def error_of(status: int, message: str) -> KubeError:
    """The error that an HTTP status stands for."""
    match status:
        case 404:
            return NotFound(status, message)
        case 409:
            return Conflict(status, message)
        case 400 | 403 | 413 | 422:
            return Refused(status, message)
        case 500 if _NOT_OF_ITS_TYPES.search(message):
            return Refused(status, message)
        case 410:
            return Gone(status, message)
        case 401:
            # A service account's token is renewed, and the next attempt uses the new one.
            return Unavailable(status, f"the Kubernetes API does not accept these credentials: {message}")
        case _:
            return Unavailable(status, message)


def message_of(body: bytes, status: int) -> str:
    """The message of a Status object, or the start of what came instead (a proxy's page, say)."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or f"HTTP {status}"
