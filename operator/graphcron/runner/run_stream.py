"""The stream of a run, read beside the pod's polling: it shows what the run uses while it goes on.

Each connection begins with the first event again (`last-event-id: -1`, of a run that is `stream_resumable`), so that
one that broke, and the pod of a later attempt, count the same and count nothing twice. The event `metadata`, which
begins each attempt of the server, says whether the beginning was still there.
"""

import json
import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

from graphcron.runner.agent_server import AgentServer
from graphcron.runner.environment import log
from graphcron.runner.errors import AgentServerError, named
from graphcron.runner.tally import ENTRIES, Tally

EVENT_LIMIT = 256 * 1024
"""Bytes of an event that are read. A longer one may have told tokens, which are then unknown."""
SILENCE_SECONDS = 30.0
"""A server sends a heartbeat each 5 s: one that is silent for so long is not there."""
PIECE = 16 * 1024
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds before another connection. The last one holds from then on."""
DRAIN_SECONDS = 3.0


class RunStream:
    """Reads the stream of a run in a thread of its own. `news` is set when the run used more than `limit` tokens, and
    when the stream has ended: there is something to look at."""

    def __init__(self, server: AgentServer, thread_id: str, run_id: str, limit: int) -> None:
        self._server, self._thread_id, self._run_id, self._limit = server, thread_id, run_id, limit
        self.news = threading.Event()
        self.spent = 0
        """Tokens, by the connection that has shown the most."""
        self._tally = self._former = Tally()
        self._lock = threading.Lock()
        """Of both."""
        self._over = threading.Event()
        self.began = self._ended = False
        """Of the last connection: whether the first event was there, and the last."""
        self._attempts = 0
        self._said = ""
        self._seen: OrderedDict[tuple[bytes, int], None] = OrderedDict()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Signals stay with the thread that polls."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    @property
    def exceeded(self) -> bool:
        return self.spent > self._limit

    def usage(self, *, complete: bool) -> dict[str, Any] | None:
        """What the run used, after its end. `complete` says that nothing cut it off."""
        self._over.set()
        self._thread.join(DRAIN_SECONDS)
        with self._lock:
            more = self._former.total > self._tally.total
            whole = self.began and self._ended and self._attempts == 1 and not self._thread.is_alive()
            return (self._former if more else self._tally).usage("Stream", complete=complete and whole and not more)

    def _run(self) -> None:
        """Until one connection has begun after the end of the run: it has shown all that there is."""
        pauses, pause, over = iter(PAUSES), PAUSES[-1], False
        while not over:
            over = self._over.is_set()
            try:
                self._connect()
            except AgentServerError as error:
                self._say(f"the run's stream broke: {error}")
            except Exception as error:  # a server's answer may have any shape, and the run goes on
                self._say(f"the run's stream cannot be read: {named(error)}")
            self.news.set()
            pause = next(pauses, PAUSES[-1])
            self._over.wait(0 if over else pause)

    def _say(self, message: str) -> None:
        """Once: a server that has no streams says so every two seconds, for as long as the run lasts."""
        if message != self._said:
            self._said = message
            log(message)

    def _connect(self) -> None:
        self._ended = False
        with self._server.stream(self._thread_id, self._run_id, SILENCE_SECONDS) as response:
            if response.status != 200:
                raise AgentServerError("AgentServerError", f"{self._server.origin} answered {response.status}")
            self._read(response)
            # An answer that ends with its connection may be cut off.
            self._ended = bool(response.chunked) or response.length == 0

    def _read(self, response: HTTPResponse) -> None:
        event = data = identity = b""
        first = True
        for line in self._lines(response):
            name, _, value = line.partition(b": ")
            if name == b"event":
                event = value
            elif name == b"id":
                identity = value
            elif name == b"data":
                data = value if event.startswith((b"messages", b"metadata")) else b""
            elif not line and event:
                with self._lock:
                    try:
                        self._take(event, data, identity, first=first)
                    except (ValueError, TypeError, AttributeError, RecursionError):  # an event may have any shape
                        self._tally.unsure = True
                event, data, identity, first = b"", b"", b"", False

    def _lines(self, response: HTTPResponse) -> Iterator[bytes]:
        """Lines without their ends. One that is too long is left out."""
        rest, skipping = b"", False
        while piece := response.read1(PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if not skipping:
                    yield line.rstrip(b"\r")
                skipping = False
            if len(rest) > EVENT_LIMIT:
                with self._lock:
                    self._tally.unsure = True
                rest, skipping = b"", True

    def _take(self, event: bytes, data: bytes, identity: bytes, *, first: bool) -> None:
        if event == b"metadata":
            if first and json.loads(data).get("attempt") == 1:  # all of it comes again
                self.began, self._attempts = True, 0
                self._former = max(self._former, self._tally, key=lambda tally: tally.total)
                self._tally = Tally()
                self._seen.clear()
            self._attempts += 1
        elif first:
            self.began = False
        if not event.startswith(b"messages") or not data:
            return
        kind = event.partition(b"|")[0]
        found = json.loads(data)
        if kind == b"messages" and isinstance(found, list) and found:
            grows = isinstance(found[0], dict) and "unk" in str(found[0].get("type"))
            # Where what is kept meets what is new, a server sends some twice.
            if not (grows and identity and self._is_repeated(identity, data)):
                self._tally.add(found[0], grows=grows)
        elif kind in (b"messages/partial", b"messages/complete") and isinstance(found, list):
            for message in found:
                self._tally.add(message)
        known = self.exceeded
        self.spent = max(self.spent, self._tally.total)
        if self.exceeded and not known:
            self.news.set()

    def _is_repeated(self, identity: bytes, data: bytes) -> bool:
        key = identity, hash(data)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > ENTRIES:
            self._seen.popitem(last=False)
        return False
