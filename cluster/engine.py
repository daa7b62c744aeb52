"""Finds a container engine that can do what kind asks of it, and says what it lacks otherwise.

An engine that answers is not enough: kind's node is a privileged container, and in a sandbox or an unprivileged
container an engine may be installed that cannot start one. So one is started, of a program of a few bytes.
"""

import io
import platform
import resource
import shutil
import struct
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import commands, files, machine, packages, paths
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.progress import say

NAMES = ("docker", "podman")
_PROBE = "localhost/graphcron-probe"

PODMAN = (
    packages.Need("podman", "podman"),
    packages.Need("conmon", "conmon"),
    packages.Need("runc", "runc"),
    packages.Need("/usr/lib/podman/netavark", "netavark"),
    packages.Need("/usr/lib/podman/aardvark-dns", "aardvark-dns"),
)
"""What podman runs a kind node with, and Debian's packages of it."""


@dataclass(frozen=True)
class Engine:
    """Docker or podman, and the variables that it is called with."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return commands.environment(None, **self.settings)

    def run(self, *words: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        """What the engine prints; ClusterError with what it complained of."""
        return commands.run([self.name, *words], env=self.environment, stdin=stdin, timeout=timeout)

    def answers(self, *words: str | Path, timeout: float = 20) -> bool:
        """Whether the command succeeds."""
        return commands.answers([self.name, *words], env=self.environment, timeout=timeout)

    def has_image(self, name: str) -> bool:
        return self.answers("image", "inspect", name)

    def has_cgroup_v1(self) -> bool:
        """Whether its containers live in cgroups of version 1; the engine may be in a virtual machine of its own."""
        field = "{{.CgroupVersion}}" if self.name == "docker" else "{{.Host.CgroupsVersion}}"
        return self.run("info", "--format", field).strip().removeprefix("v") == "1"

    def complaint(self) -> str | None:
        """Why it cannot start the privileged container that a kind node is; None when it can."""
        return self._complaint(platform.machine(), "--privileged", "--cgroupns=private")

    def complaint_about(self, processor: str) -> str | None:
        """Why it cannot run programs of this processor, such as aarch64; None when it can."""
        return self._complaint(processor)

    def _complaint(self, processor: str, *words: str) -> str | None:
        # A name of its own: of two probes at once, each would leave the other's image without a name.
        image = f"{_PROBE}:{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "probe.tar"
            archive.write_bytes(probe_image(processor))
            try:
                self.run("import", archive, image)
                self.run("run", "--rm", *words, "--network=none", image, "/probe")
            except ClusterError as error:
                return str(error)
            finally:
                self.answers("image", "rm", "--force", image)
        return None


def for_auto() -> Engine | None:
    """The engine that makes `auto` a kind cluster: one that was here before us, and that can hold a node."""
    ours = installed_by_us().exists()
    for engine in _that_answer():
        if (engine.name == "podman" and ours) or engine.complaint() is not None:
            continue
        return engine
    return None


def required(place: Place) -> Engine:
    """The engine of this checkout's kind cluster: the one that was found before, else the first that can hold a node;
    installed where that is possible. ClusterError with what is missing and how to get it."""
    with _ONE_AT_A_TIME:
        engine = remembered(place)
        if engine is None:
            engine = choose(place, may_install=machine.is_linux_as_root())
            files.write(_memory(place), f"{engine.name}{' confined' if engine.settings else ''}\n")
        return engine


def remembered(place: Place) -> Engine | None:
    """The engine that this checkout's kind cluster is made with. ClusterError when it does not answer any more."""
    if not _memory(place).exists():
        return None
    name, *confined = _memory(place).read_text().split()
    engine = confined_podman(place) if confined else Engine(name)
    if not engine.answers("info"):
        raise ClusterError(f"{name}, which the kind cluster of this checkout runs on, does not answer: start it.")
    return engine


def forget(place: Place) -> None:
    """The cluster is gone: the next one chooses anew."""
    _memory(place).unlink(missing_ok=True)


def any_that_answers() -> Engine | None:
    """To build images with, where no node is to be started."""
    return next(iter(_that_answer()), None)


