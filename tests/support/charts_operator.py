"""The operator as a process, at a real apiserver, with the rights that the chart gives it in a release's namespace."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster.control_plane import ControlPlane
from tests.chart.helm import render

NAMESPACE = "ns"
"""Of the release that `tests.chart.helm.render` renders."""
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:graphcron-operator"
STOP_SECONDS = 20
PACKAGE = Path(__file__).parents[2] / "operator"


def grant(plane: ControlPlane, scope: str, *values: str) -> None:
    """The roles and bindings of the chart, with these values."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    for item in render(f"scope={scope}", *values):
        kind = item["kind"].lower()
        if kind in ("role", "rolebinding"):
            plane.install(item, f"{rbac}/namespaces/{item['metadata']['namespace']}/{kind}s")
        elif kind in ("clusterrole", "clusterrolebinding"):
            plane.install(item, f"{rbac}/{kind}s")


class ChartsOperator:
    def __init__(self, kubeconfig: Path, log: Path, settings: Mapping[str, str]) -> None:
        self._kubeconfig = kubeconfig
        self._log = log
        self._settings = settings
        self._process: subprocess.Popen[bytes]

    def start(self) -> None:
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PACKAGE),
            "KUBECONFIG": str(self._kubeconfig),
            "GRAPHCRON_RUN_IMAGE": "graphcron:test",
            "AGENT_SERVER_URL": "http://agent.example",
            "GRAPHCRON_NAMESPACE": NAMESPACE,
            "GRAPHCRON_WATCH_NAMESPACE": NAMESPACE,
            "GRAPHCRON_LEASE": "graphcron-operator",
            "GRAPHCRON_HEALTH_PORT": "0",
            "GRAPHCRON_METRICS_PORT": "0",
            **self._settings,
        }
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "graphcron", "operator"]
            self._process = subprocess.Popen(command, env=settings, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def lines(self) -> list[str]:
        """Of its log."""
        return self._log.read_text().splitlines()

    def stop(self) -> None:
        """As Kubernetes does; the Lease is given back."""
        self._process.terminate()
        self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """As the kernel does for its memory; the Lease is kept until it expires."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def charts_operator(plane: ControlPlane, folder: Path, **settings: str) -> Iterator[ChartsOperator]:
    """Started, with these variables besides; its namespace must be there."""
    grant(plane, "namespace")
    kubeconfig, log = folder / "kubeconfig", folder / "log"
    kubeconfig.write_text(plane.service_account_kubeconfig(NAMESPACE, "graphcron-operator"))
    operator = ChartsOperator(kubeconfig, log, settings)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()
        sys.stdout.write(log.read_text())  # pytest shows it when a test has failed
