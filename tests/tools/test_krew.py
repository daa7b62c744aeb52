"""The kubectl plugin: krew takes its manifest and its archive, and kubectl starts what it installs."""

import hashlib
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import gotools, paths
from cluster.control_plane import ControlPlane
from cluster.paths import HERE
from graphcron import __version__
from tests.support.graphcron_apiserver import graphcron_apiserver
from tools import krew

TEMPLATE: dict[str, Any] = yaml.safe_load((HERE.root / "krew/graphcron.yaml").read_text())
OURS = f"linux-{'arm64' if platform.machine() == 'aarch64' else 'amd64'}"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def go_program(name: str) -> Path:
    return gotools.ensure(paths.SOURCES / "krew", f"sigs.k8s.io/krew/cmd/{name}")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the archive for this machine and its Python, and the manifest."""
    folder = tmp_path_factory.mktemp("plugin")
    assert krew.main(["--platform", OURS, "--python", PYTHON, "--into", str(folder)]) == 0
    return folder


def test_the_manifest_has_a_platform_for_each_archive() -> None:
    found = [one["selector"]["matchLabels"] for one in TEMPLATE["spec"]["platforms"]]
    assert [f"{labels['os']}-{labels['arch']}" for labels in found] == list(krew.PLATFORMS)


def test_it_is_filled_with_version_addresses_and_hashes() -> None:
    spec = krew.filled(TEMPLATE, "1.2.3", {"linux-arm64": "ab" * 32})["spec"]
    (only,) = spec["platforms"]
    assert (spec["version"], only["sha256"]) == ("v1.2.3", "ab" * 32)
    assert only["uri"].endswith("/v1.2.3/graphcron-linux-arm64.tar.gz")
    assert TEMPLATE["spec"]["version"] == "v0.0.0", "the template stays as it is"


def test_the_same_files_are_the_same_archive(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        (folder / "lib/__pycache__").mkdir(parents=True)
        (folder / "lib/__pycache__/a.pyc").write_text("compiled")
        (folder / "lib/a.py").write_text("pass")
        (folder / "start").write_text("#!/bin/sh")
        (folder / "start").chmod(0o755)
    os.utime(second / "start", (0, 0))
    (second / "lib/a.py").chmod(0o600)
    packed = [krew.packed(folder, [folder / "start", folder / "lib"]) for folder in (first, second)]
    assert packed[0] == packed[1]
    (tmp_path / "archive").write_bytes(packed[0])
    with tarfile.open(tmp_path / "archive") as archive:
        assert {entry.name: oct(entry.mode) for entry in archive} == {"start": "0o755", "lib/a.py": "0o644"}


def test_krew_finds_the_manifest_valid(plugin: Path) -> None:
    words = [str(go_program("validate-krew-manifest")), f"-manifest={plugin / 'graphcron.yaml'}", "-skip-install"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), "team") as plane:
        yield plane


@pytest.fixture(scope="module")
def installed(plugin: Path, plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who has installed it by krew."""
    home = tmp_path_factory.mktemp("krew")
    environ = {
        "PATH": f"{home / 'bin'}:{plane.place.bin}:{HERE.bin}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "KREW_ROOT": str(home),
        "KUBECONFIG": str(plane.kubeconfig),
    }
    manifest, archive = plugin / "graphcron.yaml", plugin / f"graphcron-{OURS}.tar.gz"
    hashed = yaml.safe_load(manifest.read_text())["spec"]["platforms"][0]["sha256"]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == hashed
    words = [str(go_program("krew")), "install", f"--manifest={manifest}", f"--archive={archive}"]
    done = subprocess.run(words, capture_output=True, text=True, env=environ, timeout=120)
    assert done.returncode == 0, done.stderr
    return environ


def kubectl(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["kubectl", *words], capture_output=True, text=True, env=environ, timeout=60)


def test_kubectl_starts_what_krew_installs(installed: dict[str, str], plane: ControlPlane) -> None:
    assert kubectl(installed, "graphcron", "version").stdout == f"{__version__}\n"
    applied = kubectl(installed, "apply", "-n", "team", "-f", str(HERE.root / "examples/graphcron.yaml"))
    assert applied.returncode == 0, applied.stderr
    listed = kubectl(installed, "graphcron", "list", "-n", "team")
    assert "hello-from-kubectl" in listed.stdout, listed.stderr
    assert "kubectl graphcron list [OPTIONS]" in kubectl(installed, "graphcron", "list", "--help").stdout


def test_what_its_user_set_for_other_programs_does_no_harm(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('another click')")
    listed = kubectl(installed | {"PYTHONPATH": str(tmp_path)}, "graphcron", "list", "-n", "team", "-o", "name")
    assert (listed.returncode, listed.stderr) == (0, "")


def test_without_a_python_it_says_so(installed: dict[str, str], tmp_path: Path) -> None:
    for name in ("sh", "dirname", "readlink", "kubectl"):
        program = HERE.bin / name if name == "kubectl" else Path("/usr/bin") / name
        (tmp_path / name).symlink_to(program.resolve())
    (tmp_path / "kubectl-graphcron").symlink_to(Path(installed["KREW_ROOT"]) / "bin/kubectl-graphcron")
    failed = kubectl(installed | {"PATH": str(tmp_path)}, "graphcron", "list")
    assert failed.returncode == 1
    assert "no Python 3.11, 3.12, 3.13 or 3.14 on the PATH" in failed.stderr
