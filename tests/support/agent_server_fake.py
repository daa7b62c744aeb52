"""An Agent Server for tests: threads and runs in memory behind a real socket, and faults on order.

It answers as `langgraph-api` 0.16.7 does where a run pod can tell the difference: details of errors, inherited
metadata, `multitask_strategy: reject`, thread states. Checked on the real one, kept small here.
"""

import json
import re
import socket
import ssl
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

ACTIVE = ("pending", "running")
Json = Any

START = r"^POST .*/threads/[^/]+/runs$"
POLL = r"^GET .*/runs$"
CREATE = r"^POST /threads$"
"""Of the firing's thread first, of the record second."""
DELETE = r"^DELETE "
CANCEL = r"/cancel$"


class Answer(NamedTuple):
    """What a client gets; `body` is sent as JSON unless it is bytes."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = {}


class Drop(Exception):
    """Reset the connection instead of answering."""


Fault = Callable[[Callable[[], Answer]], Answer]
"""Gets the request's real handling, which it may call or not, and says what the client gets."""


def undisturbed(handle: Callable[[], Answer]) -> Answer:
    return handle()


def reset_before(handle: Callable[[], Answer]) -> Answer:
    raise Drop


def reset_after(handle: Callable[[], Answer]) -> Answer:
    handle()
    raise Drop


def answer(status: int, body: Json = None, **headers: str) -> Fault:
    return lambda handle: Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Hold:
    """Stops a request before or after it is handled, until it is let go."""

    def __init__(self, when: str) -> None:
        self.when = when
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self.handled = threading.Event()

    def __call__(self, handle: Callable[[], Answer]) -> Answer:
        result = handle() if self.when == "after" else None
        self.reached.set()
        assert self.let_go.wait(20)
        result = result or handle()
        self.handled.set()
        return result


