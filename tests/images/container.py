"""A container without an engine: the file system of an image, read-only, a user id, and the environment of a pod.

What a container engine adds (namespaces, limits, seccomp) is not here; that is what the clusters are for.
"""

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import image_archive
from cluster.commands import SYSTEM_PATH


@dataclass(frozen=True)
class User:
    """A user and a group, by number: neither needs to have a name in the image."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}-{self.gid}"


@dataclass(frozen=True)
class Container:
    """An unpacked image. `mounts` are folders of this machine by where the process sees them, and can be written."""

    root: Path
    config: Mapping[str, Any]
    user: User
    mounts: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, archive: Path, root: Path, user: User) -> "Container":
        root.mkdir()
        image_archive.unpack(archive, root)
        return cls(root, image_archive.config(archive), user)

    def command(
        self, arguments: Sequence[str], environment: Mapping[str, str], program: Sequence[str] = ()
    ) -> list[str]:
        """What starts it: as an engine would with these arguments and variables, but that HOME is never set."""
        words = [*(program or self.config.get("Entrypoint") or ()), *arguments]
        variables = dict(entry.split("=", 1) for entry in self.config.get("Env") or ()) | dict(environment)
        inside = [
            *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
            *("unshare", f"--root={self.root}", f"--wd={self.config.get('WorkingDir') or '/'}"),
            *(f"--setgid={self.user.gid}", f"--setuid={self.user.uid}", *words),
        ]
        lines = [f"mount --bind {self._path('')} {self._path('')}"]
        lines += [
            f"mkdir -p {self._path(at)} && mount --bind {shlex.quote(str(folder))} {self._path(at)}"
            for at, folder in self._mounts()
        ]
        lines += [f"mount -o remount,bind,ro {self._path('')}", f"exec {shlex.join(inside)}"]
        return ["unshare", "--mount", "--propagation=private", "sh", "-ec", "\n".join(lines)]

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, program: Sequence[str] = ()
    ) -> "subprocess.CompletedProcess[str]":
        """One that ends by itself, within a minute."""
        return subprocess.run(
            self.command(arguments, environment or {}, program),
            env={"PATH": SYSTEM_PATH},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def serving(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """One that serves until the test is over; what it says is in the log."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(arguments, environment), env={"PATH": SYSTEM_PATH}, stdout=output, stderr=output
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _mounts(self) -> list[tuple[str, Path]]:
        return [*self.mounts.items(), ("/dev", Path("/dev"))]

    def _path(self, inside: str) -> str:
        return shlex.quote(f"{self.root}{inside}")


def manifest_environment(container: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The variables that a pod's container is given; `values` are those of its references, by the variable's name."""
    return {entry["name"]: entry["value"] if "value" in entry else values[entry["name"]] for entry in container["env"]}


def outcome_of(folder: Path) -> dict[str, Any]:
    """What the run pod left in the termination log there."""
    return dict(json.loads((folder / "termination-log").read_text()))
