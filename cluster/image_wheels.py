"""Fetches and builds the wheels that go into an image: the only module that asks a package registry for them.

The wheels are for the image's Python, which need not be the one that runs this.
pip can download for another Python but evaluates environment markers (`; python_version
< "3.12"`) for its own, so the lock is narrowed here before pip sees it.
"""

import hashlib
import importlib.util
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from cluster import commands, paths
from cluster.errors import ClusterError
from cluster.progress import Progress

_GLIBC = 36
"""Wheels built for glibc 2.36 and older run on Debian bookworm and on everything newer."""

SOURCE_ONLY = frozenset({"forbiddenfruit"})
"""Locked packages without any wheel. Building runs their code on this machine: hence by name, never by default."""

_MACHINES = {"arm64": "aarch64", "AMD64": "x86_64"}
"""What macOS and Windows call the processors of the Linux that their container engines run."""


@dataclass(frozen=True)
class Target:
    """A Python on Linux, such as 3.11 on x86_64."""

    python: str
    machine: str

    def pip_arguments(self) -> list[str]:
        """What makes pip choose wheels for this Python."""
        tags = [f"manylinux_2_{minor}" for minor in range(_GLIBC, 4, -1)]
        platforms = [
            f"{tag}_{self.machine}" for tag in [*tags, "manylinux2014", "manylinux2010", "manylinux1", "linux"]
        ]
        abi = f"cp{self.python.replace('.', '')}"
        chosen = ["--python-version", self.python, "--implementation", "cp", "--abi", abi]
        return [*chosen, *(word for tag in platforms for word in ("--platform", tag))]

    def wants(self, requirement: Requirement) -> bool:
        """Whether some patch release of this Python needs the requirement: a wheel too many does no harm."""
        marker = requirement.marker
        return marker is None or any(marker.evaluate(self._environment(patch)) for patch in (0, 99))

    def _environment(self, patch: int) -> dict[str, str | set[str] | frozenset[str]]:
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.{patch}",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.{patch}",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def target(python: str) -> Target:
    """This Python on the processor that this machine has."""
    machine = platform.machine()
    return Target(python, _MACHINES.get(machine, machine))


def narrowed(lock: str, target: Target) -> list[str]:
    """The entries of the lock that the target needs, hashes and all, without their markers."""
    return [entry for requirement, entry in _entries(lock) if target.wants(requirement)]


def versions(lock: str) -> dict[str, str]:
    """Package name to the version that is locked."""
    return {requirement.name: str(requirement.specifier).removeprefix("==") for requirement, _ in _entries(lock)}


def only(lock: str, name: str) -> str:
    """The lock's entry for one package."""
    for requirement, entry in _entries(lock):
        if requirement.name == name:
            return entry
    raise ClusterError(f"The lock has no {name}: run `make lock`.")


def dependencies(lock: Path, build_lock: Path, target: Target) -> Path:
    """A folder with `wheels/` of both locks and `lock.txt`, the first lock; from the cache if it is there."""
    locked, building = lock.read_text(), build_lock.read_text()
    key = hashlib.sha256("\0".join([locked, building, *target.pip_arguments()]).encode()).hexdigest()[:16]
    folder = paths.user_cache() / "wheels" / key
    if folder.exists():
        return folder
    builders, wanted = tools(build_lock), narrowed(locked, target)
    # Some packages are in both, in the same version: one download of them will do.
    builds = [entry for entry in narrowed(building, target) if entry.split()[0] not in {of.split()[0] for of in wanted}]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        Progress(f"downloading {len(wanted)} wheels for Python {target.python}"),
        _temporary(folder.parent) as temporary,
    ):
        fresh = temporary / "fresh"
        (fresh / "wheels").mkdir(parents=True)
        built = [entry for entry in wanted if entry.partition("==")[0] in SOURCE_ONLY]
        downloaded = [entry for entry in (*wanted, *builds) if entry not in built]
        _pip(
            builders, "download", downloaded, "--dest", fresh / "wheels", "--only-binary=:all:", *target.pip_arguments()
        )
        if built:
            _pip(builders, "wheel", built, "--wheel-dir", fresh / "wheels", "--no-build-isolation")
        (fresh / "lock.txt").write_text(trusting(locked, _hashes(fresh / "wheels", built)))
        if not folder.exists():
            fresh.rename(folder)
    return folder


def trusting(lock: str, hashes: Mapping[str, str]) -> str:
    """The lock, accepting for each of these packages also the wheel that was built here from its locked source."""
    for name, digest in hashes.items():
        lock = re.sub(
            rf"^({re.escape(name)}==[^\\]*\\\n)", rf"\1    --hash=sha256:{digest} \\\n", lock, flags=re.MULTILINE
        )
    return lock


def _entries(lock: str) -> Iterator[tuple[Requirement, str]]:
    joined = re.sub(r"\\\n", " ", lock)
    for line in joined.splitlines():
        text, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        if text and not text.startswith("#"):
            requirement = Requirement(text)
            yield requirement, " ".join([f"{requirement.name}{requirement.specifier}", *hashes])


def _hashes(wheels: Path, entries: Sequence[str]) -> dict[str, str]:
    """The hash of each built wheel by package name, once it is sure to run anywhere."""
    hashes = {}
    for name in (entry.partition("==")[0] for entry in entries):
        found = list(wheels.glob(f"{name}-*-none-any.whl"))
        if not found:
            raise ClusterError(f"{name} has compiled parts, so a wheel built on this machine may not run in the image.")
        hashes[name] = hashlib.sha256(found[0].read_bytes()).hexdigest()
    return hashes


def tools(lock: Path) -> Path:
    """A folder to put on PYTHONPATH that has exactly what is in the lock, such as the build backend."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]
    folder = paths.user_cache() / "tools" / key
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with Progress(f"installing what {lock.name} locks"), _temporary(folder.parent) as temporary:
            fresh = temporary / "fresh"
            commands.run([*_install(), "--target", fresh, "--requirement", lock], timeout=600)
            if not folder.exists():
                fresh.rename(folder)
    return folder


def _install() -> list[str]:
    """The start of an install command, by whichever installer is here."""
    options = ["--quiet", "--require-hashes", "--only-binary=:all:"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", *options]
    if uv := shutil.which("uv"):  # environments made by uv have no pip
        return [uv, "pip", "install", "--python", sys.executable, *options]
    raise ClusterError("Neither pip nor uv is here to install the build tools: `python -m ensurepip` gives pip.")


def _pip(tools: Path, verb: str, requirements: Sequence[str], *words: str | Path) -> None:
    """Run the locked pip; --no-deps because the lock is complete and markers of dependencies are not pip's to judge."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    environment = commands.environment(None, PYTHONPATH=str(tools))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:  # hashes are only read from files
        file.write("\n".join(requirements))
        file.flush()
        command = [sys.executable, "-P", "-m", "pip", verb, *options, "--requirement", file.name, *words]
        commands.run(command, env=environment, timeout=1800)


@contextmanager
def _temporary(parent: Path) -> Iterator[Path]:
    """A folder on the cache's own file system: what is made there is renamed into place when it is whole."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        yield Path(name)
