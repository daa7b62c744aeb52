"""The suite's Agent Server, in a pod of the cluster: tests' fake with runs that take time, and weather on order.

`POST /chaos/weather` sets what it does to requests, and for how long; `GET /chaos/ledger` has every run that it ever
started. Neither suffers from the weather. A few answers in a hundred are lost in any weather.
"""

import json
import os
import random
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.agent_server_fake import ACTIVE, AgentServerFake, Answer, Drop

PORT = 2024
RUN_SECONDS = (2.0, 20.0)
ALWAYS_LOST = 0.03
NOT_FOUND = 404

Json = Any


class Weather(NamedTuple):
    """What happens to requests. Shares are of all requests, from 0 to 1."""

    lost: float = 0
    """Done, and the answer is lost."""
    refused: float = 0
    """Answered with one of `statuses` and not done, but for `despite` of them."""
    statuses: tuple[int, ...] = (500,)
    despite: float = 0
    busy: float = 0
    """Of the runs that are to be rejected on a busy thread: 409."""
    slow: float = 0
    """Seconds at most, after it was done: what a client gave up on is done by then."""
    skew: float = 0
    """Seconds by which the clock is fast."""


class UnrulyAgentServer(AgentServerFake):
    """Its runs end after seconds; its weather is good when `until` has passed."""

    def __init__(
        self, seed: str, always_lost: float = ALWAYS_LOST, run_seconds: tuple[float, float] = RUN_SECONDS
    ) -> None:
        super().__init__()
        self.always_lost, self.run_seconds = always_lost, run_seconds
        self.ends_as = None
        self.ledger: list[dict[str, Json]] = []
        self.chance = random.Random(seed)
        self._set = Weather()
        self._until = 0.0
        self._ends: dict[str, float] = {}

    @property
    def weather(self) -> Weather:
        return self._set if time.monotonic() < self._until else Weather()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.weather.skew)

    def add_thread(self, thread_id: str | None = None, metadata: Json = None) -> str:
        found = super().add_thread(thread_id, metadata)
        self.threads[found]["created_at"] = self.now().isoformat()
        return found

    def add_run(self, thread_id: str, metadata: Json = None, status: str = "success", created_at: str = "") -> Json:
        run = super().add_run(thread_id, metadata, status, created_at or self.now().isoformat())
        self._ends[run["run_id"]] = time.monotonic() + self.chance.uniform(*self.run_seconds)
        self.ledger.append(run)
        return run

    def asked(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer, or none (Drop), in the weather of the moment."""
        path = target.partition("?")[0]
        if path.startswith("/chaos/") or path == "/ok":
            return self._control(method, path, body)
        with self._lock:
            weather, chance = self.weather, [self.chance.random() for _ in range(5)]
        is_start = method == "POST" and path.startswith("/threads/") and path.endswith("/runs")
        if is_start and chance[0] < weather.busy and json.loads(body).get("multitask_strategy") == "reject":
            return Answer(409, {"detail": "Thread is already running a task."})
        if chance[1] < weather.refused:
            if chance[2] < weather.despite:
                self._settled(method, target, headers, body)
            status = weather.statuses[int(chance[3] * len(weather.statuses))]
            return Answer(status, {"detail": "bad weather"}, {"Retry-After": "2"} if status == 429 else {})
        answer = self._settled(method, target, headers, body)
        time.sleep(weather.slow * chance[3])
        if chance[4] < max(weather.lost, self.always_lost):
            raise Drop
        return answer

    def _settled(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the fake answers, once the runs have ended whose time is up."""
        with self._lock:
            for run in [run for run in self.runs if run["status"] in ACTIVE]:
                run["status"] = "running"
                if self._ends[run["run_id"]] <= time.monotonic():
                    self._end(run, "success")
            if method == "GET" and target.startswith("/assistants/"):
                return Answer(200, {"assistant_id": target.split("/")[2], "graph_id": "agent"})
            return self.handle(method, target, headers, body)

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        with self._lock:
            if path == "/chaos/weather":
                order = json.loads(body)
                self._until = time.monotonic() + order.pop("seconds")
                self._set = Weather(**order)
                return Answer(204)
            if path == "/chaos/ledger":
                fields = ("run_id", "thread_id", "status", "metadata", "created_at")
                return Answer(200, [{name: run[name] for name in fields} for run in self.ledger])
            if path == "/chaos/threads":
                return Answer(
                    200,
                    [{name: thread[name] for name in ("thread_id", "metadata")} for thread in self.threads.values()],
                )
            return Answer(200 if path == "/ok" else NOT_FOUND, {"ok": path == "/ok"})


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            answer = self.server.fake.asked(self.command, self.path, dict(self.headers), body)
        except Drop:
            self.close_connection = True
            return  # without a word
        data = b"" if answer.status == 204 else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _do  # noqa: N815  http.server looks for these names

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header Date, by the clock of the moment."""
        return super().date_time_string(self.server.fake.now().timestamp() if timestamp is None else timestamp)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    fake: UnrulyAgentServer
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client is no news."""


def server(fake: UnrulyAgentServer, address: tuple[str, int]) -> ThreadingHTTPServer:
    """The fake behind a socket, which does not serve yet."""
    made = _Server(address, _Handler)
    made.fake = fake
    return made


if __name__ == "__main__":
    server(UnrulyAgentServer(os.environ["SEED"]), ("", PORT)).serve_forever()
