"""Checkpointers: threads in a real PostgreSQL, on loopback, and what is said of a checkpointer that cannot be used."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_TRY_AGAIN
from tests.support.in_pod import THREAD, Pod, killed_in_second

NOBODY = 65534
"""PostgreSQL refuses to run as root."""


def program(name: str) -> str | None:
    """Debian has these in a folder of their version, and not on PATH."""
    folders = [*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))), os.environ["PATH"]]
    return shutil.which(name, path=os.pathsep.join(folders))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Its URL."""
    initdb, postgres, ready = program("initdb"), program("postgres"), program("pg_isready")
    if initdb is None or postgres is None or ready is None:
        pytest.skip("no PostgreSQL on this machine: on Debian or Ubuntu, apt-get install postgresql")
    user = NOBODY if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="graphcron-postgres-") as name:
        folder, port = Path(name), unused_port()
        if user:
            os.chown(folder, user, user)
        data = str(folder / "data")
        subprocess.run([initdb, "-D", data, "-U", "app", "-A", "trust"], check=True, capture_output=True, user=user)
        options = ["-p", str(port), "-k", name, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen([postgres, "-D", data, *options], stdout=log, stderr=log, user=user)
        try:
            answers = [ready, "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
            while subprocess.run(answers, check=False).returncode:
                assert server.poll() is None, (folder / "log").read_text()
            yield f"postgresql://app@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": without waiting for clients
            server.wait(30)


@pytest.fixture
def with_database(in_pod: Pod, database: str) -> None:
    in_pod.environ["GRAPHCRON_CHECKPOINTER_URL"] = database


@pytest.mark.usefixtures("with_database")
def test_a_thread_is_kept_from_firing_to_firing_and_a_finished_run_found_finished(in_pod: Pod) -> None:
    in_pod.order(thread_id=THREAD)
    first, again = in_pod.run(), in_pod.run()
    assert first == again
    assert (first[0], first[1].reason) == (EXIT_DONE, "RunSucceeded")
    assert in_pod.steps == ["first", "second", "third"]
    in_pod.environ["GRAPHCRON_JOB_UID"] = "another"
    assert in_pod.run()[0] == EXIT_DONE
    assert in_pod.steps == ["first", "second", "third"] * 2


@pytest.mark.usefixtures("with_database")
def test_a_killed_pod_is_resumed_from_the_threads_last_checkpoint(in_pod: Pod) -> None:
    in_pod.order({"durability": "sync"}, thread_id=THREAD.replace("7b1d", "7b1e"))
    assert killed_in_second(in_pod) == -signal.SIGKILL
    assert in_pod.run()[1].reason == "RunSucceeded"
    assert in_pod.steps == ["first", "second", "second", "third"], "the first step is not paid for twice"


@pytest.mark.usefixtures("with_database")
def test_the_outcome_of_a_stateless_firing_is_remembered(in_pod: Pod) -> None:
    in_pod.environ["GRAPHCRON_JOB_UID"] = "stateless"
    first, again = in_pod.run(), in_pod.run()
    assert first == again
    assert in_pod.steps == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://user:hunter2@db/x", "must hold postgresql://USER"),
        ("hunter2", "must hold postgresql://USER"),
        ("sqlite:////nowhere/threads.sqlite", "name a volume in checkpointer.claimName"),
    ],
)
def test_a_checkpointer_that_cannot_be_says_what_to_write(in_pod: Pod, url: str, said: str) -> None:
    in_pod.environ["GRAPHCRON_CHECKPOINTER_URL"] = url
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "CheckpointerInvalid")
    assert said in outcome.message
    assert "hunter2" not in outcome.message + in_pod.log
    assert in_pod.steps == []


def test_a_database_that_is_away_is_asked_again_by_the_next_attempt(in_pod: Pod) -> None:
    in_pod.environ["GRAPHCRON_CHECKPOINTER_URL"] = "postgresql://user:hunter2@127.0.0.1:1/x"
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "CheckpointerUnreachable")
    assert "onnection" in outcome.message
    assert "hunter2" not in outcome.message + in_pod.log


def test_an_image_without_the_checkpointers_library_says_which_to_add(in_pod: Pod) -> None:
    in_pod.keeps_threads()
    hidden = in_pod.app / "aiosqlite.py"
    hidden.write_text("raise ImportError('no aiosqlite here')")
    in_pod.environ["PYTHONPATH"] = str(in_pod.app)
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "CheckpointerInvalid")
    assert "pip install langgraph-checkpoint-sqlite" in outcome.message
