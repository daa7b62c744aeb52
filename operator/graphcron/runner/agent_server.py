"""The Agent Server's client: no other module of a run pod sends it requests.

A small blocking client on `http.client`, because a run pod's start-up time is paid at each firing. It never repeats a
request by itself; it only says, by the class of the error, whether repeating can help: patience is the runner's.

Redirects are not followed: the API key would travel with them.

Servers differ in how they write errors: LangGraph's own and Aegra in JSON of two shapes, LangGraph.js's in text. So do
gateways that have no server behind them, and a 404 may be theirs: see `_call`.

Times that the server gives are its clock's, which is not ours. The `Date` of its answers says how far they are apart,
and each time is given out by this pod's clock.
"""

import http.client
import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from graphcron.firing.formats import error_text, moment_of, plain
from graphcron.firing.order import FIRING_METADATA
from graphcron.runner.errors import Busy, RequestRefused, ResourceNotFound, TryAgain, origin_of
from graphcron.runner.transport import SETTLE_SECONDS, Transport

SAME_CLOCK = timedelta(seconds=5)
"""Clocks that are no further apart count as one: a `Date` has whole seconds, and an answer takes its time."""


_DETAIL = re.compile(rb'\s*{\s*"detail"\s*:')
"""How an error of LangGraph's own server begins, and of no gateway."""


ACTIVE = ("pending", "running")
"""Statuses of a run that is not over."""


class Run(NamedTuple):
    """A run, without its input. `created`, and `updated`, when it last changed, are by this pod's clock; None when the
    server's text is no time. A server may keep no metadata of runs (Aegra)."""

    run_id: str
    status: str
    created: datetime | None
    metadata: Mapping[str, Any]
    updated: datetime | None = None


_RUN_FIELDS = [("select", name) for name in ("run_id", "status", "created_at", "updated_at", "metadata")]
"""Without a selection each run comes with its whole input, a megabyte maybe, at every poll."""


