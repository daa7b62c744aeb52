"""Puts images into the local cluster's containerd; no registry takes part."""

from pathlib import Path

from cluster import commands
from cluster.paths import Place


def load(place: Place, archive: Path) -> list[str]:
    """Import an OCI or Docker archive, and return the names of the images in it."""
    output = _ctr(place, "images", "import", archive)
    # One line an image: "unpacking NAME (sha256:…)...done".
    return [line.split()[1] for line in output.splitlines() if line.startswith("unpacking ")]


def has(place: Place, image: str) -> bool:
    """Whether the image is there under exactly this name."""
    return image in _ctr(place, "images", "list", "--quiet", f"name=={image}").split()


def _ctr(place: Place, *words: str | Path) -> str:
    command = ["ctr", "--address", place.containerd_socket, "--namespace", "k8s.io", *words]
    return commands.run(command, env=commands.environment(None, PATH=commands.SYSTEM_PATH), timeout=300)