class AgentServerFake:
    """`ends_as` is what becomes of new runs at once; None leaves them running until `end_runs`."""

    def __init__(self) -> None:
        self.threads: dict[str, dict[str, Json]] = {}
        self.runs: list[dict[str, Json]] = []
        self.started: list[dict[str, Json]] = []
        """Bodies of all requests that made a run, also of runs that are deleted by now."""
        self.requests: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[bytes] = []
        self.ends_as: str | None = "success"
        self.prefix = ""
        self.assistants = ("agent",)
        self.dialect = "langgraph"
        """How errors look: "langgraph", "js" (text) or "aegra", whose runs have no metadata."""
        self.checkpoints: list[dict[str, Json]] = []
        """Of all threads, the newest last; `checkpoint` adds one."""
        self.events: dict[str, list[tuple[str, Json]]] = {}
        """What the streams of runs show, by id of the run or, for each that has none, "": names and data."""
        self.forgets = 0
        """How many of the first events a stream no longer has."""
        self.slow = timedelta()
        """How far its clock is behind; negative when it is ahead."""
        self.honest_date = True
        """Whether the Date of answers is by that clock; a gateway writes its own."""
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.RLock()

    def fail(self, pattern: str, *faults: Fault) -> None:
        """The next requests whose "METHOD /path" matches meet these faults, one each."""
        self._faults += [(pattern, fault) for fault in faults]

    def polls(self) -> int:
        """How often the state of runs was asked for."""
        return sum(re.search(POLL, request) is not None for request in self.requests)

    def _now(self) -> str:
        return (datetime.now(UTC) - self.slow).isoformat()

    def end_runs(self, status: str, error: Json = None) -> None:
        with self._lock:
            for run in self.runs:
                if run["status"] in ACTIVE:
                    self._end(run, status, error)

    def add_thread(self, thread_id: str | None = None, metadata: Json = None) -> str:
        thread_id = thread_id or str(uuid.uuid4())
        thread = {"thread_id": thread_id, "status": "idle", "metadata": metadata or {}, "values": {}, "interrupts": {}}
        self.threads[thread_id] = thread | {"error": None, "created_at": self._now(), "tasks": []}
        return thread_id

    def add_run(self, thread_id: str, metadata: Json = None, status: str = "success", created_at: str = "") -> Json:
        run = {
            "run_id": str(uuid.uuid4()),
            "thread_id": thread_id,
            "status": status,
            "metadata": self.threads[thread_id]["metadata"] | (metadata or {}),
            "created_at": created_at or self._now(),
            "updated_at": created_at or self._now(),
            "kwargs": {"input": "x" * 1000},
        }
        self.runs.append(run)
        return run

    def checkpoint(self, thread_id: str, values: Json, source: str = "loop", **metadata: Json) -> Json:
        """One more of a thread."""
        earlier = [one for one in self.checkpoints if one["thread_id"] == thread_id]
        parent = {"checkpoint_id": earlier[-1]["checkpoint"]["checkpoint_id"]} if earlier else None
        made = {"thread_id": thread_id, "values": values, "metadata": {"source": source, **metadata}}
        made |= {"checkpoint": {"checkpoint_id": str(uuid.uuid4())}, "parent_checkpoint": parent}
        self.checkpoints.append(made)
        return made

    def show(self, run_id: str) -> Iterator[bytes]:
        """The stream of a run, from its first event on, until it is over."""
        shown = self.forgets
        while True:
            over = all(run["status"] not in ACTIVE for run in self.runs if run["run_id"] == run_id)
            for number, (name, data) in enumerate(self.events.get(run_id, self.events.get("", []))[shown:], shown):
                yield f"event: {name}\r\ndata: {json.dumps(data)}\r\nid: {number}\r\n\r\n".encode()
                shown = number + 1
            if over:
                return
            yield b": heartbeat\r\n\r\n"
            time.sleep(0.02)

    @contextmanager
    def listening(self, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serve until the block ends; yields the URL."""
        server = _Server(("127.0.0.1", port), _Handler)
        server.fake = self
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}{self.prefix}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        url = urlsplit(target)
        with self._lock:
            self.requests.append(f"{method} {url.path}")
            self.headers.append(headers)
            self.bodies.append(body)
            fault = next((fault for fault in self._faults if re.search(fault[0], f"{method} {url.path}")), None)
            if fault:
                self._faults.remove(fault)

        def really() -> Answer:
            if not url.path.startswith(self.prefix):
                return _not_found("Not Found")
            with self._lock:
                return self._route(method, url.path.removeprefix(self.prefix), parse_qs(url.query), body)

        return fault[1](lambda: self._spoken(really())) if fault else self._spoken(really())

    def _spoken(self, said: Answer) -> Answer:
        """An error as a server of that dialect writes it."""
        if said.status < 400 or self.dialect == "langgraph":
            return said
        text = said.body["detail"]
        if self.dialect == "aegra":
            return said._replace(body={"error": "unknown_error", "message": text, "details": None})
        if said.status == 422:
            return Answer(404, f'No assistant found for "nope". {text}'.encode())
        return Answer(422 if "running" in text else said.status, text.encode(), {"content-type": "text/plain"})

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        data: Any = json.loads(body) if body else {}
        parts = path.strip("/").split("/")
        match [method, *parts]:
            case ["POST", "threads"]:
                if data["thread_id"] in self.threads:
                    return Answer(409, {"detail": f"Thread with ID {data['thread_id']} already exists"})
                self.add_thread(data["thread_id"], _unreserved(data["metadata"]))
                self.threads[data["thread_id"]]["ttl"] = data.get("ttl")
                return Answer(200, self.threads[data["thread_id"]])
            case ["POST", "threads", "search"]:
                return Answer(200, list(self._search(data)))
            case ["POST", "threads", thread_id, "runs"]:
                return self._start(thread_id, data)
            case [_, "threads", thread_id, *_] if thread_id not in self.threads:
                return _not_found(f"Thread with ID {thread_id} not found")
            case ["GET", "threads", thread_id]:
                return Answer(200, {key: value for key, value in self.threads[thread_id].items() if key != "tasks"})
            case ["PATCH", "threads", thread_id]:
                self.threads[thread_id]["metadata"] |= _unreserved(data["metadata"])
                return Answer(200, self.threads[thread_id])
            case ["POST", "threads", thread_id, "history"]:
                wanted = data["metadata"].items()
                found = [one for one in self.checkpoints if one["thread_id"] == thread_id]
                return Answer(
                    200, [one for one in reversed(found) if wanted <= one["metadata"].items()][: data["limit"]]
                )
            case ["GET", "threads", thread_id, "state", checkpoint]:
                ids = {one["checkpoint"]["checkpoint_id"]: one for one in self.checkpoints}
                return Answer(200, ids[checkpoint])
            case ["GET", "threads", _, "runs", run_id, "stream"] if self.events:
                return Answer(200, self.show(run_id))
            case ["GET", "threads", thread_id, "state"]:
                return Answer(200, {"tasks": self.threads[thread_id]["tasks"]})
            case ["DELETE", "threads", thread_id]:
                del self.threads[thread_id]
                self.runs = [run for run in self.runs if run["thread_id"] != thread_id]
                return Answer(204)
            case ["GET", "threads", thread_id, "runs"]:
                runs = [run for run in self.runs if run["thread_id"] == thread_id]
                runs.sort(key=lambda run: run["created_at"], reverse=True)
                offset, limit = int(query["offset"][0]), int(query["limit"][0])
                page = runs[offset : offset + limit]
                hidden = "metadata" if self.dialect == "aegra" else ""
                return Answer(200, [{key: run[key] for key in query["select"] if key != hidden} for run in page])
            case ["POST", "threads", _, "runs", run_id, "cancel"]:
                assert query == {"action": ["interrupt"]}
                active = [run for run in self.runs if run["run_id"] == run_id and run["status"] in ACTIVE]
                if not active:
                    return _not_found("No matching runs to cancel.")
                self._end(active[0], "interrupted")
                return Answer(202, b"")
            case ["GET", "threads", _, "runs", run_id]:
                found = [run for run in self.runs if run["run_id"] == run_id]
                return Answer(200, found[0]) if found else _not_found(f"Run with ID {run_id} not found")
        return _not_found("Not Found")

    def _start(self, thread_id: str, data: Json) -> Answer:
        if data["assistant_id"] not in self.assistants:
            if len(data["assistant_id"]) == 36:
                return _not_found("Thread or assistant not found.")
            return Answer(422, {"detail": f"Invalid assistant: '{data['assistant_id']}'. Must be either: …"})
        if thread_id not in self.threads:
            return _not_found("Thread or assistant not found.")
        busy = any(run["thread_id"] == thread_id and run["status"] in ACTIVE for run in self.runs)
        if busy and data.get("multitask_strategy") == "reject":
            return Answer(409, {"detail": "Thread is already running a task."})
        self.started.append(data)
        run = self.add_run(thread_id, _unreserved(data["metadata"]), "pending")
        created = dict(run)
        self.threads[thread_id]["status"] = "busy"
        if self.ends_as:
            self._end(run, self.ends_as)
        return Answer(200, created)

    def _end(self, run: Json, status: str, error: Json = None) -> None:
        thread = self.threads[run["thread_id"]]
        if status == "rollback":
            self.runs.remove(run)
        run["status"] = "success" if status == "asks" else status
        run["updated_at"] = self._now()
        thread["status"] = {"success": "idle", "asks": "interrupted"}.get(status, status)
        thread["error"] = error

    def _search(self, data: Json) -> Iterator[Json]:
        wanted = data.get("metadata", {}).items()
        for thread in sorted(self.threads.values(), key=lambda thread: thread["created_at"]):
            if data.get("status", thread["status"]) != thread["status"]:
                continue
            if thread["thread_id"] in data.get("ids", self.threads) and wanted <= thread["metadata"].items():
                yield {key: thread[key] for key in data["select"]}


def begun(attempt: int = 1) -> tuple[str, Json]:
    """The event with which each attempt of the server begins."""
    return "metadata", {"run_id": "r", "attempt": attempt}


def told(tokens: int, name: str = "messages", **fields: Json) -> tuple[str, Json]:
    """The event of a model's message that used so many."""
    return name, [message(tokens, **fields), {"langgraph_node": "agent"}]


def message(tokens: int, **fields: Json) -> Json:
    """A model's message, as a server writes it."""
    usage = {"input_tokens": tokens - 1, "output_tokens": 1, "total_tokens": tokens} if tokens else None
    said = {"type": "ai", "id": str(uuid.uuid4()), "content": "fine", "response_metadata": {"model_name": "gpt"}}
    return said | {"usage_metadata": usage} | fields


class _Server(ThreadingHTTPServer):
    fake: AgentServerFake
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Of the Date header."""
        fake = self.server.fake
        return super().date_time_string(time.time() - (fake.slow.total_seconds() if fake.honest_date else 0))

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            result = self.server.fake.handle(self.command, self.path, dict(self.headers), body)
        except Drop:
            # Linger 0: the client sees a reset, not an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if isinstance(result.body, Iterator):
            self._stream(result)
            return
        data = result.body if isinstance(result.body, bytes) else json.dumps(result.body).encode()
        self.send_response(result.status)
        for name, value in result.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data) if result.status != 204 else 0))
        self.end_headers()
        if result.status != 204:
            self.wfile.write(data)

    def _stream(self, result: Answer) -> None:
        """In chunks; one that breaks has no last one. With the header `connection`, it ends with the connection."""
        chunked = "connection" not in result.headers
        self.send_response(result.status)
        self.send_header("content-type", "text/event-stream")
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for piece in result.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.write(b"0\r\n\r\n" if chunked else b"")
        except (Drop, OSError):
            self.connection.close()

    do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815  http.server looks for these names

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def _unreserved(metadata: Json) -> Json:
    return {key: value for key, value in metadata.items() if key != "cron_id"}


def _not_found(detail: str) -> Answer:
    return Answer(404, {"detail": detail})
