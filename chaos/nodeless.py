"""The suite without a node, and so without root: etcd, apiserver and controller manager on loopback; operator, facade
and run pods as processes of this machine, the last started by a kubelet that can do no more.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from signal import Signals

from chaos.agent_server import UnrulyAgentServer, server
from chaos.world import NAMESPACE, Json, NoVictim, World
from cluster import control_plane, deploy
from cluster.errors import ClusterError
from cluster.paths import HERE
from graphcron.firing.formats import format_time

PODS_AT_ONCE = 25
COMPONENT = "app.kubernetes.io/component="
RUN = "import os, graphcron.runner.main; raise SystemExit(graphcron.runner.main.main(os.environ))"


@dataclass
class Child:
    """A process that is started again when it has ended, later each time, as a kubelet does."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    starts: int = 0
    again_at: float = 0
    process: "subprocess.Popen[bytes] | None" = None

    def tend(self) -> None:
        if self.process and self.process.poll() is None:
            self.again_at = time.monotonic() + min(20, 2 * self.starts)
        elif time.monotonic() >= self.again_at:
            self.starts += 1
            self.process = start(self.arguments, self.environment, self.log)


def start(arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Our Python, with the package and those variables alone."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.root / "operator")} | dict(environment)
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, *arguments], env=given, stdout=output, stderr=output)


@dataclass
class RunPod:
    """A run pod's process, with the termination message that it leaves."""

    process: "subprocess.Popen[bytes]"
    message: Path
    began: str
    reported: bool = False