class AgentServer:
    """The server at the end of `transport`. `headers` go with each request."""

    def __init__(self, transport: Transport, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self.origin = transport.origin
        self._headers = {**headers, "accept": "application/json", "user-agent": "graphcron"}
        self.behind = timedelta()
        """How far the server's clock is behind ours, by its last answer."""

    def runs(self, thread_id: str, limit: int, offset: int = 0) -> list[Run]:
        """Runs of a thread, newest first. Raises ResourceNotFound without the thread."""
        query = urlencode([("limit", limit), ("offset", offset), *_RUN_FIELDS])
        return [self._run(run) for run in self._list("GET", f"{_thread(thread_id)}/runs?{query}")]

    def start(self, thread_id: str, request: bytes) -> Run:
        """Not idempotent: after a TryAgain the run may exist."""
        run = self._run(self._object("POST", f"{_thread(thread_id)}/runs", request))
        now = datetime.now(UTC)
        # It was made while we waited: a proxy's Date may hide that the server's clock is another.
        return run if run.created and abs(now - run.created) < SAME_CLOCK else run._replace(created=now)

    def run(self, thread_id: str, run_id: str) -> Run:
        """Raises ResourceNotFound when there is no such run (any more)."""
        for run in self.runs(thread_id, limit=10):
            if run.run_id == run_id:
                return run
        # Many newer ones on a busy thread. This answer includes the input, so it comes second.
        return self._run(self._object("GET", f"{_thread(thread_id)}/runs/{run_id}"))

    def cancel(self, thread_id: str, run_id: str) -> bool:
        """Stop a run and keep what it has done so far. False when it is over, or gone."""
        try:
            self._call("POST", f"{_thread(thread_id)}/runs/{run_id}/cancel?action=interrupt")
        except ResourceNotFound:
            return False
        return True

    def is_interrupted(self, thread_id: str) -> bool:
        """Whether the thread has stopped in the middle of its graph, waiting for input."""
        query = _json({"ids": [thread_id], "select": ["thread_id", "status"]})
        for thread in self._list("POST", "/threads/search", query):
            if thread.get("thread_id") == thread_id:
                return thread.get("status") == "interrupted"
        # Aegra finds others. Elsewhere this answer includes the thread's state, so it comes second.
        return self._object("GET", _thread(thread_id)).get("status") == "interrupted"

    def error_of(self, thread_id: str, run_id: str) -> str:
        """The server's message about the thread's last failure, "" when it has none. LangGraph's own has it in the
        thread, LangGraph.js's in the state, Aegra in the run."""
        error = self._object("GET", _thread(thread_id)).get("error")
        if isinstance(error, Mapping):  # {"error": "ValueError", "message": "…"}
            return plain(": ".join(str(error[key]) for key in ("error", "message") if error.get(key)))
        if error:
            return plain(str(error))
        tasks = self._object("GET", f"{_thread(thread_id)}/state").get("tasks") or []
        failed = (task for task in tasks if isinstance(task, Mapping) and task.get("error"))
        said = "; ".join(error_text(text.encode()) or plain(text) for text in (str(task["error"]) for task in failed))
        return plain(said or str(self._object("GET", f"{_thread(thread_id)}/runs/{run_id}").get("error_message") or ""))

    def read(self, method: str, thread_id: str, rest: str, body: Any, limit: int, timeout: float) -> bytes | None:
        """What a thread has that is good to know; None when it is longer than `limit` bytes, or not there."""
        data = None if body is None else _json(body)
        path = _thread(thread_id) + rest
        status, _, said = self._transport.send(method, path, self._sent(data), data, limit + 1, timeout)
        return said if status == 200 and len(said) <= limit else None

    def stream(self, thread_id: str, run_id: str, timeout: float) -> AbstractContextManager[http.client.HTTPResponse]:
        """The events of a run, from the first that the server still has. It may be silent for `timeout` seconds."""
        headers = {**self._headers, "accept": "text/event-stream", "last-event-id": "-1"}
        return self._transport.answer("GET", f"{_thread(thread_id)}/runs/{run_id}/stream", headers, None, timeout)

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

    def add_thread_metadata(self, thread_id: str, metadata: Mapping[str, Any]) -> None:
        """What is there stays, except these keys."""
        self._call("PATCH", _thread(thread_id), _json({"metadata": metadata}))

    def delete_thread(self, thread_id: str) -> None:
        """With its runs and its state. Idempotent."""
        try:
            self._call("DELETE", _thread(thread_id))
        except ResourceNotFound:
            return

    def busy_threads(self, metadata: Mapping[str, Any], limit: int) -> list[str]:
        """Ids of threads that have this metadata and a run that is not over."""
        query = {"metadata": metadata, "status": "busy", "select": ["thread_id"], "limit": limit}
        found = self._list("POST", "/threads/search", _json(query))
        return [thread["thread_id"] for thread in found if _is_plain(thread.get("thread_id"))]

    def oldest_threads(self, metadata: Mapping[str, Any], limit: int) -> list[tuple[str, datetime]]:
        """Ids and creation times, by this pod's clock, of threads that have this metadata."""
        query = {
            "metadata": metadata,
            "select": ["thread_id", "created_at"],
            "sort_by": "created_at",
            "sort_order": "asc",
            "limit": limit,
        }
        found = self._list("POST", "/threads/search", _json(query))
        known = [(thread.get("thread_id"), self._moment(thread.get("created_at"))) for thread in found]
        return [(str(thread), created) for thread, created in known if _is_plain(thread) and created]

    def _run(self, data: Mapping[str, Any]) -> Run:
        run_id, status, created_at = (data.get(name) for name in ("run_id", "status", "created_at"))
        metadata = data.get("metadata") or {}
        if not all(map(_is_plain, (run_id, status, created_at))) or not isinstance(metadata, Mapping):
            raise TryAgain("AgentServerError", "the server answered something that is no run")
        updated = self._moment(data.get("updated_at"))
        return Run(str(run_id), str(status), self._moment(created_at), metadata, updated)

    def _moment(self, text: object) -> datetime | None:
        """A time of the server by this pod's clock."""
        moment = moment_of(str(text))
        try:
            return moment and moment + self.behind
        except OverflowError:
            return None

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
        """One request. Returns the parsed answer, or raises TryAgain or RequestRefused.

        A 404 that anybody could have written counts once an Agent Server has said it: one that is asked for threads and
        answers with a list is one, and is then asked again. What has a body makes something, and is never repeated.
        """
        try:
            return self._ask(method, path, body)
        except ResourceNotFound as error:
            if error.certain:
                raise
            doubtful = TryAgain("AgentServerError", f"{error}: is the path of the Agent Server's URL right?")
        if body is not None:
            raise doubtful
        try:
            found = self._ask("POST", "/threads/search", _json({"metadata": {FIRING_METADATA: ""}, "limit": 1}))
        except ResourceNotFound:
            found = None
        if not isinstance(found, list):
            raise doubtful
        return self._ask(method, path, None)

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        status, answered, data = self._transport.send(method, path, self._sent(body), body)
        now, date = datetime.now(UTC), _date(answered.get("date", ""))
        behind = now - date if date else timedelta()
        self.behind = behind if abs(behind) > SAME_CLOCK else timedelta()
        return self._judge(status, answered, data, date or now)

    def _sent(self, body: bytes | None) -> Mapping[str, str]:
        return self._headers if body is None else {**self._headers, "content-type": "application/json"}

    def _judge(self, status: int, headers: http.client.HTTPMessage, data: bytes, now: datetime) -> Any:
        """`now` is the server's."""
        answered = f"{self.origin} answered {status}"
        if 200 <= status < 300:
            try:
                return json.loads(data) if data else None
            except (ValueError, RecursionError):
                raise TryAgain(
                    "AgentServerError", f"{answered} with something that is not an Agent Server's JSON"
                ) from None
        detail = error_text(data)
        said = f"{answered}: {detail}" if detail else answered
        if 300 <= status < 400:
            raise RequestRefused(
                "Redirected",
                f"{answered} and points to {origin_of(headers.get('location', ''))}: "
                "redirects are not followed, so give the final address",
            )
        if status in (401, 403):
            raise RequestRefused(
                "Unauthorized",
                f"{said}: check the Secret with the API key (spec.server.apiKeySecretRef, "
                "or the installation's own for its default server)",
            )
        if status == 404:
            # Only an Agent Server knows assistants.
            raise ResourceNotFound("NotFound", said, certain=bool(_DETAIL.match(data)) or "ssistant" in detail)
        if status == 409 or (status == 422 and "already running a task" in detail):  # LangGraph.js's own says 422
            raise Busy("ThreadBusy", said)
        if status in (429, 503):
            wait = retry_after(headers.get("retry-after", ""), now)
            raise TryAgain("AgentServerOverloaded", said, wait)
        if status in (408, 425) or status >= 500:
            raise TryAgain("AgentServerError", said, SETTLE_SECONDS if status in (408, 504) else 0.0)
        raise RequestRefused("RequestRefused", said)


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode()


def _thread(thread_id: str) -> str:
    return f"/threads/{quote(thread_id, safe='')}"


def _is_plain(value: object) -> bool:
    """Whether it can be an id, a status or a time: a short text, which goes into URLs, messages and files."""
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()


def retry_after(text: str, now: datetime) -> float:
    """Seconds to wait by a Retry-After header, a number of them or a date (RFC 9110, 10.2.3); 0 for what is neither.
    `now` is by the clock of who sent it."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _date(text)
    return max(0.0, (moment - now).total_seconds()) if moment else 0.0


def _date(text: str) -> datetime | None:
    """A date of an HTTP header."""
    try:
        moment = parsedate_to_datetime(text.strip())
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
