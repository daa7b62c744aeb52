"""Builds the one Go binary that is all of Kubernetes, once, into a cache that all checkouts share.

Building takes minutes, so the result is filed under a hash of everything that
goes into it; while the hash stays the same, not even a Go toolchain is needed.
"""

import fcntl
import hashlib
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import commands, files, golang, paths
from cluster.errors import ClusterError
from cluster.progress import Progress, say

SOURCE = paths.SOURCES / "kube"
COMMANDS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
    "kubectl", "coredns", "helm", "kind",
)  # fmt: skip
"""The names by which main.go may be called; a test compares the two lists."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PLENTY = 12 * 2**30
"""Bytes of memory from which on the compiler may collect garbage less often (8 minutes become 6)."""


def ensure() -> Path:
    """The binary for this machine and these sources, built now if it never was."""
    binary = _cached()
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with _locked(binary.parent):
        if not binary.exists():  # else another process built it while this one waited
            build(golang.find(SOURCE), binary)
    return binary


def link(place: paths.Place, binary: Path, names: tuple[str, ...] = COMMANDS) -> None:
    """Let every command name in the project's bin folder lead to the binary."""
    for name in names:
        files.link(place.bin / name, binary)


def go_environment() -> dict[str, str]:
    """What Go builds with: reproducibly, for this machine, and never by fetching another toolchain."""
    settings = {
        "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off",
        "GOOS": platform.system().lower(), "GOARCH": architecture(),
    }  # fmt: skip
    if "GOGC" not in os.environ and _free_memory() > _PLENTY:
        settings["GOGC"] = "400"
    return commands.environment(None, **settings)


def architecture() -> str:
    """This machine in Go's words."""
    try:
        return _ARCHITECTURES[platform.machine()]
    except KeyError:
        raise ClusterError(f"There is no Kubernetes for a {platform.machine()} machine.") from None


def linker_flags(go_mod: str) -> str:
    """What the linker stamps into the components as their version; go.mod is the one place that names it."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)$", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError("cluster/kube/go.mod does not require k8s.io/kubernetes.")
    package = "k8s.io/component-base/version"
    stamps = {"gitVersion": found[1], "gitMajor": found[2], "gitMinor": found[3]}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in stamps.items())])


def cache_key(source: Path, flags: str, target: str) -> str:
    """A hash over all that decides what the binary is."""
    digest = hashlib.sha256()
    for path in [source / "go.mod", source / "go.sum", *sorted(source.glob("*.go"))]:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(f"{flags}\0{target}".encode())
    return digest.hexdigest()


def _cached() -> Path:
    flags = linker_flags((SOURCE / "go.mod").read_text())
    key = cache_key(SOURCE, flags, f"{platform.system().lower()}/{architecture()}")
    return paths.user_cache() / "kube" / key / "kube"


def build(go: Path, binary: Path) -> None:
    """Compile into place; a build that fails or is killed leaves nothing that looks like a binary.

    What Go compiled until then stays in Go's own cache, and the next try goes on from there.
    """
    flags = linker_flags((SOURCE / "go.mod").read_text())
    say("building Kubernetes from source: some minutes the first time, never again until its version changes")
    total = _fetch(go)
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder, Progress("compiling") as progress:
        fresh = Path(folder) / "kube"
        done = 0
        for line in _lines([go, "build", "-v", "-trimpath", f"-ldflags={flags}", "-o", fresh, "."]):
            done += not line.startswith("go: ")
            progress.show(f"{done} of up to {total} packages")  # fewer where Go has some in its own cache
        fresh.rename(binary)  # atomic: an interrupted build is never mistaken for a whole one


def _fetch(go: Path) -> int:
    """Download the modules; the number of packages that the build consists of."""
    packages = downloads = 0
    with Progress("downloading Go modules") as progress:
        for line in _lines([go, "list", "-deps", "."]):
            if line.startswith("go: downloading"):
                downloads += 1
                progress.show(f"{downloads} so far")
            else:
                packages += 1
    return packages


def _lines(argv: list[str | Path]) -> Iterator[str]:
    """The command's output and errors line by line; when it fails, the last lines say why."""
    tail: list[str] = []
    with subprocess.Popen(
        [str(word) for word in argv],
        cwd=SOURCE, env=go_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            tail = [*tail[-9:], line.rstrip()]
            yield line.rstrip()
    if process.returncode:
        raise ClusterError("\n".join([f"`go {argv[1]}` failed:", *tail]))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two builds at once would each take twice as long; the second waits for the first."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the same Kubernetes to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0
