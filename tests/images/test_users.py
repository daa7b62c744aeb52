"""Our images do their work on both base images, for a user whom the image knows and for one that it does not, with a
read-only root file system and without a home. OpenShift gives each namespace a user id of its own, in group 0.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

from cluster import commands, images
from cluster.control_plane import ControlPlane
from cluster.image_base import BARE, SLIM, Base
from cluster.paths import HERE
from tests.contract.servers import free_port
from tests.images.container import Container, User, manifest_environment, outcome_of
from tests.support.graphcron_apiserver import graphcron_apiserver

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="containers are made by chroot, for which one is root on Linux"
)

OWN, FOREIGN = User(65532, 65532), User(1000680000, 0)
DUE = 29_500_000
"""Minutes since 1970, at the end of a Job's name."""
REQUEST = {"schedule": "0 0 1 1 *", "assistantId": "agent", "input": {"messages": [{"role": "user", "content": "hi"}]}}


@pytest.fixture(scope="module", params=[BARE, SLIM], ids=lambda base: base.name)
def base(request: pytest.FixtureRequest) -> Base:
    found: Base = request.param
    return found


@pytest.fixture(scope="module", params=[OWN, FOREIGN], ids=str)
def user(request: pytest.FixtureRequest) -> User:
    found: User = request.param
    return found


@pytest.fixture(scope="module")
def roots(base: Base, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Container]:
    """The images on this base, unpacked."""
    folder = tmp_path_factory.mktemp(base.name)
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    return {name: Container.of(images.build(name, base=base), folder / name, OWN) for name in images.IMAGES}


@pytest.fixture
def started(roots: dict[str, Container], user: User, tmp_path: Path) -> Callable[..., Container]:
    """The image of this name, as this user, with a folder of its own at each of these paths."""

    def start(name: str, *paths: str, **shared: Path) -> Container:
        mounts = {path: tmp_path / path.strip("/").replace("/", "-") for path in paths}
        for folder in mounts.values():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        return replace(roots[name], user=user, mounts=mounts)

    return start


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver")) as plane:
        yield plane


