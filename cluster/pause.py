"""Makes the `pause` image that every pod sandbox starts from, since no registry is asked for one."""

import hashlib
import tempfile
from pathlib import Path

from cluster import binary, commands, golang, oci_archive, paths

SOURCE = paths.SOURCES / "pause"


def image() -> tuple[str, Path]:
    """The image's name and the archive that holds it, made now if it never was."""
    key = hashlib.sha256((SOURCE / "main.go").read_bytes()).hexdigest()[:8]
    name = f"graphcron.dev/pause:{key}"
    archive = paths.user_cache() / "pause" / f"{key}-{binary.architecture()}.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            fresh, layer = Path(folder) / "image.tar", Path(folder) / "layer.tar"
            oci_archive.write(fresh, binary.architecture(), [of(name, program(), layer)])
            fresh.rename(archive)
    return name, archive


def of(name: str, program: bytes, layer: Path) -> oci_archive.Image:
    """The image of this name, which has this program; `layer` is the file to make its one layer in."""
    made = oci_archive.write_layer(layer, {"pause": program})
    return oci_archive.Image([name], [made], {"Entrypoint": ["/pause"], "User": "65535:65535"})


def program() -> bytes:
    """The program, compiled for Linux."""
    go = golang.find(SOURCE)
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "pause"
        commands.run(
            [go, "build", "-C", SOURCE, "-trimpath", "-ldflags=-s -w", "-o", compiled, "."],
            env=binary.go_environment("linux"), timeout=300,
        )  # fmt: skip
        return compiled.read_bytes()
