"""Builds the Go programs that hold Kubernetes and its tools, once, into a cache that all checkouts share.

Building takes minutes, so each result is filed under a hash of everything that
goes into it; while the hash stays the same, not even a Go toolchain is needed.
"""

import fcntl
import hashlib
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import commands, files, golang, paths
from cluster.errors import ClusterError
from cluster.progress import Progress, say

CLIENTS = ("kubectl", "helm", "kind")


@dataclass(frozen=True)
class Program:
    """A Go program that is many commands, by the name it is called by."""

    title: str
    """What is built, for people."""
    module: Path
    """The folder with its go.mod."""
    package: str
    """Its main package, relative to the module."""
    folders: tuple[Path, ...]
    """The folders whose Go files go in, besides those of other modules."""
    commands: tuple[str, ...]
    """The names by which it may be called; a test compares them with the source."""

    @property
    def kubernetes(self) -> str:
        """The Kubernetes version that go.mod requires, such as v1.37.2."""
        return kubernetes_version((self.module / "go.mod").read_text())


_CALLS, _KUBE, _OLDEST = (paths.SOURCES / name for name in ("calls", "kube", "kube-oldest"))
_COMPONENTS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubeadm",
)  # fmt: skip

KUBE = Program("Kubernetes", _KUBE, ".", (_KUBE, _KUBE / "clients", _CALLS), (*_COMPONENTS, "coredns", *CLIENTS))
"""All of Kubernetes."""

TOOLS = Program("kubectl, helm and kind", _KUBE, "./tools", (_KUBE / "tools", _KUBE / "clients", _CALLS), CLIENTS)
"""All that a machine with a container engine needs: a third of the packages."""

OLDEST = Program("the oldest Kubernetes", _OLDEST, ".", (_OLDEST, _CALLS), (*_COMPONENTS, "kubectl"))
"""The oldest Kubernetes that the release is tested on, to make a kind node of."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PLENTY = 12 * 2**30
"""Bytes of memory from which on the compiler may collect garbage less often (8 minutes become 6)."""


def ensure(program: Program = KUBE, system: str | None = None) -> Path:
    """The binary for these sources, built now if it never was; for this machine, or for another system such as linux
    on this machine's processor."""
    binary = cached(program, system)
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with _locked(binary.parent):
        if not binary.exists():  # else another process built it while this one waited
            build(program, golang.find(program.module), binary, system)
    return binary


def cached(program: Program, system: str | None = None) -> Path:
    """Where the binary is, or will be once it is built."""
    key = cache_key(program, f"{system or _system()}/{architecture()}")
    return paths.user_cache() / "kube" / key / "kube"


def link(place: paths.Place, binary: Path, names: tuple[str, ...] = KUBE.commands) -> None:
    """Let every command name in the project's bin folder lead to the binary."""
    for name in names:
        files.link(place.bin / name, binary)


def go_environment(system: str | None = None) -> dict[str, str]:
    """What Go builds with: reproducibly, for this machine's processor, and never by fetching another toolchain."""
    settings = {
        "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off",
        "GOOS": system or _system(), "GOARCH": architecture(),
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


def kubernetes_version(go_mod: str) -> str:
    """The version of Kubernetes that a go.mod requires."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\S+)$", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError("go.mod does not require k8s.io/kubernetes.")
    return found[1]


def linker_flags(kubernetes: str) -> str:
    """What the linker stamps into the components as their version, such as v1.37.2."""
    package = "k8s.io/component-base/version"
    major, minor, _ = kubernetes.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": kubernetes, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in stamps.items())])


def cache_key(program: Program, target: str) -> str:
    """A hash over all that decides what the binary is; the target is a system and a processor, such as linux/amd64."""
    return hash_of(program.module, program.folders, linker_flags(program.kubernetes), target)


def hash_of(module: Path, folders: Iterable[Path], *words: str) -> str:
    """A hash over a Go module's locked requirements, the Go files of these folders, and words."""
    digest = hashlib.sha256()
    sources = [path for folder in folders for path in sorted(folder.glob("*.go"))]
    for path in [module / "go.mod", module / "go.sum", *sources]:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update("\0".join(words).encode())
    return digest.hexdigest()


def build(program: Program, go: Path, binary: Path, system: str | None = None) -> None:
    """Compile into place; a build that fails or is killed leaves nothing that looks like a binary.

    What Go compiled until then stays in Go's own cache, and the next try goes on from there.
    """
    say(
        f"building {program.title} ({program.kubernetes}) from source: "
        "some minutes the first time, never again until its version changes"
    )
    flags, environment = linker_flags(program.kubernetes), go_environment(system)
    total = _fetch(program, go, environment)
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder, Progress("compiling") as progress:
        fresh = Path(folder) / "kube"
        done = 0
        command: commands.Command = [go, "build", "-v", "-trimpath", f"-ldflags={flags}", "-o", fresh, program.package]
        for line in _lines(command, program.module, environment):
            done += not line.startswith("go: ")
            progress.show(f"{done} of up to {total} packages")  # fewer where Go has some in its own cache
        fresh.rename(binary)  # atomic: an interrupted build is never mistaken for a whole one


def _fetch(program: Program, go: Path, environment: Mapping[str, str]) -> int:
    """Download the modules; the number of packages that the build consists of."""
    packages = downloads = 0
    with Progress("downloading Go modules") as progress:
        for line in _lines([go, "list", "-deps", program.package], program.module, environment):
            if line.startswith("go: downloading"):
                downloads += 1
                progress.show(f"{downloads} so far")
            else:
                packages += 1
    return packages


def _lines(argv: commands.Command, module: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The command's output and errors line by line; when it fails, the last lines say why."""
    tail: list[str] = []
    with subprocess.Popen(
        [str(word) for word in argv],
        cwd=module, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
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


def _system() -> str:
    return platform.system().lower()


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0
