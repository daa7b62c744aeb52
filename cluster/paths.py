"""Where everything lies: the only module that spells out a path of ours.

Two folders hold all state. ``.build/`` in the checkout keeps what should outlive
a reboot or is nice to look at (kubeconfig, logs, etcd's data, images). A short
folder under ``/run`` keeps sockets and what the running machine knows about the
cluster: a unix socket's path may have 108 bytes, a checkout's path has no limit,
and ``/run`` is empty after a reboot, exactly like the things it tells of.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

RUN_ROOT = Path("/run/graphcron")
"""One folder for each local cluster of this machine, named by the checkout's id."""


@dataclass(frozen=True)
class Place:
    """One checkout of the project, and with it the one cluster that it may have."""

    root: Path

    @property
    def id(self) -> str:
        """Eight hex digits that differ between checkouts: names of bridges, folders and marks use it."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]

    @property
    def build(self) -> Path:
        return self.root / ".build"

    @property
    def kubeconfig(self) -> Path:
        return self.build / "kubeconfig"

    @property
    def bin(self) -> Path:
        return self.build / "bin"

    @property
    def state(self) -> Path:
        return self.build / "cluster"

    @property
    def kind_file(self) -> Path:
        """Says which kind of cluster is up: local, kind or current."""
        return self.build / "kind-of-cluster"

    @property
    def lock(self) -> Path:
        """Held by the command that is changing the cluster."""
        return self.build / "cluster.lock"

    @property
    def plan(self) -> Path:
        return self.state / "plan.json"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def audit_log(self) -> Path:
        """One JSON line for each write that reached the apiserver."""
        return self.state / "audit.log"

    @property
    def audit_policy(self) -> Path:
        return self.state / "audit-policy.yaml"

    @property
    def run(self) -> Path:
        return RUN_ROOT / self.id

    @property
    def claim(self) -> Path:
        return self.run / "claim.json"

    @property
    def claim_copy(self) -> Path:
        """Survives a reboot, as do the folders that components left outside ours."""
        return self.state / "claim.json"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def bridge(self) -> str:
        """The pods' bridge; the kernel allows 15 characters."""
        return f"gc{self.id}"

    @property
    def network(self) -> str:
        """The CNI network's name, the comment on our iptables rules and kind's cluster name."""
        return f"graphcron-{self.id}"


def user_cache() -> Path:
    """The cache shared by all checkouts of this user: things that take minutes to make."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "graphcron"


HERE = Place(Path(__file__).resolve().parent.parent)
SOURCES = HERE.root / "cluster"

KUBECONFIG = HERE.kubeconfig
BIN = HERE.bin
LOGS = HERE.logs
