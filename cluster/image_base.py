"""Makes base images where no registry gives one.

`BARE` is Debian's Python, what it links to, and nothing else. Debian's packages are unpacked, never installed, so
there is no shell, no package manager and no maintainer script in it: 20 MB that can run Python and speak TLS. That is
also why `kubectl exec -it … -- sh` finds nothing to start; `kubectl debug` does.

`SLIM` stands in for the Dockerfiles' own base, python:3.13-slim. Like it, it is a Debian with that Python and no user
65532. Unlike it, it has Python in /usr/bin, no pip and no time zones.
"""

import hashlib
import io
import platform
import re
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster import commands, packages, paths
from cluster.progress import Progress

SUITE, RELEASE, PYTHON = "bookworm", "12", "3.11"
"""Of the bare image."""

PACKAGES = (
    f"python{PYTHON}",
    "libstdc++6",       # wheels with C++ inside link to it
    "ca-certificates",  # an Agent Server may be behind HTTPS
)  # fmt: skip

_KEPT = re.compile(
    rf"lib(64)?(/.*)?|usr/lib(/.*)?|usr/bin/python{re.escape(PYTHON)}|etc/ssl/openssl\.cnf|usr/share/doc/[^/]+/copyright"
    r"|var/lib/dpkg/status\.d/[^/]+"
)
_TELL_DPKG = (
    'mkdir "$1/var/lib/dpkg/status.d" && for deb in "$1"/var/cache/apt/archives/*.deb; do '
    'dpkg-deb --field "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)" || exit; done'
)
"""What was only unpacked is in no database: a file for each package, where scanners look for it in such images.
Packages of which the licence alone is kept are told, too: rather one too many."""

_DROPPED = re.compile(
    r".*/(gconv|systemd|mime|binfmt\.d|audit)(/.*)?"         # for programs that are not here
    r"|usr/lib/ssl/misc(/.*)?"
    r"|.*/sitecustomize\.py"                                 # Debian's looks for a crash reporter at every start
    r"|usr/lib/python3[^/]*/(pydoc_data|test|lib2to3)(/.*)?"
)  # fmt: skip

_CERTIFICATE = re.compile(r"usr/share/ca-certificates/mozilla/[^/]+\.crt")
_FILES = {
    # Some libraries ask for a user's name or home; the numbers are what Pods are told to run as.
    "etc/passwd": "root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\nnonroot:x:65532:65532:nonroot:/:/\n",
    # Scanners look here for whose security advisories count.
    "usr/lib/os-release": f'PRETTY_NAME="Debian {SUITE}"\nID=debian\nVERSION_ID="{RELEASE}"\n',
    "etc/group": "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n",
    # Without it the C library may ask DNS before it looks into /etc/hosts.
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_FOLDERS = {"proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755, "opt": 0o755, "tmp": 0o1777}

DOCKERFILE = "FROM scratch\nADD base.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n"


_ONE_AT_A_TIME = threading.Lock()
"""Several images are built at once, on the same base."""


@dataclass(frozen=True)
class Base:
    """A base image that is made here."""

    name: str
    python: str
    """Its Python: wheels are chosen for it."""
    make: Callable[[Path], None]
    """Writes its file system, as a tar."""

    @property
    def key(self) -> str:
        """Names this recipe for this kind of processor; any edit of this file makes a new one."""
        text = Path(__file__).read_bytes() + f"{platform.machine()} {self.name}".encode()
        return hashlib.sha256(text).hexdigest()[:16]

    @property
    def tag(self) -> str:
        return f"localhost/graphcron-{self.name}:{self.key}"

    def ensure(self) -> Path:
        """A folder with `base.tar` and a Dockerfile that makes an image of it, from the user's cache if it is there."""
        folder = paths.user_cache() / "base" / self.key
        if folder.exists():
            return folder
        with _ONE_AT_A_TIME:
            return folder if folder.exists() else self._make_into(folder)

    def _make_into(self, folder: Path) -> Path:
        packages.ensure((packages.Need("mmdebstrap", "mmdebstrap"),))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            Progress(f"base image {self.name}: Debian's Python {self.python}"),
            tempfile.TemporaryDirectory(dir=folder.parent) as temporary,
        ):
            fresh = Path(temporary) / "fresh"
            fresh.mkdir()
            self.make(fresh / "base.tar")
            (fresh / "Dockerfile").write_text(DOCKERFILE)
            # Renamed only when whole: an interrupted run leaves nothing that looks like a base image.
            if not folder.exists():
                shutil.move(fresh, folder)
        return folder


def mmdebstrap(suite: str, variant: str, included: Iterable[str], target: Path, *more: str) -> None:
    """Resolve, verify and unpack Debian's packages with the machine's own apt settings."""
    what = ["--quiet", f"--variant={variant}", "--format=tar", f"--include={','.join(included)}", *more]
    commands.run(["mmdebstrap", *what, suite, target], timeout=900)


def _make_bare(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        unpacked = Path(temporary) / "debian.tar"
        mmdebstrap(SUITE, "extract", PACKAGES, unpacked, f"--extract-hook={_TELL_DPKG}")
        with tarfile.open(unpacked) as debian, tarfile.open(target, "w") as base:
            distil(debian, base)


def _make_slim(target: Path) -> None:
    mmdebstrap("trixie", "apt", ("python3", "python3-venv", "ca-certificates"), target)


BARE = Base("base", PYTHON, _make_bare)
SLIM = Base("slim", "3.13", _make_slim)
BASES = {base.name: base for base in (BARE, SLIM)}


def distil(debian: tarfile.TarFile, base: tarfile.TarFile) -> None:
    """Copy what is kept, and add the little that the packages' own scripts would have made."""
    certificates = []
    for member in debian:
        member.name = member.name.removeprefix("./")
        if _CERTIFICATE.fullmatch(member.name):
            certificates.append(_content(debian, member))
        if kept(member.name):
            base.addfile(member, debian.extractfile(member) if member.isfile() else None)
    for name, mode in _FOLDERS.items():
        _add(base, name, mode, tarfile.DIRTYPE)
    for name, text in _FILES.items():
        _add(base, name, 0o644, content=text.encode())
    # OpenSSL's default file, /usr/lib/ssl/cert.pem, is Debian's link to this one.
    _add(base, "etc/ssl/certs/ca-certificates.crt", 0o644, content=b"".join(certificates))
    _add(base, "usr/bin/python3", 0o777, tarfile.SYMTYPE, target=f"python{PYTHON}")
    _add(base, "etc/os-release", 0o777, tarfile.SYMTYPE, target="../usr/lib/os-release")


def kept(name: str) -> bool:
    """Whether a path of the unpacked packages belongs into the image."""
    return bool(_KEPT.fullmatch(name)) and not _DROPPED.fullmatch(name)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def _add(
    base: tarfile.TarFile,
    name: str,
    mode: int,
    kind: bytes = tarfile.REGTYPE,
    *,
    content: bytes = b"",
    target: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type, entry.size, entry.linkname = mode, kind, len(content), target
    base.addfile(entry, io.BytesIO(content))
