"""Reads image archives: what is in one, and the root file system that a container would see.

It reads what buildah pushes (OCI) and what docker and podman save, and follows the OCI image specification: layers in
order, and a file `.wh.NAME` in one takes NAME of the layers below away.
"""

import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from cluster import commands

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""In a folder: nothing that layers below have there is left."""


def unpack(archive: Path, root: Path) -> None:
    """Fill `root`, which is there and empty. tar, because it knows compressed layers, owners and modes."""
    with tempfile.TemporaryDirectory() as temporary:
        outer = Path(temporary)
        commands.run(["tar", "-xf", archive, "-C", outer])
        for layer in layers(outer):
            for name in map(Path, commands.run(["tar", "-tf", layer]).splitlines()):
                if name.name == OPAQUE:
                    shutil.rmtree(root / name.parent, ignore_errors=True)
                elif name.name.startswith(WHITEOUT):
                    _remove(root / name.parent / name.name.removeprefix(WHITEOUT))
            commands.run(["tar", "-xf", layer, "-C", root, f"--exclude={WHITEOUT}*"], timeout=300)


def content(archive: Path) -> str:
    """The digest of the first image's configuration, which names its content wherever it is loaded."""
    return f"sha256:{_read(archive)[0]}"


def config(archive: Path) -> dict[str, Any]:
    """What the first image says of its process: Entrypoint, Env, User, WorkingDir."""
    return dict(_read(archive)[1]["config"])


def _read(archive: Path) -> tuple[str, dict[str, Any]]:
    """The digest, as hex, and the document of the first image's configuration."""
    with tarfile.open(archive) as members:

        def read(name: str) -> Any:
            file = members.extractfile(name)
            assert file
            return json.load(file)

        def blob(described: dict[str, Any]) -> Any:
            return read(f"blobs/{described['digest'].replace(':', '/')}")

        if "manifest.json" in members.getnames():
            name = read("manifest.json")[0]["Config"]
            return Path(name).name.removesuffix(".json"), read(name)
        (first, *_) = read("index.json")["manifests"]
        described = blob(first)["config"]
        return described["digest"].partition(":")[2], blob(described)


def layers(outer: Path) -> list[Path]:
    """Of an unpacked archive, the lowest first."""
    if (outer / "manifest.json").exists():  # Docker's format; in recent ones it is there beside OCI's
        return [outer / name for name in json.loads((outer / "manifest.json").read_text())[0]["Layers"]]
    (manifest,) = json.loads((outer / "index.json").read_text())["manifests"]
    return [_blob(outer, layer) for layer in json.loads(_blob(outer, manifest).read_text())["layers"]]


def _blob(outer: Path, described: dict[str, Any]) -> Path:
    return outer / "blobs" / Path(*described["digest"].split(":"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
