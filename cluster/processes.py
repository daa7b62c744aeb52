"""Starts, finds and ends the cluster's processes, and can touch no other: the only module that sends signals.

Each process is started with a mark in its environment that names checkout,
component and the hash of all it was started from. The kernel keeps it until the
process ends, and children inherit it, containerd's shims among them. So /proc
is the one record of what runs: a crash between start and bookkeeping loses
nothing, as pid files would, and a recycled pid never carries the mark.
"""

import hashlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import SYSTEM_PATH
from cluster.errors import ClusterError

_VARIABLE = b"GRAPHCRON_CLUSTER="


@dataclass(frozen=True)
class Program:
    """A component as it should run; a change of arguments or of a file it reads makes it another one."""

    name: str
    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256("\0".join(self.argv).encode())
        digest.update(bytes(Path(self.argv[0]).resolve()))  # another build has another folder
        for path in self.reads:
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Running:
    """A process that carries a mark of this checkout."""

    pid: int
    mark: bytes
    program: str

    @property
    def component(self) -> str:
        return self.mark.split(b"/")[1].decode()

    @property
    def fingerprint(self) -> str:
        return self.mark.split(b"/")[2].decode()


def find(place_id: str) -> list[Running]:
    """All processes that this checkout's cluster started, directly or not."""
    found = []
    for pid in _pids():
        mark = _mark(pid)
        if mark.startswith(place_id.encode() + b"/") and mark.count(b"/") == 2:
            found.append(Running(pid, mark, _program(pid)))
    return found


class _Daemon(subprocess.Popen[bytes]):
    """A process that outlives us on purpose; a plain Popen would warn that it was forgotten while running."""

    def __del__(self) -> None:
        # All else that it does stays: what ended while we live is reaped by the next start.
        super().__del__(_warn=lambda *_, **__: None)  # type: ignore[call-arg]


def components(place_id: str) -> dict[str, Running]:
    """The processes that are components themselves, by name; their children (shims, plugins) left out."""
    return {process.component: process for process in find(place_id) if _is_component(process)}


def started_at(process: Running) -> float:
    """When the process started, in seconds since 1970; 0 when it has ended."""
    fields = _read(process.pid, "stat").rpartition(b") ")[2].split()  # the name in parentheses may have blanks
    boot = next(line.split()[1] for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return int(boot) + int(fields[19]) / os.sysconf("SC_CLK_TCK") if fields else 0


def start(place_id: str, program: Program, log: Path) -> None:
    """Start the program as a daemon that outlives us, its output appended to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": "/root",
        "TZ": "UTC",  # as in the containers that these components usually run in
        "GRAPHCRON_CLUSTER": f"{place_id}/{program.name}/{program.fingerprint}",
    }
    with log.open("ab") as output:
        process = _Daemon(
            list(program.argv), env=environment, cwd="/",
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    # Popen returns when the kernel has closed our end, a moment before it shows the new environment.
    while process.poll() is None and not _mark(process.pid):
        time.sleep(0.001)


def stop(processes: Iterable[Running], seconds: float = 0) -> None:
    """End the processes: politely for so many seconds, then by SIGKILL; returns when they are gone."""
    handles = {process: handle for process in processes if (handle := _open(process)) is not None}
    try:
        if seconds:
            _send(handles.values(), signal.SIGTERM)
            _wait(handles.values(), seconds)
        _send(handles.values(), signal.SIGKILL)
        if left := _wait(handles.values(), 30):
            stuck = [process for process, handle in handles.items() if handle in left]
            names = ", ".join(f"{process.component} ({process.pid})" for process in stuck)
            raise ClusterError(f"The kernel does not let these processes end: {names}.")
    finally:
        for handle in handles.values():
            os.close(handle)


def send(process: Running, number: signal.Signals) -> bool:
    """Send one component a signal, such as SIGSTOP; whether it still ran."""
    if (handle := _open(process)) is None:
        return False
    _send([handle], number)
    os.close(handle)
    return True


def signal_in_cgroup(pid: int, cgroup: str, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal one process if it is, now, in a cgroup below the named one: that is how containers' are known."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if f"/{cgroup}/" in _read(pid, "cgroup").decode():
            _send([handle], number)
    finally:
        os.close(handle)


def _is_component(process: Running) -> bool:
    # We start each as leader of its session; a child that has yet to exec its program is none.
    try:
        return process.program == process.component and os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def _open(process: Running) -> int | None:
    """A handle on the process itself, not on its number; None when it has ended."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return None
    if _mark(process.pid) == process.mark:
        return handle
    os.close(handle)
    return None


def _send(handles: Iterable[int], number: signal.Signals) -> None:
    for handle in handles:
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            continue


def _wait(handles: Iterable[int], seconds: float) -> set[int]:
    """Wait for processes to end; the handles of those that did not."""
    left, deadline = set(handles), time.monotonic() + seconds
    while left and (remaining := deadline - time.monotonic()) > 0:
        ended, _, _ = select.select(list(left), [], [], remaining)
        left -= set(ended)
    return left


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - no need of Path objects


def _mark(pid: int) -> bytes:
    for entry in _read(pid, "environ").split(b"\0"):
        if entry.startswith(_VARIABLE):
            return entry.removeprefix(_VARIABLE)
    return b""


def _program(pid: int) -> str:
    return os.fsdecode(_read(pid, "cmdline").split(b"\0")[0]).rsplit("/", 1)[-1]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it ended, or is another user's
        return b""
