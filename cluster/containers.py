"""Puts images into the local cluster's containerd; no registry takes part."""

import json
from collections.abc import Callable
from pathlib import Path

from cluster import commands
from cluster.paths import Place

Ctr = Callable[..., str]
"""Runs `ctr` with these words on some node, in Kubernetes' own namespace, and returns what it prints."""


def load(place: Place, archive: Path) -> list[str]:
    """Import an OCI or Docker archive, and return the names of the images in it."""
    output = _ctr(place, "images", "import", archive)
    # One line an image: "unpacking NAME (sha256:…)...done".
    return [line.split()[1] for line in output.splitlines() if line.startswith("unpacking ")]


def has(place: Place, image: str) -> bool:
    """Whether the image is there under exactly this name."""
    return image in _ctr(place, "images", "list", "--quiet", f"name=={image}").split()


def content(place: Place, image: str) -> str | None:
    """The digest of the image's configuration, which names its content; None when it is not there."""
    return content_by(lambda *words: _ctr(place, *words), image)


def content_by(ctr: Ctr, image: str) -> str | None:
    """As `content`, of the node that `ctr` runs on."""
    lines = [line.split() for line in ctr("images", "list", f"name=={image}").splitlines()]
    digest = next((words[2] for words in lines if words and words[0] == image), None)
    while digest:
        document = json.loads(ctr("content", "get", digest))
        if "config" in document:
            return str(document["config"]["digest"])
        digest = next((entry["digest"] for entry in document["manifests"]), None)  # an index: of one platform here
    return None


def _ctr(place: Place, *words: str | Path) -> str:
    command = ["ctr", "--address", place.containerd_socket, "--namespace", "k8s.io", *words]
    return commands.run(command, env=commands.environment(None, PATH=commands.SYSTEM_PATH), timeout=300)
