"""Puts kubectl, helm and kind into the project's bin folder: the user's own where recent enough, else ours."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from cluster import binary, commands, files
from cluster.errors import ClusterError
from cluster.paths import Place


def link(place: Place, names: tuple[str, ...] = ("kubectl", "helm")) -> None:
    """Have these tools in the bin folder; our binary is built only if one of them is missing."""
    for name in names:
        files.link(place.bin / name, choose(name, shutil.which(name), helm_says, ours))


def ours() -> Path:
    """Our binary: the whole Kubernetes where that was built already, else the small one with these tools alone."""
    whole = binary.cached(binary.KUBE)
    return whole if whole.exists() else binary.ensure(binary.TOOLS)


def choose(name: str, found: str | None, version_of: Callable[[str], str], ours: Callable[[], Path]) -> Path:
    """The tool found on PATH, unless it is a helm older than what the chart needs."""
    if found and (name != "helm" or helm_is_recent(version_of(found))):
        return Path(found)
    return ours()


def helm_is_recent(version: str) -> bool:
    """Whether it is helm 3.14 or later; helm 2 has another command line altogether."""
    found = re.search(r"v(\d+)\.(\d+)", version)
    return bool(found) and found is not None and (int(found[1]), int(found[2])) >= (3, 14)


def helm_says(helm: str) -> str:
    """What `helm version` prints, or nothing when it fails."""
    try:
        return commands.run([helm, "version", "--short"])
    except ClusterError:
        return ""
