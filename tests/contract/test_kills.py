"""Run pods that are killed at any moment, against LangGraph's own server: each firing has one run and one outcome.

`GRAPHCRON_KILLED_FIRINGS=300 pytest tests/contract/test_kills.py -s` takes about four minutes and prints what it did;
`GRAPHCRON_TEST_SEED` repeats a run, as far as processes can be repeated.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from graphcron.firing.order import FIRING_METADATA, Firing
from graphcron.firing.outcome import EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN, Outcome
from tests.contract.conftest import Side
from tests.support.contract_threads import new_thread
from tests.support.run_pod import Pod

FIRINGS = int(os.environ.get("GRAPHCRON_KILLED_FIRINGS") or 15)
AT_ONCE = 6
DEADLY = 3
"""Attempts of a firing that somebody may be after. Kubernetes, too, gives up after some (`retryLimit`)."""
LIFE_SECONDS = 2.5
"""A little more than a pod takes from its first line to its last."""
PATIENCE_SECONDS = 60
LOST_ANSWERS = 0.1
"""The part of requests whose answer never arrives, though the server has done what they ask for."""


class Way:
    """A proxy on loopback: it counts the runs that the server began, by firing, and loses answers."""

    def __init__(self, server: str, chance: random.Random) -> None:
        self._server = urlsplit(server).netloc
        self._chance = chance
        self._lock = threading.Lock()
        self.runs: defaultdict[str, set[str]] = defaultdict(set)
        self.lost = 0

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes] | None:
        """The server's answer; None for one that got lost."""
        connection = HTTPConnection(self._server, timeout=60)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
        finally:
            connection.close()
        with self._lock:
            if method == "POST" and path.partition("?")[0].endswith("/runs") and status == 200:
                firing = json.loads(body)["metadata"][FIRING_METADATA]
                self.runs[firing].add(json.loads(answer)["run_id"])
            if self._chance.random() < LOST_ANSWERS:
                self.lost += 1
                return None
        return status, answer


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("GRAPHCRON_TEST_SEED") or random.randrange(10**6))
    print(f"GRAPHCRON_TEST_SEED={seed}")  # noqa: T201 - pytest shows it when the test has failed
    return random.Random(seed)


@pytest.fixture
def way(reference_url: str, chance: random.Random) -> Iterator[tuple[Way, str]]:
    way = Way(reference_url, random.Random(chance.random()))

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            answer = way.forward(self.command, self.path, kept, body)
            self.close_connection = True
            if answer is None:
                return
            try:
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])
            except OSError:
                pass  # who asked was killed

        do_GET = do_POST = do_DELETE = do_PATCH = handle_any  # noqa: N815 - names of http.server

        def log_message(self, *said: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield way, f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()


@dataclass
class Story:
    """What a firing went through."""

    firing: Firing
    fails: bool
    outcome: Outcome | None = None
    told: list[str] = field(default_factory=list)


TOKENS = {False: 30, True: None}
"""What a firing uses, by whether it fails: then its state keeps no message of the model."""


def tokens(story: Story) -> int | None:
    """What the outcome says; None where an answer got lost, and it is unknown."""
    return story.outcome.usage["totalTokens"] if story.outcome and story.outcome.usage else None


def live(story: Story, pod: Pod, chance: random.Random) -> Story:
    """One pod after the other, as the Job makes them, until one comes to an end that the Job takes for one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        pod.termination_log.unlink(missing_ok=True)
        with pod.start() as process:
            if len(story.told) < DEADLY and chance.random() < 0.8:
                with_what = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
                try:
                    process.wait(chance.random() * LIFE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.send_signal(with_what)
                    story.told.append(with_what.name)
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        story.told.append(f"exit {process.returncode}: {said.splitlines()[-1] if said else ''}")
        if process.returncode in (0, EXIT_RUN_FAILED, EXIT_REFUSED):
            story.outcome = pod.outcome()
            return story
        assert process.returncode in (EXIT_TRY_AGAIN, -signal.SIGKILL, -signal.SIGTERM), story.told
    return story


def test_each_firing_has_one_run_and_one_outcome_whenever_its_pods_are_killed(
    way: tuple[Way, str], reference_url: str, chance: random.Random, tmp_path: Path
) -> None:
    counted, url = way
    minute, server, going = int(time.time()) // 60, Side(reference_url), []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(FIRINGS):
            story = Story(Firing.of_job(f"daily-{minute}", str(uuid.uuid4())), fails=number % 5 == 4)
            kind = ("deleted", "kept", "thread")[number % 3]
            (tmp_path / str(number)).mkdir()
            pod = Pod(tmp_path / str(number), url, story.firing)
            pod.order(
                {"input": {"sleep": 1, "think": 2} | ({"fail": "out of ideas"} if story.fails else {})},
                keep_thread=kind == "kept",
                thread_id=new_thread(server) if kind == "thread" else None,
            )
            going.append(pool.submit(live, story, pod, random.Random(chance.random())))
        stories = [future.result() for future in going]

    wrong = []
    for story in stories:
        wanted = ("Failed", "RunError") if story.fails else ("Succeeded", "RunSucceeded")
        found = (story.outcome.outcome, story.outcome.reason) if story.outcome else None
        runs = counted.runs[story.firing.job_uid]
        if found != wanted or len(runs) != 1 or (story.outcome and {story.outcome.run_id} != runs):
            wrong.append(f"{found}, runs {runs}: {story.told}")
        if (used := tokens(story)) not in (TOKENS[story.fails], None):
            wrong.append(f"{used} tokens: {story.told}")
    kills = Counter(told for story in stories for told in story.told if told.startswith("SIG"))
    print(  # noqa: T201 - for who asked for many
        f"{len(stories)} firings, {sum(map(len, counted.runs.values()))} runs, "
        f"{sum(story.outcome is not None for story in stories)} known outcomes; {dict(kills)}, "
        f"{counted.lost} answers lost"
    )
    assert wrong == []
    assert sum(tokens(story) == TOKENS[False] for story in stories) > len(stories) / 2
    assert kills, "nobody was killed"
    assert counted.lost