def choose(place: Place, *, may_install: bool) -> Engine:
    """As `required`, with no memory; without leave to install, only what is here counts."""
    complaints = []
    for engine in _that_answer():
        complaint = engine.complaint()
        if complaint is None:
            return engine
        complaints.append(f"{engine.name} cannot start a privileged container: {complaint}")
    if may_install:
        _install_podman()
        engine = confined_podman(place)
        complaint = engine.complaint()
        if complaint is None:
            say("podman is given limits and a store of this checkout's own, since its usual ones do not work here")
            return engine
        complaints.append(f"podman with settings of ours cannot either: {complaint}")
    advice = "Start Docker or podman, or use CLUSTER=local, which needs Linux and root."
    raise ClusterError("\n".join(["A kind cluster needs a container engine, and none does here.", *complaints, advice]))


def confined_podman(place: Place) -> Engine:
    """podman with all that it keeps in folders of this checkout, and with limits that this machine lets it set."""
    settings = place.state / "podman"
    files.write(settings / "containers.conf", containers_conf(place, resource.getrlimit))
    files.write(settings / "storage.conf", storage_conf(place))
    # Builds read it, and where nobody set podman up there is none.
    files.write(settings / "policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
    return Engine(
        "podman",
        {
            "CONTAINERS_CONF": str(settings / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(settings / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
        },
    )


def containers_conf(place: Place, limit: Callable[[int], tuple[int, int]]) -> str:
    """podman raises limits to values of its own, which a machine without CAP_SYS_RESOURCE refuses."""
    limits = [
        f'"{name}={_bounded(limit(number)[1], most)}:{_bounded(limit(number)[1], most)}"'
        for name, number, most in (("nofile", resource.RLIMIT_NOFILE, 1048576), ("nproc", resource.RLIMIT_NPROC, 32768))
    ]
    return f"""\
[containers]
default_ulimits = [{", ".join(limits)}]

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = "{place.run}/libpod"

[network]
network_backend = "netavark"
network_config_dir = "{place.state}/podman/networks"
"""


def storage_conf(place: Place) -> str:
    """Images and containers in the checkout, sockets where their paths are short."""
    return f"""\
[storage]
driver = "overlay"
graphroot = "{place.state}/podman/storage"
runroot = "{place.run}/podman"
"""


def remove_confined_podman(place: Place) -> None:
    """Remove all that podman keeps for this checkout: containers, volumes, networks, images, its own database."""
    if not (place.state / "podman").exists():
        return
    engine = confined_podman(place)
    engine.answers("system", "reset", "--force", timeout=120)
    for folder in (place.state / "podman", place.run / "podman", place.run / "libpod"):
        shutil.rmtree(folder, ignore_errors=True)


def installed_by_us() -> Path:
    """Is there once podman was installed for a kind cluster: `auto` then goes on to choose as if it were not."""
    return paths.user_cache() / "podman-was-installed-for-kind"


def probe_image(processor: str) -> bytes:
    """The file system of an image whose one program ends at once."""
    program = elf(processor)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("probe")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()


_EXIT = {
    "x86_64": (62, b"\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05"),  # mov eax, 60; xor edi, edi; syscall
    "aarch64": (183, b"\xa8\x0b\x80\xd2\x00\x00\x80\xd2\x01\x00\x00\xd4"),  # mov x8, 93; mov x0, 0; svc 0
}
"""ELF's number of the processor, and `exit(0)` in its code."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What macOS calls the processors of the Linux that its container engines run."""


def elf(processor: str) -> bytes:
    """A Linux program for this processor that does nothing but end well."""
    try:
        number, code = _EXIT[_MACHINES.get(processor.lower(), processor)]
    except KeyError:
        raise ClusterError(f"There is no Kubernetes for a {processor} machine.") from None
    start, headers = 0x400000, 64 + 56
    size = headers + len(code)
    header = struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, number, 1, start + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000)
    return header + segment + code


_ONE_AT_A_TIME = threading.Lock()
"""Cluster and images are prepared at once, and both want to know."""


def _memory(place: Place) -> Path:
    return place.state / "engine"


def _that_answer() -> list[Engine]:
    return [Engine(name) for name in NAMES if shutil.which(name) and commands.answers([name, "info"])]


def _install_podman() -> None:
    if not shutil.which("podman", path=commands.SYSTEM_PATH):
        files.write(installed_by_us(), "")  # before, so that an interrupted install is not taken for somebody's own
    packages.ensure(PODMAN)


def _bounded(limit: int, most: int) -> int:
    return most if limit == resource.RLIM_INFINITY else min(limit, most)
