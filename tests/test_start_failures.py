"""What keeps a process from starting is one sentence that says what to do, and exit code 1: operator and facade as real
processes, in front of a real apiserver."""

import asyncio
import base64
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from tests.support.facade_process import facade
from tests.support.operator_process import OPERATOR

WAIT = 60
NOWHERE = "/nowhere"
BOTH = ("operator", "facade")

Config = dict[str, Any]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Without the CRD."""
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        plane.install({"metadata": {"name": "team"}}, "/api/v1/namespaces")
        yield plane


@pytest.fixture(scope="module")
def taken() -> Iterator[str]:
    """A port on which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))  # noqa: S104
        listening.listen()
        yield str(listening.getsockname()[1])


def write_nothing() -> None:
    """For a process that is about to start."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def start(command: str, kubeconfig: Path, **environment: str) -> list[str]:
    """The lines of a process that must not start; the last is its sentence. With TMPDIR `NOWHERE` it writes no file."""
    process = subprocess.run(
        [sys.executable, "-m", "graphcron", command],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(OPERATOR),
            "KUBECONFIG": str(kubeconfig),
            "GRAPHCRON_NAMESPACE": "team",
            "GRAPHCRON_WATCH_NAMESPACE": "team",
            "GRAPHCRON_RUN_IMAGE": "graphcron:test",
            "GRAPHCRON_CRD_PATIENCE_SECONDS": "0.2",
            "GRAPHCRON_AUTH_MODE": "open",
            "GRAPHCRON_HOST": "127.0.0.1",
            **dict.fromkeys(("GRAPHCRON_PORT", "GRAPHCRON_HEALTH_PORT", "GRAPHCRON_METRICS_PORT"), "0"),
        }
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WAIT,
        check=False,
        preexec_fn=write_nothing if environment.get("TMPDIR") == NOWHERE else None,
    )
    assert "Traceback" not in process.stdout, process.stdout
    assert process.returncode == 1, process.stdout
    lines = process.stdout.splitlines()
    told = [line for line in lines if line.startswith("graphcron")]
    assert told == lines[-1:], "the sentence is one line, the last, and said once"
    others = [line for line in lines[:-1] if "ERROR" in line]
    assert not others, "nobody else complains"
    return lines


SETTINGS = [
    ("GRAPHCRON_METRICS_PORT", "70000", BOTH, "it must be a port: a whole number from 0 to 65535"),
    ("GRAPHCRON_METRICS_PORT", "abc", BOTH, "it must be a port: a whole number from 0 to 65535"),
    ("GRAPHCRON_PORT", "-1", ("facade",), "it must be a port: a whole number from 0 to 65535"),
    ("GRAPHCRON_HEALTH_PORT", "8081x", ("operator",), "it must be a port: a whole number from 0 to 65535"),
    ("GRAPHCRON_LOG_LEVEL", "LOUD", BOTH, "it must be DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ("GRAPHCRON_LOG_FORMAT", "xml", BOTH, "it must be one of text, json"),
    ("GRAPHCRON_WORKERS", "0", ("operator",), "it must be a whole number, 1 or more"),
    ("GRAPHCRON_WORKERS", "many", ("operator",), "it must be a whole number, 1 or more"),
    ("GRAPHCRON_WATCH_SILENCE_SECONDS", "soon", ("operator",), "it must be a number of seconds"),
    ("GRAPHCRON_RUN_RESOURCES", "{", ("operator",), "it must be a JSON object"),
    ("GRAPHCRON_RUN_RESOURCES", "[]", ("operator",), "it must be a JSON object"),
    ("GRAPHCRON_UNKNOWN_FIELDS", "maybe", ("facade",), "it must be carry or refuse"),
    ("AGENT_SERVER_URL", "ftp://agents", BOTH, "it must be like http://agent-server:8000, without credentials"),
    ("AGENT_SERVER_URL", "http://[::1", BOTH, "it must be like http://agent-server:8000, without credentials"),
    ("AGENT_SERVER_URL", "http://u:secret@a", BOTH, "it must be like http://agent-server:8000, without credentials"),
]


@pytest.mark.parametrize(
    ("variable", "value", "command", "sentence"),
    [(variable, value, command, said) for variable, value, commands, said in SETTINGS for command in commands],
)
def test_a_setting_that_cannot_be(tmp_path: Path, variable: str, value: str, command: str, sentence: str) -> None:
    [line] = start(command, tmp_path / "none", **{variable: value})
    assert line == f"graphcron {command}: {variable} is not readable: {sentence}"


def test_a_setting_that_is_missing(tmp_path: Path) -> None:
    [line] = start("operator", tmp_path / "none", GRAPHCRON_RUN_IMAGE="")
    assert line.startswith("graphcron operator: GRAPHCRON_RUN_IMAGE is not set: it names the image")


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no such file"),
        ("directory", "Is a directory"),
        ("{", "while parsing a flow node"),
        ("[1]", "it is no kubeconfig"),
        ("", "it is no kubeconfig"),
        ("apiVersion: v1\nkind: Config\n", "current-context"),
    ],
)
def test_a_kubeconfig_that_is_none(tmp_path: Path, command: str, content: str | None, sentence: str) -> None:
    path = tmp_path / "kubeconfig"
    if content == "directory":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    [line] = start(command, path)
    assert line.startswith(f"graphcron {command}: ")
    assert str(path) in line
    assert sentence in line
    assert line.endswith("Set KUBECONFIG to a file that names a cluster.")


def _elsewhere(config: Config) -> None:
    config["current-context"] = "nowhere"


def _no_such_certificate(config: Config) -> None:
    config["users"][0]["user"] = {"client-certificate": "/nope/a.crt", "client-key": "/nope/a.key"}


def _no_authority(config: Config) -> None:
    config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(b"nonsense").decode()


def _no_key(config: Config) -> None:
    config["users"][0]["user"]["client-key-data"] = "%"


CONFIGS: dict[str, tuple[Callable[[Config], None], str]] = {
    "a context that is not there": (_elsewhere, "nowhere"),
    "a certificate that is not there": (_no_such_certificate, "/nope/a.crt"),
    "an authority that is none": (_no_authority, "certificate"),
    "a key that is none": (_no_key, "PEM"),
}


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize(("change", "sentence"), CONFIGS.values(), ids=CONFIGS)
def test_a_kubeconfig_that_cannot_be_used(
    plane: ControlPlane, tmp_path: Path, command: str, change: Callable[[Config], None], sentence: str
) -> None:
    [line] = start(command, changed(plane, tmp_path, change))
    assert line.startswith(f"graphcron {command}: ")
    assert sentence in line
    assert line.endswith("Set KUBECONFIG to a file that names a cluster.")


def changed(plane: ControlPlane, folder: Path, change: Callable[[Config], None]) -> Path:
    config = yaml.safe_load(plane.kubeconfig.read_text())
    change(config)
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("command", BOTH)
def test_inline_certificates_and_no_room_for_a_file(plane: ControlPlane, command: str) -> None:
    """In a pod with a read-only root file system; the client writes them to files."""
    [line] = start(command, plane.kubeconfig, TMPDIR=NOWHERE)
    assert line.startswith(f"graphcron {command}: ")
    assert "set TMPDIR to a directory that can be written to" in line


def _nobody_listens(config: Config) -> None:
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"


def _another_authority(config: Config) -> None:
    del config["clusters"][0]["cluster"]["certificate-authority-data"]


def _unknown_token(config: Config) -> None:
    config["users"][0]["user"] = {"token": "nobody's"}


APISERVERS: dict[str, tuple[Callable[[Config], None], str]] = {
    "away": (_nobody_listens, "the Kubernetes API does not answer: Cannot connect to host 127.0.0.1:9"),
    "of another authority": (_another_authority, "the certificate of the Kubernetes API at 127.0.0.1:"),
    "where nobody knows us": (_unknown_token, "the Kubernetes API does not accept these credentials: Unauthorized"),
    "without the CRD": (lambda config: None, "the cluster has no GraphCron resource: install the CRD"),
}


@pytest.mark.parametrize(("change", "sentence"), APISERVERS.values(), ids=APISERVERS)
def test_an_apiserver_that_does_not_serve_the_operator(
    plane: ControlPlane, tmp_path: Path, change: Callable[[Config], None], sentence: str
) -> None:
    *_, line = start("operator", changed(plane, tmp_path, change))
    assert line.startswith(f"graphcron operator: {sentence}")


FACADES: dict[str, tuple[Callable[[Config], None], str]] = {
    "away": (
        _nobody_listens,
        "graphcrons cannot be listed: the Kubernetes API does not answer: Cannot connect to host",
    ),
    "of another authority": (_another_authority, "graphcrons cannot be listed: the certificate of the Kubernetes API"),
    "where nobody knows us": (_unknown_token, "graphcrons cannot be listed: the Kubernetes API does not accept these"),
    "without the CRD": (lambda config: None, "is the CRD installed?"),
}


@pytest.mark.parametrize(("change", "sentence"), FACADES.values(), ids=FACADES)
async def test_the_facade_starts_without_one_and_says_what_is_wrong(
    plane: ControlPlane, tmp_path: Path, change: Callable[[Config], None], sentence: str
) -> None:
    """It passes on what is not about crons; `/readyz` is 503."""
    there = {"KUBECONFIG": str(changed(plane, tmp_path, change)), "GRAPHCRON_AUTH_MODE": "open"}
    async with facade(tmp_path / "facade", **there) as (_, said, process), asyncio.timeout(WAIT):
        assert process.stdout
        while not any(sentence in line for line in said):
            line = await process.stdout.readline()
            assert line, said
            said.append(line.decode())
    assert not any("Traceback" in line for line in said)


@pytest.fixture(scope="module")
def whole(plane: ControlPlane) -> ControlPlane:
    """With the CRD, from here on."""
    plane.install_crd(HERE.root / "crds/graphcrons.yaml")
    return plane


def test_an_account_without_rights(whole: ControlPlane, tmp_path: Path) -> None:
    (config := tmp_path / "kubeconfig").write_text(whole.service_account_kubeconfig("team", "nobody"))
    *_, line = start("operator", config)
    assert line.startswith("graphcron operator: the operator's service account lacks a permission: ")
    assert 'User "system:serviceaccount:team:nobody" cannot list resource "' in line
    assert line.endswith("The Helm chart grants it.")


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("operator", "GRAPHCRON_HEALTH_PORT"),
        ("operator", "GRAPHCRON_METRICS_PORT"),
        ("facade", "GRAPHCRON_PORT"),
        ("facade", "GRAPHCRON_METRICS_PORT"),
    ],
)
def test_a_port_in_use(whole: ControlPlane, taken: str, command: str, variable: str) -> None:
    *_, line = start(command, whole.kubeconfig, **{variable: taken})
    assert line == f"graphcron {command}: port {taken} is in use by another process: choose another with {variable}"


@pytest.mark.parametrize(
    ("host", "sentence"), [("203.0.113.7", "annot assign requested address"), ("no such host", "not known")]
)
def test_an_address_that_is_not_ours(whole: ControlPlane, host: str, sentence: str) -> None:
    *_, line = start("facade", whole.kubeconfig, GRAPHCRON_HOST=host)
    assert line.startswith(f"graphcron facade: cannot listen on {host}, port 0 (")
    assert sentence in line
    assert line.endswith("GRAPHCRON_HOST and GRAPHCRON_METRICS_PORT say where")


@pytest.mark.parametrize("content", [None, "{"])
def test_an_authority_of_the_agent_server_that_is_none(
    whole: ControlPlane, tmp_path: Path, content: str | None
) -> None:
    if content:
        (tmp_path / "ca.crt").write_text(content)
    there = {"AGENT_SERVER_URL": "https://agents", "AGENT_SERVER_CA_FILE": str(tmp_path / "ca.crt")}
    *_, line = start("facade", whole.kubeconfig, **there)
    assert line.startswith(f"graphcron facade: the file {tmp_path / 'ca.crt'} cannot be used (")
    assert line.endswith("AGENT_SERVER_CA_FILE names the authority of the Agent Server's certificate")


def test_keys_that_cannot_be_read(whole: ControlPlane, tmp_path: Path) -> None:
    where = {"GRAPHCRON_AUTH_MODE": "apiKeys", "GRAPHCRON_API_KEYS_DIR": str(tmp_path / "keys")}
    [line] = start("facade", whole.kubeconfig, **where)
    assert line.startswith(f"graphcron facade: the Secret with the API keys ({tmp_path / 'keys'}) cannot be used: ")
