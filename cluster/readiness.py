"""Decides whether the local cluster works, by using each component for what it is there for."""

import http.client
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cluster import processes
from cluster.api import Api
from cluster.configs import DOMAIN
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.pki import NODE
from cluster.plan import Plan

NODE_READY = "the node is ready"

_POLL = 0.05
_TAIL_LINES = 15
_FATAL = re.compile(r"panic:|fatal error:|F\d{4} ")
_SEARCHED = 200
"""Lines of a log's end among which a panic is looked for."""


@dataclass(frozen=True)
class Check:
    """A fact that has to hold, and the component whose log explains why it does not."""

    fact: str
    component: str
    holds: Callable[[], bool]


def checks(place: Place, plan: Plan) -> list[Check]:
    """All that has to hold, in the order in which it comes true at start."""
    api = Api(place, plan)
    port = plan.ports

    def local(name: str, path: str, context: ssl.SSLContext | None = None) -> Callable[[], bool]:
        return lambda: _answers_ok(port[name], path, context)

    return [
        Check("containerd listens", "containerd", lambda: _accepts(place)),
        Check("etcd listens", "etcd", lambda: _listens(port["etcd"])),
        Check("the apiserver is ready", "kube-apiserver", lambda: api.request("GET", "/readyz")[0] == 200),
        Check("the scheduler is healthy", "kube-scheduler", local("scheduler", "/healthz", api.context)),
        Check(
            "the controller manager is healthy",
            "kube-controller-manager",
            local("controller-manager", "/healthz", api.context),
        ),
        Check("service accounts are made", "kube-controller-manager", lambda: _has_service_account(api)),
        Check("kubelet is healthy", "kubelet", local("kubelet-healthz", "/healthz")),
        Check(NODE_READY, "kubelet", lambda: _node_is_ready(api, place)),
        Check("kube-proxy works", "kube-proxy", local("proxy-healthz", "/livez")),
        Check("DNS knows the cluster", "coredns", lambda: resolves(plan.gateway, f"kubernetes.default.svc.{DOMAIN}")),
    ]


def holds(check: Check) -> bool:
    """Whether the fact holds now; a refused connection is a no."""
    try:
        return check.holds()
    except OSError:
        return False


def wait(place: Place, check: Check, seconds: float = 60) -> None:
    """Wait until the fact holds; if its component died, or time runs out, an error with the last words."""
    deadline = time.monotonic() + seconds
    while not holds(check):
        if check.component not in processes.components(place.id):
            raise ClusterError(f"{check.component} ended. Last words:\n{last_words(place, check.component)}")
        if time.monotonic() > deadline:
            raise ClusterError(
                f"After {seconds:.0f} s this still is not so: {check.fact}. "
                f"Last words of {check.component}:\n{last_words(place, check.component)}"
            )
        time.sleep(_POLL)


def last_words(place: Place, component: str) -> str:
    """The end of the component's log, indented, and where to read on."""
    log = place.logs / f"{component}.log"
    lines = log.read_text(errors="replace").splitlines()[-_SEARCHED:] if log.exists() else []
    # A panic's message stands above its long stack, an error's among chatter.
    telling = [number for number, line in enumerate(lines) if _FATAL.match(line)]
    lines = lines[telling[-1] :][:_TAIL_LINES] if telling else lines[-_TAIL_LINES:]
    return "\n".join([*(f"  {line[:200]}" for line in lines), f"(all of it: {log})"])


def resolves(server: str, name: str) -> bool:
    """Whether the DNS server has an IPv4 address for the name."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack(">6H", 0x6763, 0x0100, 1, 0, 0, 0) + question + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect((server, 53))
        client.send(query)
        answer = client.recv(512)
    identifier, flags, _, answers = map(int, struct.unpack(">4H", answer[:8]))
    return identifier == 0x6763 and flags & 0xF == 0 and answers > 0


def _accepts(place: Place) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place.containerd_socket))
    return True


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _answers_ok(port: int, path: str, context: ssl.SSLContext | None) -> bool:
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=context)
        if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    )
    try:
        connection.request("GET", path)
        return bool(connection.getresponse().status == 200)
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def _has_service_account(api: Api) -> bool:
    return api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200


def _node_is_ready(api: Api, place: Place) -> bool:
    """Whether this kubelet says so: for 40 s the apiserver repeats what a dead one said."""
    kubelet = processes.components(place.id).get("kubelet")
    status, node = api.request("GET", f"/api/v1/nodes/{NODE}")
    if kubelet is None or status != 200:
        return False
    conditions = {condition["type"]: condition for condition in node["status"].get("conditions", [])}
    if "Ready" not in conditions or conditions["Ready"]["status"] != "True":
        return False
    said = datetime.fromisoformat(conditions["Ready"]["lastHeartbeatTime"]).timestamp()
    return said + 1 > processes.started_at(kubelet)  # heartbeats count whole seconds
