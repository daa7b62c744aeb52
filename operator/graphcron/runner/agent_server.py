"""The Agent Server's client: no other module of a run pod sends it requests.

A small blocking client on `http.client`, because a run pod's start-up time is paid at each firing. It opens one
connection a request: nothing idles through a proxy between two polls, no pooled connection dies unnoticed, and a
server that restarts is simply found again. It never repeats a request by itself; it only says, by the class of
the error, whether repeating can help: patience is the runner's.

Redirects are not followed: the API key would travel with them. Proxies from the environment are not used either.
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from graphcron.runner.errors import (
    Busy,
    NotFound,
    Refused,
    TryAgain,
    detail_of,
    in_words,
    origin_of,
    plain,
)

CONNECT_SECONDS = 10.0
SETTLE_SECONDS = 10.0
"""After a request that timed out the server may still be at work on it; an answer to "is there a run?" is worth
nothing before that is over."""

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer that are read. The largest we need is a new run, which repeats an input of up to 1 MiB; what is
larger is a failed thread's state and would cost a small pod its memory."""


class Run(NamedTuple):
    """A run, without its input."""

    run_id: str
    status: str
    created_at: str
    metadata: Mapping[str, Any]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Run":
        run_id, status, created_at = (data.get(name) for name in ("run_id", "status", "created_at"))
        metadata = data.get("metadata") or {}
        if not all(map(_is_plain, (run_id, status, created_at))) or not isinstance(metadata, Mapping):
            raise TryAgain("AgentServerError", "the server answered something that is no run")
        return cls(str(run_id), str(status), str(created_at), metadata)


_RUN_FIELDS = [("select", name) for name in Run._fields]
"""Without a selection each run comes with its whole input, a megabyte maybe, at every poll."""


