"""`make krew`: the archives of the kubectl plugin for krew, and the manifest that names them with their hashes.

An archive has all that the command needs but Python: its locked dependencies for each Python that it runs on. Their
binary parts have the Python's version in their names, so that those of several can lie side by side.
"""

import argparse
import gzip
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cluster import commands, files
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import Progress, say
from graphcron import __version__

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "linux-amd64": "x86_64-manylinux_2_28",
    "linux-arm64": "aarch64-manylinux_2_28",
    "darwin-amd64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
}
"""As krew calls them, and as uv does."""
STARTER = "from graphcron.cli import main\n\nraise SystemExit(main())\n"
UNUSED = ("kopf", "uvloop", "bin")
"""Of the dependencies: what only pods need, and the programs of others."""


def main(argv: Sequence[str] | None = None, place: Place = HERE) -> int:
    """Write them to the build folder."""
    parser = argparse.ArgumentParser(prog="python -m tools.krew", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--platform", choices=PLATFORMS, action="append", help="this one alone; can be repeated")
    parser.add_argument("--python", choices=PYTHONS, action="append", help="for this one alone; can be repeated")
    parser.add_argument("--into", type=Path, default=place.build / "krew", help="default: %(default)s")
    given = parser.parse_args(argv)
    into: Path = given.into
    into.mkdir(parents=True, exist_ok=True)
    try:
        archives = {name: build(name, given.python or PYTHONS, into, place) for name in given.platform or PLATFORMS}
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    template = yaml.safe_load((place.root / "krew/graphcron.yaml").read_text())
    hashes = {name: hashlib.sha256(archive.read_bytes()).hexdigest() for name, archive in archives.items()}
    files.write(into / "graphcron.yaml", yaml.safe_dump(filled(template, __version__, hashes), sort_keys=False))
    say(f"{into / 'graphcron.yaml'}: kubectl krew install --manifest=… --archive=…")
    return 0


def filled(template: dict[str, Any], version: str, hashes: dict[str, str]) -> dict[str, Any]:
    """The manifest of a version, with those platforms alone whose hashes are given."""
    spec = template["spec"]
    platforms = []
    for platform in spec["platforms"]:
        labels = platform["selector"]["matchLabels"]
        if digest := hashes.get(f"{labels['os']}-{labels['arch']}"):
            uri = platform["uri"].replace(spec["version"], f"v{version}")
            platforms.append(platform | {"uri": uri, "sha256": digest})
    return template | {"spec": spec | {"version": f"v{version}", "platforms": platforms}}


def build(platform: str, pythons: Sequence[str], into: Path, place: Place = HERE) -> Path:
    """The archive of a platform for these Pythons. Raises ClusterError."""
    uv = Path(sys.executable).with_name("uv")
    with Progress(f"plugin for {platform}"), tempfile.TemporaryDirectory() as folder:
        lib = Path(folder) / "lib"
        for python in pythons:
            one = Path(folder) / python
            locked: commands.Command = [
                uv, "pip", "install", "--quiet", "--target", one, "--python-platform", PLATFORMS[platform],
                "--python-version", python, "--only-binary", ":all:", "--no-deps", "--require-hashes",
                "--requirement", place.root / "requirements/graphcron.txt",
            ]  # fmt: skip
            commands.run(locked, timeout=600)
            for name in UNUSED:
                shutil.rmtree(one / name, ignore_errors=True)
            shutil.copytree(one, lib, dirs_exist_ok=True, copy_function=shutil.move)
        shutil.copytree(place.root / "operator/graphcron", lib / "graphcron")
        (lib / "kubectl-graphcron").write_text(STARTER)
        for name in ("krew/kubectl-graphcron", "LICENSE"):
            shutil.copy(place.root / name, folder)
        archive = into / f"graphcron-{platform}.tar.gz"
        members = [Path(folder) / name for name in ("kubectl-graphcron", "LICENSE", "lib")]
        archive.write_bytes(packed(Path(folder), members))
    say(f"{archive.name}: {archive.stat().st_size // 2**20} MiB")
    return archive


def packed(folder: Path, members: Sequence[Path]) -> bytes:
    """These files and folders as an archive: the same bytes whenever and by whomever it is made."""
    found = sorted(file for member in members for file in ([member] if member.is_file() else member.rglob("*")))
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for file in found:
            if file.is_file() and "__pycache__" not in file.parts:
                entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
                entry.size, entry.mode = file.stat().st_size, 0o755 if file.stat().st_mode & 0o100 else 0o644
                with file.open("rb") as content:
                    tar.addfile(entry, content)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
