"""The notifier as a process with the rights that the chart gives it: whose Secrets a channel can make it use."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from examples.demo.session import Session
from tests.chart.helm import NOTIFIER, one
from tests.support.charts_operator import NAMESPACE, grant
from tests.support.graphcron_apiserver import graphcron_apiserver

HOST = "127.0.0.1"
READABLE = f"notifier.secrets:={json.dumps([{'namespace': 'team-a', 'names': ['listed']}])}"
VALUES = (*NOTIFIER[:1], f"notifier.allowedHosts={{{HOST}}}", READABLE)
STOP_SECONDS = 20


class Receiver(BaseHTTPRequestHandler):
    """Keeps the paths that were asked for."""

    paths: list[str]

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[HTTPServer]:
    Receiver.paths = []
    with HTTPServer((HOST, 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def plane(receiver: HTTPServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE, "team-a", "team-b") as plane:
        grant(plane, "cluster", *VALUES)
        base = f"http://{HOST}:{receiver.server_port}"
        for namespace, name, url in (
            ("team-a", "listed", f"{base}/secret-of-a"),
            ("team-a", "unlisted", f"{base}/hidden-of-a"),
            ("team-b", "listed", f"{base}/hidden-of-b"),
        ):
            body = {"metadata": {"name": name}, "stringData": {"url": url}}
            plane.install(body, f"/api/v1/namespaces/{namespace}/secrets")
            plane.install(channel(name), f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcronchannels")
        yield plane


def channel(secret: str) -> dict[str, Any]:
    """Of the name of the Secret that it uses."""
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronChannel",
        "metadata": {"name": secret},
        "spec": {"kind": "Webhook", "urlSecretRef": {"name": secret, "key": "url"}},
    }


@pytest.fixture(scope="module")
def log(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of the notifier, which works meanwhile with the environment that the chart gives it."""
    folder = tmp_path_factory.mktemp("notifier")
    (folder / "kubeconfig").write_text(plane.service_account_kubeconfig(NAMESPACE, "graphcron-notifier"))
    (container,) = one("Deployment", "graphcron-notifier", *VALUES)["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    own = {"GRAPHCRON_NAMESPACE": NAMESPACE, "GRAPHCRON_HEALTH_PORT": "0", "GRAPHCRON_METRICS_PORT": "0"}
    environ = given | own | {"KUBECONFIG": str(folder / "kubeconfig"), "HOME": str(folder)}
    command = [sys.executable, "-m", "graphcron", *container["args"]]
    with (
        (folder / "log").open("wb") as written,
        subprocess.Popen(command, env=environ, stdout=written, stderr=written) as process,
    ):
        yield folder / "log"
        process.terminate()
        process.wait(STOP_SECONDS)
    sys.stdout.write((folder / "log").read_text())  # pytest shows it when a test has failed


def test_a_channel_delivers_by_a_secret_that_the_administrator_has_listed(
    plane: ControlPlane, log: Path, receiver: HTTPServer
) -> None:
    said = Session("team-a", plane.place).graphcron("channel", "test", "listed")
    assert said == "channel listed Delivered\n"
    assert Receiver.paths == ["/secret-of-a"]


@pytest.mark.parametrize(("namespace", "name"), [("team-a", "unlisted"), ("team-b", "listed")])
def test_one_that_names_another_secret_is_told_so_and_nothing_is_sent(
    plane: ControlPlane, log: Path, receiver: HTTPServer, namespace: str, name: str
) -> None:
    before = list(Receiver.paths)
    said = Session(namespace, plane.place).graphcron("channel", "test", name, fails=True)
    assert said.startswith(f"channel {name} Failed: the notifier may not read Secret {name} of namespace {namespace}")
    assert "notifier.secrets" in said
    assert Receiver.paths == before


def test_no_url_is_in_a_log_or_a_status(plane: ControlPlane, log: Path) -> None:
    statuses = [Session(space, plane.place).kubectl("get", "gcc", "-o", "yaml") for space in ("team-a", "team-b")]
    for text in (log.read_text(), *statuses):
        assert "secret-of" not in text
        assert "hidden-of" not in text