class AgentServer:
    """`url` may have a path prefix. `headers` go with each request. Raises Refused for an unusable URL or CA.

    `timeout` is how many seconds the server may be silent within one request.
    """

    def __init__(self, url: str, headers: Mapping[str, str], ca_file: str | None = None, timeout: float = 30.0) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            parts, self._host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not self._host or parts.username or parts.password:
            # Not quoted: it may hold a password.
            raise Refused(
                "ServerUrlInvalid", "the Agent Server's URL must be http(s)://host[:port][/path], without user"
            )
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.origin = f"{parts.scheme}://{host}:{self._port}"
        self._prefix = parts.path.rstrip("/")
        self._headers = {**headers, "accept": "application/json", "user-agent": "graphcron"}
        self._timeout = timeout
        self._tls = _tls(ca_file) if parts.scheme == "https" else None

    def runs(self, thread_id: str, limit: int, offset: int = 0) -> list[Run]:
        """Runs of a thread, newest first. Raises NotFound without the thread."""
        query = urlencode([("limit", limit), ("offset", offset), *_RUN_FIELDS])
        return [Run.from_json(run) for run in self._list("GET", f"{_thread(thread_id)}/runs?{query}")]

    def start(self, thread_id: str, request: bytes) -> Run:
        """Not idempotent: after a TryAgain the run may exist."""
        return Run.from_json(self._object("POST", f"{_thread(thread_id)}/runs", request))

    def status(self, thread_id: str, run_id: str) -> str:
        """Raises NotFound when there is no such run (any more)."""
        for run in self.runs(thread_id, limit=10):
            if run.run_id == run_id:
                return run.status
        # Many newer ones on a busy thread. This answer includes the input, so it comes second.
        return Run.from_json(self._object("GET", f"{_thread(thread_id)}/runs/{run_id}")).status

    def cancel(self, thread_id: str, run_id: str) -> bool:
        """Stop a run and keep what it has done so far. False when it is over, or gone."""
        try:
            self._call("POST", f"{_thread(thread_id)}/runs/{run_id}/cancel?action=interrupt")
        except NotFound:
            return False
        return True

    def is_interrupted(self, thread_id: str) -> bool:
        """Whether the thread has stopped in the middle of its graph, waiting for input."""
        query = _json({"ids": [thread_id], "select": ["thread_id", "status"]})
        found = self._list("POST", "/threads/search", query)
        return any((thread.get("thread_id"), thread.get("status")) == (thread_id, "interrupted") for thread in found)

    def error_of(self, thread_id: str) -> str:
        """The server's message about the thread's last failure, "" when it has none."""
        error = self._object("GET", _thread(thread_id)).get("error")
        if isinstance(error, Mapping):  # {"error": "ValueError", "message": "…"}
            return plain(": ".join(str(error[key]) for key in ("error", "message") if error.get(key)))
        if error:
            return plain(str(error))
        tasks = self._object("GET", f"{_thread(thread_id)}/state").get("tasks") or []
        failed = (task for task in tasks if isinstance(task, Mapping) and task.get("error"))
        return plain("; ".join(str(task["error"]) for task in failed))

    def thread_metadata(self, thread_id: str) -> Mapping[str, Any]:
        metadata = self._object("GET", _thread(thread_id)).get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}

    def create_thread(self, thread_id: str, metadata: Mapping[str, Any], ttl: timedelta | None = None) -> bool:
        """False when it exists already. After `ttl` the server deletes the thread, if it sweeps at all."""
        thread: dict[str, Any] = {"thread_id": thread_id, "if_exists": "raise", "metadata": metadata}
        if ttl:
            thread["ttl"] = {"strategy": "delete", "ttl": ttl // timedelta(minutes=1)}
        try:
            self._call("POST", "/threads", _json(thread))
        except Busy:
            return False
        return True

    def delete_thread(self, thread_id: str) -> None:
        """With its runs and its state. Idempotent."""
        try:
            self._call("DELETE", _thread(thread_id))
        except NotFound:
            return

    def busy_threads(self, metadata: Mapping[str, Any], limit: int) -> list[str]:
        """Ids of threads that have this metadata and a run that is not over."""
        query = {"metadata": metadata, "status": "busy", "select": ["thread_id"], "limit": limit}
        found = self._list("POST", "/threads/search", _json(query))
        return [thread["thread_id"] for thread in found if _is_plain(thread.get("thread_id"))]

    def oldest_threads(self, metadata: Mapping[str, Any], limit: int) -> list[tuple[str, str]]:
        """Ids and creation times of threads that have this metadata."""
        query = {
            "metadata": metadata,
            "select": ["thread_id", "created_at"],
            "sort_by": "created_at",
            "sort_order": "asc",
            "limit": limit,
        }
        found = self._list("POST", "/threads/search", _json(query))
        known = [(thread.get("thread_id"), thread.get("created_at")) for thread in found]
        return [(str(thread), str(created)) for thread, created in known if _is_plain(thread) and _is_plain(created)]

    def _object(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        answer = self._call(method, path, body)
        if not isinstance(answer, dict):
            raise TryAgain("AgentServerError", f"{self.origin} answered {method} {path} with something else")
        return answer

    def _list(self, method: str, path: str, body: bytes | None = None) -> list[dict[str, Any]]:
        answer = self._call(method, path, body)
        if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
            raise TryAgain("AgentServerError", f"{self.origin} answered {method} {path} with something else")
        return answer

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """One request. Returns the parsed answer, or raises TryAgain or Refused."""
        headers = self._headers if body is None else {**self._headers, "content-type": "application/json"}
        connection = self._connection()
        try:
            connection.connect()
            connection.sock.settimeout(self._timeout)
            connection.request(method, self._prefix + path, body, headers)
            response = connection.getresponse()
            data = response.read(BODY_LIMIT)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                "CertificateNotTrusted",
                f"the certificate of {self.origin} is not trusted ({error.verify_message}): "
                "give its CA to the installation, or correct the URL",
            ) from None
        except TimeoutError:
            raise TryAgain("AgentServerUnreachable", f"{self.origin} did not answer in time", SETTLE_SECONDS) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise TryAgain("AgentServerUnreachable", f"{self.origin}: {in_words(error)}") from None
        finally:
            connection.close()
        return self._judge(response.status, response.headers, data)

    def _connection(self) -> http.client.HTTPConnection:
        assert self._host
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)

    def _judge(self, status: int, headers: http.client.HTTPMessage, data: bytes) -> Any:
        answered = f"{self.origin} answered {status}"
        if 200 <= status < 300:
            try:
                return json.loads(data) if data else None
            except (ValueError, RecursionError):
                raise TryAgain(
                    "AgentServerError", f"{answered} with something that is not an Agent Server's JSON"
                ) from None
        detail = detail_of(data)
        said = f"{answered}: {detail}" if detail else answered
        if 300 <= status < 400:
            raise Refused(
                "Redirected",
                f"{answered} and points to {origin_of(headers.get('location', ''))}: "
                "redirects are not followed, so give the final address",
            )
        if status in (401, 403):
            raise Refused(
                "Unauthorized",
                f"{said}: check the Secret with the API key (spec.server.apiKeySecretRef, "
                "or the installation's own for its default server)",
            )
        if status == 404:
            if not detail:
                # An ingress says so while there is no server behind it.
                raise TryAgain("AgentServerError", f"{answered} as no Agent Server does: is the URL's path right?")
            raise NotFound("NotFound", said)
        if status == 409:
            raise Busy("ThreadBusy", said)
        if status in (429, 503):
            wait = retry_after(headers.get("retry-after", ""), datetime.now(UTC))
            raise TryAgain("AgentServerOverloaded", said, wait)
        if status in (408, 425) or status >= 500:
            raise TryAgain("AgentServerError", said, SETTLE_SECONDS if status in (408, 504) else 0.0)
        raise Refused("RequestRefused", said)


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode()


def _thread(thread_id: str) -> str:
    return f"/threads/{quote(thread_id, safe='')}"


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Refused("CaFileInvalid", f"the CA file {ca_file} cannot be used: {plain(str(error))}") from None


def _is_plain(value: object) -> bool:
    """Whether it can be an id, a status or a time: a short text, which goes into URLs, messages and files."""
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()


def retry_after(text: str, now: datetime) -> float:
    """Seconds to wait by a Retry-After header, a number of them or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