@dataclass
class ProcessWorld(World):
    """As `World`; what needs a node is not there."""

    has_node = False
    children: list[Child] = field(default_factory=list)
    run_pods: dict[str, RunPod] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stack, self._over = ExitStack(), threading.Event()
        self._tending = threading.Thread(target=self._tend, daemon=True)

    def set_up(self) -> None:
        plane = control_plane.control_plane(self.folder / "plane", controllers=True)
        self.plane = self._stack.enter_context(plane)
        self.place, self.plan, self.api = self.plane.place, self.plane.plan, self.plane.api
        self.session.place = self.place
        self.plane.install_crd(HERE.root / "crds/graphcrons.yaml")
        self.plane.install({"metadata": {"name": NAMESPACE}}, "/api/v1/namespaces")
        listening = server(UnrulyAgentServer(str(self.seed)), ("127.0.0.1", 0))
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        self.agent_address = ("127.0.0.1", listening.server_port)
        (port,) = control_plane.free_ports("facade").values()
        self.facade_address = ("127.0.0.1", port)
        common = {
            "KUBECONFIG": str(self.plane.kubeconfig),
            "AGENT_SERVER_URL": f"http://127.0.0.1:{listening.server_port}",
            "GRAPHCRON_NAMESPACE": NAMESPACE,
            "GRAPHCRON_METRICS_PORT": "0",
        }
        operator = {"GRAPHCRON_RUN_IMAGE": "none", "GRAPHCRON_WATCH_NAMESPACE": NAMESPACE, "GRAPHCRON_HEALTH_PORT": "0"}
        operator["GRAPHCRON_LEASE"] = f"{deploy.RELEASE}-operator"
        facade = {"GRAPHCRON_HOST": "127.0.0.1", "GRAPHCRON_PORT": str(port), "GRAPHCRON_AUTH_MODE": "open"}
        for name, own in (("operator-0", operator), ("operator-1", operator), ("facade-0", facade)):
            environment = common | own | {"GRAPHCRON_POD": name}
            arguments = ("-m", "graphcron", name.partition("-")[0])
            self.children.append(Child(name, arguments, environment, self.folder / f"{name}.log"))
        self._tending.start()

    def take_down(self) -> None:
        self._over.set()
        if self._tending.is_alive():
            self._tending.join()
        for process in [*(child.process for child in self.children), *(pod.process for pod in self.run_pods.values())]:
            if process:
                process.kill()
                process.wait()
        self._stack.close()

    def _tend(self) -> None:
        while not self._over.wait(0.3):
            for child in self.children:
                child.tend()
            with suppress(OSError, ClusterError):
                self._tend_run_pods(self.objects("api/v1/pods"))

    def _tend_run_pods(self, pods: list[Json]) -> None:
        """Start, report and end the processes of the pods that there are."""
        for uid in self.run_pods.keys() - {pod["metadata"]["uid"] for pod in pods}:
            self.run_pods.pop(uid).process.kill()
        for pod in pods:
            uid, path = pod["metadata"]["uid"], f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}"
            run = self.run_pods.get(uid)
            if "deletionTimestamp" in pod["metadata"]:
                if run:
                    run.process.kill()
                self.api.request("DELETE", path, {"gracePeriodSeconds": 0})
            elif pod["status"].get("phase") in ("Succeeded", "Failed"):
                self.run_pods.pop(uid, None)
            elif run is None and len(self.run_pods) < PODS_AT_ONCE:
                self.run_pods[uid] = self._start(pod)
            elif run and (not run.reported or run.process.poll() is not None):
                status, _ = self.api.request("PUT", f"{path}/status", pod | {"status": _status(pod, run)})
                run.reported = status == 200

    def _start(self, pod: Json) -> RunPod:
        name = pod["metadata"]["name"]
        message = self.folder / f"{name}.message"
        environment = {"GRAPHCRON_TERMINATION_LOG": str(message)}
        for variable in pod["spec"]["containers"][0]["env"]:
            if "value" in variable:
                environment[variable["name"]] = variable["value"]
            elif found := re.fullmatch(r"metadata\.(\w+)\['(.+)'\]", variable["valueFrom"]["fieldRef"]["fieldPath"]):
                environment[variable["name"]] = pod["metadata"].get(found[1], {}).get(found[2], "")
        process = start(("-c", RUN), environment, self.folder / f"{name}.log")
        return RunPod(process, message, format_time(datetime.now(UTC)))

    def pods(self, selector: str) -> list[Json]:
        if not selector.startswith(COMPONENT):
            return super().pods(selector)
        alive = [child for child in self.children if child.process and child.process.poll() is None]
        names = [child.name for child in alive if child.name.startswith(selector.removeprefix(COMPONENT))]
        return [{"metadata": {"name": name}} for name in names]

    def signal_component(self, name: str, number: Signals) -> str:
        if not (pid := self.plane.pid(name)):
            raise NoVictim(f"{name} does not run")
        self.plane.send(name, number)
        return f"pid {pid}"

    def signal_pod(self, pod: Json, number: Signals) -> str:
        name = str(pod["metadata"]["name"])
        run = self.run_pods.get(pod["metadata"].get("uid", ""))
        process = run.process if run else next((child.process for child in self.children if child.name == name), None)
        if process is None or process.poll() is not None:
            raise NoVictim(f"{name} has ended")
        process.send_signal(number)
        return name

    def start(self, names: set[str]) -> None:
        self.supervise()

    def supervise(self) -> list[str]:
        with self._lock:
            return self.plane.start_missing(self.held)

    def unready(self) -> list[str]:
        return [f"{child.name} does not run: {child.log}" for child in self.children if not child.process]

    def keep_logs(self) -> None:
        """They are in the folder."""


def _status(pod: Json, run: RunPod) -> Json:
    """The status of a pod whose container runs, or has ended."""
    code = run.process.poll()
    state: Json = {"running": {"startedAt": run.began}}
    phase = "Running"
    if code is not None:
        code = 128 - code if code < 0 else code
        said = run.message.read_text() if run.message.exists() else ""
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": said}
        state = {"terminated": ended | {"startedAt": run.began, "finishedAt": format_time(datetime.now(UTC))}}
        phase = "Failed" if code else "Succeeded"
    container = {
        "name": "run",
        "image": "none",
        "imageID": "",
        "ready": code is None,
        "restartCount": 0,
        "state": state,
    }
    return {
        "phase": phase,
        "startTime": pod["metadata"]["creationTimestamp"],
        "conditions": [{"type": "Ready", "status": "True" if code is None else "False"}],
        "containerStatuses": [container],
    }
