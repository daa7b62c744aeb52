"""Makes sure that the system programs the cluster builds on are there, installing them where that is possible."""

import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from cluster import commands
from cluster.errors import ClusterError
from cluster.progress import Progress

CNI_FOLDERS = tuple(map(Path, ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni", "/usr/local/lib/cni")))
"""Where the various distributions put CNI plugins."""

CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")


@dataclass(frozen=True)
class Need:
    """A program, and the Debian package that has it."""

    program: str
    package: str


LOCAL_CLUSTER = (
    Need("containerd", "containerd"),
    Need("runc", "runc"),
    Need("iptables", "iptables"),
    Need("conntrack", "conntrack"),
    Need("ip", "iproute2"),
    Need("mount", "mount"),
    Need("nsenter", "util-linux"),
)
_CNI = Need("CNI plugins", "containernetworking-plugins")

_ONE_AT_A_TIME = threading.Lock()
"""The cluster and the images are prepared at once, and apt serves one."""

_APT_WAITS = ("-o", "DPkg::Lock::Timeout=300")
"""Seconds to wait for an apt of somebody else's, such as a machine's own upgrades."""


def ensure(needs: tuple[Need, ...]) -> None:
    """Have all of these programs, installing the packages of missing ones on Debian and its kin."""
    with _ONE_AT_A_TIME:
        _ensure(needs)


def _ensure(needs: tuple[Need, ...]) -> None:
    missing = [need for need in needs if not _is_there(need)]
    if not missing:
        return
    names = [need.package for need in missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        programs = ", ".join(need.program for need in missing)
        raise ClusterError(
            f"These programs are missing: {programs}. "
            f"On Debian or Ubuntu: sudo apt-get install --no-install-recommends {' '.join(names)}"
        )
    _install(names)
    if still := [need.program for need in missing if not _is_there(need)]:
        raise ClusterError(f"apt-get succeeded, yet these programs are still missing: {', '.join(still)}.")


def install(names: list[str]) -> None:
    """Have these packages of Debian, which are no programs. Raises ClusterError where that takes somebody else."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"On Debian or Ubuntu: sudo apt-get install --no-install-recommends {' '.join(names)}")
    with _ONE_AT_A_TIME:
        _install(names)


def _install(names: list[str]) -> None:
    environment = commands.environment(None, DEBIAN_FRONTEND="noninteractive")
    with Progress(f"installing {', '.join(names)}"):
        _update(environment)
        install = ["apt-get", "-q", "-y", *_APT_WAITS, "install", "--no-install-recommends", *names]
        commands.run(install, env=environment, timeout=600)


def _update(environment: dict[str, str]) -> None:
    """Read the package lists, waiting while another apt does: its own option waits for the installer's lock alone."""
    deadline = time.monotonic() + 300
    while True:
        try:
            commands.run(["apt-get", "-q", "update"], env=environment, timeout=300)
        except ClusterError as error:
            if "Could not get lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(2)
        else:
            return


def ensure_local_cluster() -> None:
    """Have everything that a local cluster runs on."""
    ensure((*LOCAL_CLUSTER, _CNI))


def cni_folder() -> Path | None:
    """The folder with the CNI plugins, if some folder has all of them."""
    return next((path for path in CNI_FOLDERS if all((path / name).exists() for name in CNI_PLUGINS)), None)


def find(program: str) -> Path:
    """The full path of a program that `ensure` has made sure of."""
    path = shutil.which(program, path=commands.SYSTEM_PATH)
    if not path:
        raise ClusterError(f"There is no program {program} here.")
    return Path(path)


def _is_there(need: Need) -> bool:
    return bool(cni_folder()) if need == _CNI else bool(shutil.which(need.program, path=commands.SYSTEM_PATH))
