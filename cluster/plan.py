"""Chooses the addresses and ports of a local cluster once, and remembers them.

All of the cluster lives on the address of its own bridge: the node, the
apiserver and DNS. Nothing listens on an outer interface, and the cluster does
not notice when the machine changes networks.
"""

import ipaddress
import json
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import commands, files
from cluster.errors import ClusterError
from cluster.paths import Place

Network = ipaddress.IPv4Network

PORTS = (
    "etcd", "etcd-peer", "apiserver", "controller-manager", "scheduler", "kubelet", "kubelet-healthz",
    "proxy-healthz", "proxy-metrics", "dns-health", "dns-ready",
)  # fmt: skip
_FIRST_PORT = 20000
"""Below it services listen, and from 30000 on Kubernetes hands out node ports and Linux outgoing ones."""


@dataclass(frozen=True)
class Plan:
    """What has to stay the same for as long as the cluster lives."""

    pods: str
    services: str
    ports: dict[str, int]

    @property
    def gateway(self) -> str:
        """The bridge's address: node, apiserver and DNS server in one."""
        return str(Network(self.pods)[1])

    @property
    def kubernetes_service(self) -> str:
        """The address of `kubernetes.default`: always the first of the service range."""
        return str(Network(self.services)[1])

    @property
    def api(self) -> str:
        return f"https://{self.gateway}:{self.ports['apiserver']}"


def load(path: Path) -> Plan | None:
    """The plan made by an earlier `up`, if there was one."""
    return Plan(**json.loads(path.read_text())) if path.exists() else None


def make(place: Place) -> Plan:
    """Plan a new cluster around what this machine's networks and ports already are used for."""
    seed = int(place.id, 16)
    network = choose_network(_taken(), seed)
    pods, *_, services = network.subnets(new_prefix=20)
    plan = Plan(
        pods=str(next(pods.subnets(new_prefix=22))),  # 1022 addresses, so that each may rest before its next pod
        services=str(services),
        ports=choose_ports(PORTS, _FIRST_PORT + seed % 9000, _is_free),
    )
    files.write(place.plan, json.dumps(asdict(plan), indent=2) + "\n")
    return plan


def choose_network(taken: Iterable[Network], seed: int) -> Network:
    """A 10.x.0.0/16 that overlaps with nothing taken; the seed makes two checkouts prefer different ones."""
    avoid = list(taken)
    for step in range(240):
        candidate = Network(f"10.{10 + (seed + step) % 240}.0.0/16")
        if not any(candidate.overlaps(other) for other in avoid):
            return candidate
    raise ClusterError("All of 10.0.0.0/8 is routed already: no range is left for pods and services.")


def choose_ports(names: Iterable[str], first: int, is_free: Callable[[int], bool]) -> dict[str, int]:
    """A free port for each name, counted up from the first."""
    ports: dict[str, int] = {}
    candidate = first
    for name in names:
        while not is_free(candidate):
            candidate += 1
        ports[name] = candidate
        candidate += 1
    return ports


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _taken() -> list[Network]:
    """Every IPv4 range with a route, and the name servers, which may be behind the default route."""
    routes = json.loads(commands.run(["ip", "-j", "-4", "route", "show", "table", "all"]) or "[]")
    found = [route["dst"] for route in routes if route["dst"] != "default"]
    resolver = Path("/etc/resolv.conf")
    lines = resolver.read_text().splitlines() if resolver.exists() else []
    found += [line.split()[1] for line in lines if line.startswith("nameserver ") and ":" not in line]
    return [Network(address, strict=False) for address in found]
