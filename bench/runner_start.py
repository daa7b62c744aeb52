"""What a run pod's start costs, against the least that could do its work: `python -c "import http.client, json"`.

Both are started by turns, so that whatever else the machine does falls on both. Prints medians and their ratios, and
what a pod uses that follows a run: from that come the resources that run pods ask for.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 40

RUNNER = "import graphcron.runner.main"
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


def following(seconds: float = 20.0) -> None:
    """Of a run pod that has sent an input of 200 KB and follows its run."""
    # Only now: a process is counted as no smaller than the one that it was forked from.
    from tests.support.agent_server_fake import AgentServerFake
    from tests.support.run_pod import Pod

    server = AgentServerFake()
    server.ends_as = None
    with server.listening() as url, tempfile.TemporaryDirectory() as folder:
        pod = Pod(Path(folder), url)
        pod.order({"input": {"text": "x" * 200_000}})
        with pod.start() as process:
            time.sleep(seconds)
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
            status = Path(f"/proc/{process.pid}/status").read_text()
            server.end_runs("success")
            process.communicate()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
    print(f"following a run for {seconds:.0f} s: {cpu:.2f} s of CPU, {peak:.1f} MiB at most (wanted: 30)")


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
    following()
