"""The servers of tests/contract end with the tests, however these end."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SERVER = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()} {os.getcwd()}'); time.sleep(600)"
RUN = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); time.sleep(600)"


def test_a_killed_test_run_leaves_no_server(tmp_path: Path) -> None:
    note, tether = tmp_path / "note", Path(__file__).parents[1] / "contract/tether.py"
    python = [sys.executable, "-c"]
    killed = subprocess.Popen([*python, RUN, sys.executable, tether, *python, SERVER, note])
    try:
        _until(lambda: note.exists() and " " in note.read_text())
        pid, folder = note.read_text().split()
        os.kill(int(pid), 0)
    finally:
        killed.kill()
        killed.wait()
    _until(lambda: not Path(folder).exists() and not _lives(int(pid)))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _until(true: Any) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
