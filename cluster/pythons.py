"""Runs the unit tests of the package on both ends of the Python versions that it is for: `make unit-pythons`.

The version that all else runs on is left out. The other is one of this machine, by pyenv say, else Debian's in a file
system of its own, which takes root on Linux.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cluster import commands, image_base, machine, packages, paths
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import Progress, say

ENDS = ("3.11", "3.14")
"""The oldest that pyproject.toml allows, and the newest that the lock has wheels for; a test holds them together."""

SUITES = {"3.11": "bookworm", "3.14": "forky"}
"""Debian's releases with these versions."""

ROOMS = (
    "commands",
    "console",
    "facade",
    "firing",
    "kube",
    "notifier",
    "operator",
    "resource",
    "runner",
    "schedule",
    "views",
)
"""The tests of what users run; those of tools, chart and browser run on one version."""

_INCLUDED = ("make", "ca-certificates", "tzdata")


def main(place: Place = HERE) -> int:
    """0 when the tests of each version passed, or could not run here, which is said."""
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    codes = []
    for version in ENDS:
        if version == mine:
            say(f"Python {version}: it is the one that all tests run on")
            continue
        try:
            command = _command(version, place)
        except ClusterError as error:
            say(f"Python {version}: SKIPPED, {error}")
            continue
        say(f"Python {version}: unit tests of {', '.join(ROOMS)}")
        codes.append(subprocess.run(command, cwd=place.root, check=False).returncode)
    return max(codes, default=0)


def script(version: str, python: str, place: Place) -> str:
    """What prepares the environments of this version and runs the tests, for a shell in the checkout."""
    venv, in_pod = f".build/python-{version}", f".build/in-pod-{version}"
    tests = shlex.join(("--ignore=tests/console/browser", *(f"tests/{room}" for room in ROOMS)))
    pytest = f"{venv}/bin/pytest -q -p no:cacheprovider -n {os.cpu_count() or 2} --dist loadfile"
    return "\n".join(
        [
            "set -e",
            f"cd {shlex.quote(str(place.root))}",
            f"PYTHON={shlex.quote(python)} ./cluster/venv.sh {venv}",
            f"make --no-print-directory VENV={venv} IN_POD={in_pod} {in_pod}/.ready",
            f"IN_POD={in_pod} {pytest} {tests}",
        ]
    )


def find(version: str, path: str, home: Path) -> str | None:
    """A Python of this version on PATH or of pyenv that works; pyenv leaves programs on PATH that only complain."""
    candidates = [
        shutil.which(f"python{version}", path=path),
        *sorted((home / ".pyenv/versions").glob(f"{version}.*/bin/python")),
    ]
    works = f"import ensurepip, ssl, sys, venv; sys.exit(sys.version_info[:2] != {tuple(map(int, version.split('.')))})"
    return next((str(found) for found in candidates if found and commands.answers([found, "-c", works])), None)


def _command(version: str, place: Place) -> Sequence[str]:
    if python := find(version, os.environ.get("PATH", ""), Path.home()):
        return ["sh", "-c", script(version, python, place)]
    if not machine.is_linux_as_root():
        raise ClusterError("which is not here; root on Linux would run them on Debian's")
    return in_root(_root(version), script(version, f"/usr/bin/python{version}", place), place)


def in_root(root: Path, text: str, place: Place) -> list[str]:
    """Runs a script in that file system, with this checkout, the caches, and what a process expects of its machine."""
    shared = [place.root, paths.user_cache().parent, Path("/proc"), Path("/dev"), Path("/sys")]
    lines = [
        f"mkdir -p {_in(root, path)} && mount --rbind {shlex.quote(str(path))} {_in(root, path)}" for path in shared
    ]
    # How this machine reaches the package index, a company's own authority included.
    reached = ("resolv.conf", "hosts", "ssl/certs/ca-certificates.crt")
    lines += [f"[ ! -e /etc/{name} ] || cp /etc/{name} {_in(root, Path('/etc') / name)}" for name in reached]
    lines.append(f"exec chroot {shlex.quote(str(root))} sh -c {shlex.quote(text)}")
    return ["unshare", "--mount", "--propagation=private", "sh", "-ec", "\n".join(lines)]


def _in(root: Path, path: Path) -> str:
    return shlex.quote(f"{root}{path}")


def _root(version: str) -> Path:
    """Debian's Python of this version in a file system of its own, from the user's cache if it is there."""
    folder = paths.user_cache() / "python" / version
    if folder.exists():
        return folder
    packages.ensure((packages.Need("mmdebstrap", "mmdebstrap"), packages.Need("unshare", "util-linux")))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        Progress(f"Python {version}: unpacking Debian {SUITES[version]}"),
        tempfile.TemporaryDirectory(dir=folder.parent) as temporary,
    ):
        archive, fresh = Path(temporary) / "root.tar", Path(temporary) / "root"
        fresh.mkdir()
        # The lists of a mirror that is behind have expired; what is signed is still Debian's.
        late = '--aptopt=Acquire::Check-Valid-Until "false"'
        wanted = (f"python{version}", f"python{version}-venv", *_INCLUDED)
        image_base.mmdebstrap(SUITES[version], "apt", wanted, archive, late)
        commands.run(["tar", "-xf", archive, "-C", fresh], timeout=300)
        fresh.rename(folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