def wait_for(what: str, answer: Callable[[], Any], log: Path, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, f"{what}: {log.read_text()}"
        time.sleep(0.1)
    return found


def ok(port: int, path: str) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def give(container: Container, path: str, name: str, text: str) -> None:
    """A file that the container finds in one of its folders."""
    (container.mounts[path] / name).write_text(text)
    (container.mounts[path] / name).chmod(0o444)


Start = Callable[..., Container]

ACCOUNT = "/account"
"""Where the container finds who it is: no path of it is a link, which a mount from outside would follow."""


def in_cluster(started: Start, plane: ControlPlane, namespace: str) -> tuple[Container, dict[str, str]]:
    """Our image in a pod of this new namespace whose account may do everything, and its first variables."""
    plane.install({"metadata": {"name": namespace}}, "/api/v1/namespaces")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    binding = {"metadata": {"name": namespace}, "roleRef": role, "subjects": [subject]}
    plane.install(binding, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")
    container = started("graphcron", ACCOUNT)
    # By a kubeconfig, since kopf looks for the apiserver of a pod's own account at a name that only a cluster has. Its
    # authority is a file, as a pod's is: of data in a kubeconfig the Kubernetes client makes temporary files.
    config = yaml.safe_load(plane.service_account_kubeconfig(namespace, "default"))
    config["clusters"][0]["cluster"] = {"server": plane.url, "certificate-authority": f"{ACCOUNT}/ca.crt"}
    give(container, ACCOUNT, "kubeconfig", yaml.safe_dump(config))
    give(container, ACCOUNT, "ca.crt", (plane.place.pki / "ca.crt").read_text())
    return container, {"KUBECONFIG": f"{ACCOUNT}/kubeconfig", "GRAPHCRON_NAMESPACE": namespace}


def test_the_operator_reconciles(started: Start, plane: ControlPlane, base: Base, user: User, tmp_path: Path) -> None:
    namespace, health, log = f"operator-{base.name}-{user}", free_port(), tmp_path / "log"
    operator, environment = in_cluster(started, plane, namespace)
    path = f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcrons"
    plane.install(
        {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "hello"}, "spec": REQUEST}, path
    )
    environment |= {
        "GRAPHCRON_WATCH_NAMESPACE": namespace,
        "GRAPHCRON_RUN_IMAGE": "graphcron:test",
        "AGENT_SERVER_URL": "http://agents.example",
        "GRAPHCRON_HEALTH_PORT": str(health),
        "GRAPHCRON_METRICS_PORT": "0",
    }
    with operator.serving(["operator"], environment, log):
        wait_for("the operator is ready", lambda: ok(health, "/readyz"), log)
        wait_for("a status", lambda: plane.api.request("GET", f"{path}/hello")[1].get("status"), log)


def test_the_facade_serves(started: Start, plane: ControlPlane, base: Base, user: User, tmp_path: Path) -> None:
    namespace, port, log = f"facade-{base.name}-{user}", free_port(), tmp_path / "log"
    facade, environment = in_cluster(started, plane, namespace)
    environment |= {
        "GRAPHCRON_HOST": "127.0.0.1",
        "GRAPHCRON_PORT": str(port),
        "GRAPHCRON_METRICS_PORT": "0",
        "GRAPHCRON_AUTH_MODE": "open",
    }
    with facade.serving(["facade"], environment, log):
        wait_for("the facade is ready", lambda: ok(port, "/readyz"), log)


def test_a_zone_is_known_although_the_image_may_have_no_zoneinfo(started: Start) -> None:
    done = started("graphcron").run(["next", "0 3 * * *", "--timezone", "Europe/Berlin", "--count", "1"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "+01:00" in done.stdout or "+02:00" in done.stdout or "Europe/Berlin" in done.stdout


def run_pod(**spec: Any) -> dict[str, Any]:
    """The pod template that the operator makes of a GraphCron, by the operator of this checkout."""
    program = """
import json, sys
from graphcron.operator.cronjob import CronJobTiming, cron_job
from graphcron.operator.run_pod import RunPods
from graphcron.resource.spec import GraphCronSpec
from graphcron.schedule.expression import read
spec = GraphCronSpec.model_validate(json.loads(sys.argv[1]))
metadata = {"name": "hello", "namespace": "team", "uid": "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"}
pods = RunPods(image="graphcron:1", server_url="http://127.0.0.1:1", in_pod_images=("*",))
timing = CronJobTiming(read(spec.schedule), suspend=False, not_before=None)
print(json.dumps(cron_job({"metadata": metadata}, spec, timing, pods)["spec"]["jobTemplate"]["spec"]["template"]))
"""
    environment = commands.environment(None, PYTHONPATH=str(HERE.root / "operator"))
    return dict(json.loads(commands.run([sys.executable, "-c", program, json.dumps(REQUEST | spec)], env=environment)))


def references(template: dict[str, Any]) -> dict[str, str]:
    """What kubelet would put in place of the references in the environment."""
    (order,) = (value for name, value in template["metadata"]["annotations"].items() if name.endswith("/order"))
    job = {"GRAPHCRON_JOB_NAME": f"hello-{DUE}", "GRAPHCRON_JOB_UID": "0d8f8d6e"}
    return {"GRAPHCRON_ORDER": order, "GRAPHCRON_TRIGGER": ""} | job


def test_a_run_pod_runs_once_on_the_agent_server(started: Start, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    server, pod = started("agent", "/tmp"), started("graphcron", "/dev-log")  # noqa: S108
    template = run_pod()
    (container,) = template["spec"]["containers"]
    environment = manifest_environment(container, references(template))
    environment |= {
        "AGENT_SERVER_URL": f"http://127.0.0.1:{port}",
        "GRAPHCRON_TERMINATION_LOG": "/dev-log/termination-log",
    }
    with server.serving([], {"PORT": str(port)}, log):
        wait_for("the Agent Server", lambda: ok(port, "/ok"), log)
        done = pod.run(container["args"], environment)
    assert done.returncode == 0, done.stdout + done.stderr + log.read_text()
    assert outcome_of(pod.mounts["/dev-log"])["outcome"] == "Succeeded"


def test_a_graph_runs_in_its_own_image(started: Start) -> None:
    template = run_pod(engine="inPod", image="example-in-pod:1")
    (brings,), (container,) = template["spec"]["initContainers"], template["spec"]["containers"]
    brought = started("graphcron", "/graphcron").run(brings["args"])
    assert brought.returncode == 0, brought.stderr
    pod = started("in-pod", "/graphcron", "/tmp", "/dev-log", "/etc/graphcron")  # noqa: S108
    values = references(template)
    (volume,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "order")
    (item,) = volume["downwardAPI"]["items"]
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "order")
    order = pod.mounts["/etc/graphcron"] / Path(mount["mountPath"]).relative_to("/etc/graphcron")
    order.mkdir(parents=True, exist_ok=True)
    (order / item["path"]).write_text(values["GRAPHCRON_ORDER"])
    environment = manifest_environment(container, values) | {"GRAPHCRON_TERMINATION_LOG": "/dev-log/termination-log"}
    done = pod.run([], environment, program=container["command"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(pod.mounts["/dev-log"])["outcome"] == "Succeeded"


def test_the_images_say_who_they_run_as(roots: dict[str, Container]) -> None:
    """By number: runAsNonRoot cannot judge a name, and a platform that chooses the user overrides it."""
    assert {container.config["User"] for container in roots.values()} == {"65532:65532"}
