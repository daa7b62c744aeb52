"""The servers of tests/contract end with the tests, however these end."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.until import block_until

SERVER = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()} {os.getcwd()}'); time.sleep(600)"
RUN = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); time.sleep(600)"


def test_a_killed_test_run_leaves_no_server(tmp_path: Path) -> None:
    written, tether = tmp_path / "written", Path(__file__).parents[1] / "contract/tether.py"
    python = [sys.executable, "-c"]
    killed = subprocess.Popen([*python, RUN, sys.executable, tether, *python, SERVER, written])
    try:
        block_until(lambda: written.exists() and " " in written.read_text())
        pid, folder = written.read_text().split()
        os.kill(int(pid), 0)
    finally:
        killed.kill()
        killed.wait()
    block_until(lambda: not Path(folder).exists() and not _lives(int(pid)))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
