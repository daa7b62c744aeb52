"""Knows where this machine's control groups are, and whether a kubelet can use them."""

import contextlib
import os
import signal
import time
from pathlib import Path

from cluster import processes
from cluster.errors import ClusterError

ROOT = Path("/sys/fs/cgroup")
PODS = "kubepods"
"""The group below which kubelet puts every pod, in each hierarchy."""

_V1_NEEDED = {"cpu", "cpuacct", "cpuset", "memory", "pids"}
_V2_NEEDED = {"cpu", "memory", "pids"}


def is_v2() -> bool:
    """Whether the machine has the one unified hierarchy instead of one for each controller."""
    return (ROOT / "cgroup.controllers").exists()


def check() -> None:
    """Refuse, with the reason, a machine on which kubelet could not make its groups."""
    if is_v2():
        available = set((ROOT / "cgroup.controllers").read_text().split())
        missing = _V2_NEEDED - available
    else:
        missing = {name for name in _V1_NEEDED if not (ROOT / name / "tasks").exists()}
    if missing:
        names = ", ".join(sorted(missing))
        raise ClusterError(f"No local cluster: this machine lacks the cgroup controllers {names}.")
    if not os.access(ROOT if is_v2() else ROOT / "memory", os.W_OK):
        raise ClusterError("No local cluster: /sys/fs/cgroup is read-only. In a container, run it privileged.")
    if is_v2():
        _delegate()


def _delegate() -> None:
    """Let groups below the root have the controllers, as an init system normally has done already."""
    control = ROOT / "cgroup.subtree_control"
    if not _V2_NEEDED - set(control.read_text().split()):
        return
    try:
        control.write_text(" ".join(f"+{name}" for name in sorted(_V2_NEEDED)))
    except OSError as error:
        raise ClusterError(
            f"No local cluster: the cgroup controllers cannot be delegated ({error.strerror}). "
            "In a container, move its processes out of the root cgroup first, or share the host's cgroup namespace."
        ) from None


def pods() -> list[Path]:
    """The roots of kubelet's groups that exist now."""
    hierarchies = [ROOT] if is_v2() else sorted(path for path in ROOT.iterdir() if path.is_dir())
    # A kernel may list one hierarchy under two names (cpu and cpuacct).
    found = {(path / PODS).resolve() for path in hierarchies if (path / PODS).is_dir()}
    return sorted(found)


def of_container(identity: str) -> Path:
    """The group, in the hierarchy that limits memory, of a container on this machine."""
    for root in pods():
        for folder, _, files in os.walk(root):  # unlike glob, it passes over groups that go meanwhile: of other pods
            if identity in Path(folder).name and {"memory.max", "memory.limit_in_bytes"} & {*files}:
                return Path(folder)
    raise ClusterError(f"container {identity} has no control group here")


def signal_container(identity: str, number: signal.Signals) -> None:
    """Signal all processes of a container on this machine. Raises ClusterError when there is none."""
    for pid in _pids_below(of_container(identity)):
        processes.signal_in_cgroup(pid, PODS, number)


def kill_pods() -> bool:
    """Kill the processes of all pods; whether there were any."""
    pids = {pid for root in pods() for pid in _pids_below(root)}
    for pid in pids:
        processes.signal_in_cgroup(pid, PODS)
    return bool(pids)


def remove_pods() -> None:
    """Remove the pods' groups; the kernel needs a moment after the last process ended."""
    deadline = time.monotonic() + 10
    while (roots := pods()) and time.monotonic() < deadline:
        for root in roots:
            for folder, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
        time.sleep(0.05)
    if roots:
        raise ClusterError(f"These cgroups could not be removed: {', '.join(map(str, roots))}.")


def _pids_below(root: Path) -> set[int]:
    found: set[int] = set()
    for folder, _, _ in os.walk(root):
        with contextlib.suppress(OSError):
            found.update(map(int, (Path(folder) / "cgroup.procs").read_text().split()))
    return found
