"""Keeps the machine's record of local clusters: whose is up, and what the machine was like before it came.

A machine has one set of KUBE-* iptables chains and one /sys/fs/cgroup/kubepods,
so it can have one kubelet and one kube-proxy: one local cluster at a time.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import cgroups, files, host_network
from cluster.errors import ClusterError
from cluster.paths import RUN_ROOT, Place

SYSCTLS = (
    "net/ipv4/ip_forward",  # ours
    "net/ipv4/conf/all/route_localnet",  # portmap's and kube-proxy's
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",  # kubelet's
    "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
)  # fmt: skip
"""Kernel settings that the cluster changes and `down` restores."""

FOLDERS = (
    "/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods",
    "/var/lib/cni/results", "/var/lib/cni/cache", "/var/lib/cni", "/run/containerd/s", "/run/containerd/fifo",
    "/run/containerd", "/run/netns",
)  # fmt: skip
"""What components create outside our folders; an inner one stands before the one that it is in."""


@dataclass(frozen=True)
class Claim:
    """A checkout's claim on this machine, and what it found there."""

    root: str
    sysctls: dict[str, str]
    chains: list[str]
    folders: list[str]

    @property
    def place(self) -> Place:
        return Place(Path(self.root))


def of(place: Place) -> Claim | None:
    """The checkout's claim; None means that it has left nothing in this machine's kernel since it booted."""
    return _read(place.claim)


def remembered(place: Place) -> Claim | None:
    """The claim, or the one from before the machine was rebooted."""
    return of(place) or _read(place.claim_copy)


def make(place: Place) -> Claim:
    """Claim the machine for this checkout, or say who has it already."""
    with _locked():
        if claim := of(place):
            return claim
        earlier = _read(place.claim_copy)
        for other in RUN_ROOT.glob("*/claim.json"):
            root = Claim(**json.loads(other.read_text())).root
            raise ClusterError(
                f"Another local cluster is up on this machine, and there can be one. Run `make down` in {root} first."
            )
        chains = host_network.chains()
        if "KUBE-SERVICES" in chains or cgroups.pods():
            raise ClusterError("This machine is a node of another Kubernetes: no local cluster beside it.")
        settings = {name: Path("/proc/sys", name) for name in SYSCTLS}
        claim = Claim(
            root=str(place.root),
            sysctls={name: path.read_text().strip() for name, path in settings.items() if path.exists()},
            chains=chains,
            # What our own components left before a reboot was not there "before us".
            folders=earlier.folders if earlier else [path for path in FOLDERS if Path(path).exists()],
        )
        text = json.dumps(asdict(claim), indent=2) + "\n"
        files.write(place.claim_copy, text)
        files.write(place.claim, text)
        return claim


def orphans(is_dead: Callable[[Place], bool], run_root: Path = RUN_ROOT) -> list[tuple[Claim, str]]:
    """Claims that nobody will give up by `make down`, and why: the checkout was deleted with its cluster up, or all of
    the cluster was killed, as at the end of a login session or of a CI job."""
    found = [Claim(**json.loads(path.read_text())) for path in run_root.glob("*/claim.json")]
    deleted = [(claim, "was deleted while it was up") for claim in found if not Path(claim.root, "cluster").exists()]
    known = {claim.root for claim, _ in deleted}
    dead = [(claim, "was killed") for claim in found if claim.root not in known and is_dead(claim.place)]
    return deleted + dead


def _read(path: Path) -> Claim | None:
    return Claim(**json.loads(path.read_text())) if path.exists() else None


@contextmanager
def _locked() -> Iterator[None]:
    RUN_ROOT.mkdir(parents=True, exist_ok=True)
    folder = os.open(RUN_ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
