"""Real processes are started, found by their mark and ended; no others."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import processes
from cluster.processes import Program

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="local clusters exist on Linux only"),
    # A daemon outlives the object that started it: that is its purpose.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]
ID = "feedbeef"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Program]:
    """A component that does nothing for a minute."""
    link = tmp_path / "sleep"
    link.symlink_to("/bin/sleep")
    yield Program("sleep", (str(link), "60"))
    processes.stop(processes.find(ID))


def _start(program: Program, log: Path) -> processes.Running:
    processes.start(ID, program, log)
    return processes.components(ID)[program.name]


def test_a_started_component_is_found_with_its_fingerprint(sleeper: Program, tmp_path: Path) -> None:
    running = _start(sleeper, tmp_path / "log")
    assert (running.component, running.fingerprint) == ("sleep", sleeper.fingerprint)
    assert abs(processes.started_at(running) - time.time()) < 10


def test_a_started_component_is_found_at_once(sleeper: Program, tmp_path: Path) -> None:
    """Else it would be taken for one that has ended. Before `start` waited, one in fifty was not found."""
    for _ in range(200):
        processes.stop([_start(sleeper, tmp_path / "log")])


def test_another_checkouts_processes_are_not_found(sleeper: Program, tmp_path: Path) -> None:
    _start(sleeper, tmp_path / "log")
    assert processes.find("feedbee") == []


def test_a_stopped_component_is_gone(sleeper: Program, tmp_path: Path) -> None:
    running = _start(sleeper, tmp_path / "log")
    processes.stop([running], seconds=5)
    assert processes.find(ID) == []
    processes.stop([running])  # a second time is no error


def test_a_component_is_frozen_and_goes_on(sleeper: Program, tmp_path: Path) -> None:
    running = _start(sleeper, tmp_path / "log")

    def state() -> str:
        return Path(f"/proc/{running.pid}/stat").read_text().rpartition(") ")[2][0]

    for number, wanted in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")):
        assert processes.send(running, number)
        deadline = time.monotonic() + 5
        while state() != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    processes.stop([running])
    assert not processes.send(running, signal.SIGCONT)


@pytest.mark.usefixtures("sleeper")
def test_a_process_that_lost_its_number_to_another_is_not_hit() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as innocent:
        recycled = processes.Running(innocent.pid, f"{ID}/sleep/0123".encode(), "sleep")
        processes.stop([recycled])
        assert innocent.poll() is None
        innocent.kill()


def test_children_carry_the_mark_but_are_not_components(tmp_path: Path) -> None:
    shell = tmp_path / "sh"
    shell.symlink_to("/bin/sh")
    running = _start(Program("sh", (str(shell), "-c", "sleep 60 & wait")), tmp_path / "log")
    deadline = time.monotonic() + 5
    while not [process for process in processes.find(ID) if process.program == "sleep"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert processes.components(ID) == {"sh": running}
    processes.stop(processes.find(ID))
    assert processes.find(ID) == []


def test_a_changed_file_makes_another_fingerprint(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("a")
    program = Program("x", ("/bin/true",), (config,))
    before = program.fingerprint
    config.write_text("b")
    assert program.fingerprint != before
