"""Where the suite acts: the local cluster, GraphCron's release in it, and the Agent Server with its weather."""

import http.client
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from chaos.agent_server import PORT
from cluster import cgroups, cli, components, deploy, images, local, plan, processes
from cluster.api import Api, exchange
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from examples.demo.session import Session, wait_for

NAMESPACE = "graphcron-chaos"
SERVED_FROM = ("chaos/agent_server.py", "tests/support/agent_server_fake.py")
"""What the Agent Server's pod runs, from a ConfigMap, in the project's own image."""
VALUES = {
    "agentServer.url": f"http://agent-server.{NAMESPACE}.svc",
    "image.tag": "dev",
    "scope": "namespace",
    "crds.enabled": "false",
    "operator.replicas": "2",
    "facade.replicas": "2",
    "facade.auth.mode": "open",
}
RUN_PODS = "graphcron.dev/graphcron"

Json = dict[str, Any]
T = TypeVar("T")


class NoVictim(Exception):
    """Nobody was there to be struck."""


@dataclass
class World:
    """All clients, and the log of what happens. `held` are components that a strike keeps down."""

    seed: int
    folder: Path
    place: Place = HERE
    held: set[str] = field(default_factory=set)
    revision: int = 1

    has_node = True

    def __post_init__(self) -> None:
        self.session = Session(NAMESPACE)
        self._lock = threading.Lock()

    def set_up(self) -> None:
        """The cluster, the image, the Agent Server and the release, ready."""
        if cli.main(["up", "--cluster", "local"]) != 0:
            raise ClusterError("The suite needs a local cluster: the lines above say why there is none.")
        planned = plan.load(self.place.plan)
        assert planned, "a local cluster has a plan"
        self.plan = planned
        self.api = Api(self.place, planned)
        deploy.load({"graphcron": images.build("graphcron")})
        with suppress(ClusterError):  # one that watches all namespaces would do this one's work
            deploy.helm(self.place, "uninstall", deploy.RELEASE, "--namespace", deploy.NAMESPACE, "--ignore-not-found")
        self.session.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
        crd = deploy.kubectl(self.place, "get", "crd", "graphcrons.graphcron.dev", "--ignore-not-found", "-o", "name")
        if not crd:
            deploy.kubectl(self.place, "create", "-f", self.place.root / "crds")
        self.brought_crd = not crd
        deploy.kubectl(self.place, "create", "namespace", NAMESPACE)
        self.session.apply(*_agent_server(self.seed))
        self.helm("upgrade", "--install", *self.chart(), "--wait", "--timeout", "120s")
        self.session.kubectl("rollout", "status", "deployment/agent-server", "--timeout=90s")
        (pod,) = self.pods("app=agent-server")
        self.agent_address = (pod["status"]["podIP"], PORT)
        service = self.get(f"/api/v1/namespaces/{NAMESPACE}/services/{deploy.RELEASE}-facade")
        self.facade_address = (service["spec"]["clusterIP"], 80)

    def take_down(self) -> None:
        """The release and the namespace; the cluster stays."""
        with suppress(ClusterError):
            self.helm("uninstall", deploy.RELEASE, "--ignore-not-found")
        self.session.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
        if self.brought_crd:  # the next `make demo` brings it as its release's own
            deploy.kubectl(self.place, "delete", "-f", self.place.root / "crds", "--ignore-not-found", "--wait=false")

    def chart(self) -> list[str]:
        """The chart with the values of this revision: each one rewrites all pods and all CronJobs."""
        values = VALUES | {
            "operator.podAnnotations.revision": f"r{self.revision}",
            "facade.podAnnotations.revision": f"r{self.revision}",
            "runs.resources.requests.memory": f"{32 + self.revision % 8}Mi",
        }
        words = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
        return [deploy.RELEASE, str(self.place.root / deploy.CHART), *words]

    def helm(self, *words: str) -> str:
        return deploy.helm(self.place, *words, "--namespace", NAMESPACE)

    def say(self, text: str) -> None:
        """One line, on the screen and in the log."""
        line = f"{datetime.now(UTC):%H:%M:%S} {text}"
        with self._lock, (self.folder / "chaos.log").open("a") as log:
            print(line, flush=True)
            log.write(line + "\n")

    def get(self, path: str) -> Any:
        """What the apiserver answers; ClusterError when that is no 200, OSError when it does not."""
        status, answer = self.api.request("GET", path)
        if status != 200:
            raise ClusterError(f"GET {path}: {status} {str(answer)[:300]}")
        return answer

    def objects(self, kind: str, selector: str = "") -> list[Json]:
        """Objects of the suite's namespace. `kind` is the path of API and plural, such as apis/batch/v1/jobs."""
        api, _, plural = kind.rpartition("/")
        found: list[Json] = self.get(f"/{api}/namespaces/{NAMESPACE}/{plural}?labelSelector={quote(selector)}")["items"]
        return found

    def pods(self, selector: str) -> list[Json]:
        """Those that run."""
        return [pod for pod in self.objects("api/v1/pods", selector) if pod["status"].get("phase") == "Running"]

    def graphcrons(self) -> list[Json]:
        return self.objects("apis/graphcron.dev/v1/graphcrons")

    def leader(self) -> str:
        """The name of the pod that leads."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{deploy.RELEASE}-operator"
        return str(self.get(path)["spec"].get("holderIdentity"))

    def signal_component(self, name: str, number: signal.Signals) -> str:
        """Send a component a signal; who that is. Raises NoVictim. After SIGKILL it has ended."""
        victim = processes.components(self.place.id).get(name)
        if victim is None:
            raise NoVictim(f"{name} does not run")
        if number == signal.SIGKILL:
            processes.stop([victim])
        else:
            processes.send(victim, number)
        return f"pid {victim.pid}"

    def signal_pod(self, pod: Json, number: signal.Signals) -> str:
        """Send the processes of a pod's only container a signal; its name. Raises NoVictim."""
        name = str(pod["metadata"]["name"])
        try:
            (container,) = pod["status"]["containerStatuses"]
            cgroups.signal_container(container["containerID"].rpartition("/")[2], number)
        except (ClusterError, KeyError, ValueError) as error:
            raise NoVictim(f"{name} has ended: {error}") from None
        return name

    def unready(self) -> list[str]:
        """What is wrong with operator and facade."""
        wrong = []
        for component in ("operator", "facade"):
            try:
                words = ("rollout", "status", f"deployment/{deploy.RELEASE}-{component}", "--timeout=180s")
                self.session.kubectl(*words)
            except ClusterError as error:
                wrong.append(f"{component}: {error}")
        return wrong

    def keep_logs(self) -> None:
        """For who has to find out why: the components' logs, and those of the release's pods."""
        logs = self.folder / "logs"
        shutil.copytree(self.place.logs, logs, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        for component in ("operator", "facade"):
            with suppress(ClusterError):
                words = ("logs", "-l", f"app.kubernetes.io/component={component}", "--tail=-1", "--prefix")
                (logs / f"{component}.log").write_text(self.session.kubectl(*words))

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Nobody starts the component meanwhile; afterwards it is started."""
        self.held.add(name)
        try:
            yield
        finally:
            self.held.discard(name)
            self.start({name})

    def start(self, names: set[str]) -> None:
        with self._lock:
            local.start(self.place, names)

    def supervise(self) -> list[str]:
        """Start what ended though nobody struck it, as a machine's init system does."""
        with self._lock:
            return local.start(self.place, set(components.NAMES) - self.held)

    def agent(self, method: str, path: str, body: Any = None) -> Any:
        return ask(self.agent_address, method, path, body)[1]


def ask(address: tuple[str, int], method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and answer of a server that speaks JSON. OSError when there is none."""
    return exchange(http.client.HTTPConnection(*address, timeout=15), method, path, body, **headers)


def patiently(what: str, call: Callable[[], T], seconds: float) -> T:
    """The answer of an apiserver, or of whoever else, that may be away for the moment."""

    def tried() -> list[T]:
        with suppress(OSError, ClusterError):
            return [call()]
        return []

    return wait_for(what, tried, seconds)[0]


def _agent_server(seed: int) -> list[Json]:
    """Manifests of the suite's Agent Server. It is restarted by nothing: its memory is the ledger."""
    code = {path.replace("/", "."): (HERE.root / path).read_text() for path in SERVED_FROM}
    items = [{"key": path.replace("/", "."), "path": path} for path in SERVED_FROM]
    labels = {"app": "agent-server"}
    container = {
        "name": "agent-server",
        "image": images.IMAGES["graphcron"].tag,
        "command": ["/opt/graphcron/bin/python", "-m", "chaos.agent_server"],
        "env": [
            {"name": "PYTHONPATH", "value": "/code"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            {"name": "SEED", "value": str(seed)},
        ],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/ok", "port": "http"}, "periodSeconds": 2, "timeoutSeconds": 5},
        "volumeMounts": [{"name": "code", "mountPath": "/code"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "code", "configMap": {"name": "agent-server", "items": items}}],
    }
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "agent-server"}, "data": code},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "agent-server"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "agent-server"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    ]
