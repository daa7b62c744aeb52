"""Looks at the machine: can it have a local cluster, and what must the configuration know of it?"""

import os
import platform
from pathlib import Path

from cluster import cgroups, packages
from cluster.configs import Host
from cluster.errors import ClusterError

_CAP_SYS_RESOURCE = 24


def check() -> None:
    """Refuse a machine that cannot have a local cluster, saying why and what else there is."""
    if platform.system() != "Linux":
        raise ClusterError(
            f"A local cluster needs Linux; this is {platform.system()}. Start Docker or podman and use CLUSTER=kind."
        )
    if os.geteuid() != 0:
        raise ClusterError(
            "A local cluster needs root, because kubelet does: run this with sudo, "
            "or start Docker or podman and use CLUSTER=kind."
        )
    cgroups.check()


def is_linux_as_root() -> bool:
    """Whether this process may install packages, mount and chroot on a Linux."""
    return platform.system() == "Linux" and os.geteuid() == 0


def describe(disk: Path) -> Host:
    """What the configuration files depend on; `disk` is where the containers' files will be."""
    plugins = packages.cni_folder()
    assert plugins, "packages.ensure_local_cluster was not called"
    resolver = Path("/etc/resolv.conf")
    on_overlay = filesystem(Path("/proc/self/mountinfo").read_text(), disk) == "overlay"
    return Host(
        cni_plugins=plugins,
        may_raise_oom_score=has_capability(Path("/proc/self/status").read_text(), _CAP_SYS_RESOURCE),
        snapshotter="native" if on_overlay else "overlayfs",
        resolves=resolver.exists() and "\nnameserver " in "\n" + resolver.read_text(),
    )


def has_capability(status: str, number: int) -> bool:
    """Whether a process with this /proc/…/status has the capability."""
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> number & 1)


def filesystem(mountinfo: str, path: Path) -> str:
    """The type of the filesystem that the path is on: that of the innermost mount above it."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mounted, _, source = line.partition(" - ")
        point = mounted.split()[4]
        if path.is_relative_to(point) and len(point) >= len(best):  # of two at one place, the later hides the other
            best, kind = point, source.split()[0]
    return kind
