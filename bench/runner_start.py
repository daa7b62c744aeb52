"""What a run pod's start costs, against the least that could do its work: `python -c "import http.client, json"`.

Both are started by turns, so that whatever else the machine does falls on both. Prints medians and their ratios.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 40

RUNNER = "import graphcron.runner"
REFERENCE = "import http.client, json"


def main() -> None:
    figures: dict[str, list[tuple[float, float, float]]] = {RUNNER: [], REFERENCE: []}
    for _ in range(ROUNDS):
        for code, results in figures.items():
            results.append(once(code))
    rows = {
        code: [statistics.median(column) for column in zip(*results, strict=True)] for code, results in figures.items()
    }
    print(f"median of {ROUNDS} starts each, Python {sys.version.split()[0]}")
    for code, (wall, cpu, resident) in rows.items():
        print(f"  {code:<28} {wall * 1e3:6.1f} ms  {cpu * 1e3:6.1f} ms of CPU  {resident / 1024:5.1f} MiB")
    ratios = [ours / least for ours, least in zip(rows[RUNNER], rows[REFERENCE], strict=True)]
    print("  ratio                        {:6.2f}     {:6.2f}            {:6.2f}".format(*ratios))


def once(code: str) -> tuple[float, float, float]:
    """Seconds of wall clock, seconds of CPU, and peak resident KiB of one start."""
    operator = Path(__file__).parents[1] / "operator"
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(operator)})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"`{code}` failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


if __name__ == "__main__":
    main()
