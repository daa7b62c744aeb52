"""etcd and an apiserver alone, on loopback and free ports: for tests and measurements that need the real API, and
neither nodes nor controllers. It needs no root, starts in about six seconds, and ends with whoever started it.

Nothing is collected when its owner is deleted, CronJobs do not fire, and namespaces are never quite gone: that is the
work of the controller manager, which is there on request only.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from cluster import binary, components, configs, files, kubeconfig, pki
from cluster.api import Api
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.plan import Plan
from cluster.processes import Program

_PATIENCE_SECONDS = 60.0
_CONTROLLERS = "kube-controller-manager"


@dataclass
class ControlPlane:
    """What `control_plane` yields. `api` asks as the administrator."""

    place: Place
    plan: Plan
    api: Api
    controllers: bool = False
    """Whether there is a controller manager."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.plan.api

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.place.kubeconfig

    @property
    def audit_log(self) -> Path:
        """A JSON line for each write."""
        return self.place.audit_log

    def install(self, manifest: dict[str, Any], path: str) -> None:
        """Create an object at that collection; one that is there already stays."""
        status, answer = self.api.request("POST", path, manifest)
        if status not in (201, 409):
            raise ClusterError(f"POST {path}: {answer}")

    def install_crd(self, crd: Path) -> None:
        """Returns when the resource is served."""
        manifest = yaml.safe_load(crd.read_text())
        self.install(manifest, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        group, names = manifest["spec"]["group"], manifest["spec"]["names"]
        version = manifest["spec"]["versions"][0]["name"]
        _wait(lambda: self.api.request("GET", f"/apis/{group}/{version}/{names['plural']}")[0] == 200, names["kind"])

    def service_account_kubeconfig(self, namespace: str, name: str) -> str:
        """Of a service account, by a token that is good for an hour; the account is made."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.install({"metadata": {"name": name}}, accounts)
        status, answer = self.api.request("POST", f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 3600}})
        if status != 201:
            raise ClusterError(f"no token for {namespace}/{name}: {answer}")
        config = yaml.safe_load(self.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": answer["status"]["token"]}
        return yaml.safe_dump(config)

    def start(self) -> None:
        """Start what does not run; returns when the apiserver is ready. The processes end with the thread that calls
        this (that is how Linux sends a parent-death signal), so it is to be the main one."""
        self.start_missing(but={_CONTROLLERS})  # which ends when its rights are not there yet
        _wait(self._is_ready, "the apiserver")
        self.start_missing()

    def start_missing(self, but: Collection[str] = ()) -> list[str]:
        """Start what does not run, and wait for nothing; who was started."""
        missing = [program for program in self._programs() if program.name not in but and not self.pid(program.name)]
        for program in missing:
            self._running[program.name] = _start(program, self.place.logs / f"{program.name}.log")
        return [program.name for program in missing]

    def _programs(self) -> list[Program]:
        apiserver = components.apiserver(self.place, self.plan)
        # Nobody reaches it as a Service, and as such it may not be on loopback.
        alone = replace(apiserver, argv=(*apiserver.argv, "--endpoint-reconciler-type=none"))
        controllers = [components.controller_manager(self.place, self.plan)] if self.controllers else []
        return [components.etcd(self.place, self.plan), alone, *controllers]

    def pid(self, name: str) -> int | None:
        """Of a component that runs."""
        process = self._running.get(name)
        return process.pid if process and process.poll() is None else None

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a component that runs a signal; returns after SIGKILL when it has ended."""
        process = self._running[name]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()

    def cpu_seconds(self) -> float:
        """What etcd and apiserver have used so far."""
        return sum(_cpu(process.pid) for process in self._running.values())

    def kill_apiserver(self) -> None:
        """As a crash would; `start` brings it back."""
        self.send("kube-apiserver", signal.SIGKILL)

    def stop(self) -> None:
        for process in reversed(self._running.values()):
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ClusterError(f"{name} ended. Its log: {self.place.logs / f'{name}.log'}")
        return self.api.request("GET", "/readyz")[0] == 200


@contextmanager
def control_plane(folder: Path, *, controllers: bool = False) -> Iterator[ControlPlane]:
    """Keeps its state in that folder, and ends its processes when left, also when this process is killed."""
    place = Place(folder)
    ports = free_ports("etcd", "etcd-peer", "apiserver", "controller-manager")
    # The gateway, where all of a cluster lives, is the first address of the pods' range.
    plan = Plan(pods="127.0.0.0/24", services="10.254.0.0/24", ports=ports)
    pki.ensure(place.pki, plan)
    binary.link(place, binary.ensure())
    kubeconfig.write_all(place, plan)
    files.write(place.audit_policy, configs.AUDIT_POLICY)
    place.logs.mkdir(parents=True, exist_ok=True)
    plane = ControlPlane(place, plan, Api(place, plan), controllers)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


def _start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*leash, *program.argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def free_ports(*names: str) -> dict[str, int]:
    """Ports of loopback that nobody has at the moment, by those names."""
    with ExitStack() as stack:  # all open at once, so that none is given twice
        sockets = {name: stack.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}


def _wait(holds: Any, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} did not become ready within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(0.05)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
