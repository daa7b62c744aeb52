"""Builds the project's container images, each only when something that goes into it has changed.

``python -m cluster.images graphcron agent`` leaves ``.build/images/<name>.tar``, which `python -m cluster load` puts
into the cluster. Wheels are downloaded outside the build. buildah builds, on a base image made here, unless the cluster
is a kind one: then its container engine builds, on the base that the Dockerfile names, or on a stand-in where that
cannot be pulled. `--base slim` has buildah build on the stand-in, to test what users of the official base get.
"""

import argparse
import hashlib
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import choose, engine, files, image_base, image_builders, image_wheels
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.image_base import BARE
from cluster.paths import HERE, Place
from cluster.progress import Progress, say


@dataclass(frozen=True)
class Image:
    """One image: what it is made from, as paths in the checkout."""

    repository: str
    dockerfile: str
    lock: str
    sources: tuple[str, ...]
    """Files and folders of ours that go in, as paths in the checkout."""

    @property
    def tag(self) -> str:
        # In full, because that is the name under which a kubelet looks for `graphcron/graphcron:dev`,
        # and containerd keeps an imported image under exactly the name in the archive.
        return f"docker.io/{self.repository}:dev"


IMAGES = {
    "graphcron": Image(
        repository="graphcron/graphcron",
        dockerfile="Dockerfile",
        lock="requirements/graphcron.txt",
        sources=("pyproject.toml", "README.md", "LICENSE", "operator/graphcron"),
    ),
    "agent": Image(
        repository="graphcron/example-agent",
        dockerfile="examples/agent/Dockerfile",
        lock="examples/agent/requirements.txt",
        sources=(
            "examples/agent/auth.py",
            "examples/agent/graph.py",
            "examples/agent/langgraph.json",
            "examples/agent/serve.py",
        ),
    ),
    "in-pod": Image(
        repository="graphcron/example-in-pod",
        dockerfile="examples/in-pod/Dockerfile",
        lock="examples/in-pod/requirements.txt",
        sources=("examples/agent/graph.py", "examples/in-pod/langgraph.json"),
    ),
}

BUILD_LOCK, _INSTALLER = "requirements/build.txt", "requirements/install.py"
_BUILT_BY = ("images.py", "image_base.py", "image_builders.py", "image_wheels.py")


def main(argv: Sequence[str] | None = None, place: Place = HERE) -> int:
    """Build the images named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m cluster.images", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", nargs="*", help=f"{' or '.join(IMAGES)}; default: all")
    parser.add_argument("--base", choices=image_base.BASES, help="build on this base image, whatever the cluster")
    arguments = parser.parse_args(argv)
    try:
        for name in arguments.name or IMAGES:
            build(name, place, image_base.BASES.get(arguments.base))
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    return 0


def build(name: str, place: Place = HERE, base: image_base.Base | None = None) -> Path:
    """The archive of this image, fresh if anything that goes into the image is not what it was.

    With a base it is built by buildah on that, and the archive is called after it; without, as the cluster wants it.
    """
    if name not in IMAGES:
        raise ClusterError(f"There is no image {name!r}: the images are {', '.join(IMAGES)}.")
    image, builds = IMAGES[name], None if base else _engine(place)
    inputs = fingerprint(place.root, _inputs(image), builds.name if builds else f"buildah {(base or BARE).name}")
    archive = place.build / "images" / f"{name}{f'-{base.name}' if base else ''}.tar"
    mark = archive.with_suffix(".inputs")
    if archive.exists() and mark.exists() and mark.read_text() == inputs:
        say(f"image {name}: up to date")
        return archive
    dockerfile = (place.root / image.dockerfile).read_text()
    builder: image_builders.Builder
    if builds:
        builder = image_builders.by_engine(builds, base_of(dockerfile), image_base.SLIM)
        python = python_of(dockerfile)
    else:
        builder = image_builders.buildah(base or BARE)
        python = (base or BARE).python
    recipe = lay_out(name, place, [image_wheels.target(python)])
    mark.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    fresh = archive.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with Progress(f"image {name}: building with {builder.name}"):
        builder.build(recipe, fresh)
    fresh.replace(archive)
    files.write(mark, inputs)  # last: whatever stops before this line is built again
    say(f"image {name}: {megabytes(unpacked_size(archive))}, archive {megabytes(archive.stat().st_size)}")
    return archive


def fingerprint(root: Path, names: Iterable[str], builder: str) -> str:
    """Changes when a file of these is edited, added, renamed or removed, or when another builder is used."""
    digest = hashlib.sha256(f"{builder} {BARE.key}\n".encode())
    for name in names:
        for path in _files(root / name):
            # Each name and each content by its own hash: no two trees can spell the same stream.
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{content} {path.relative_to(root)}\n".encode())
    return digest.hexdigest()


def base_of(dockerfile: str) -> str:
    """The base image that a Dockerfile names, in full, as podman wants it."""
    found = re.search(r"^ARG BASE_IMAGE=(python:\d+\.\d+\S*)$", dockerfile, re.MULTILINE)
    if not found:
        raise ClusterError("The Dockerfile's BASE_IMAGE is not of the form python:3.X-…, which wheels are chosen by.")
    return f"docker.io/library/{found[1]}"


def python_of(dockerfile: str) -> str:
    """The Python version of the base image that a Dockerfile names."""
    return re.sub(r"^.*python:(\d+\.\d+).*$", r"\1", base_of(dockerfile))


def unpacked_size(archive: Path) -> int:
    """Bytes of all layers as they lie on a node's disk, give or take the file system's rounding."""
    total = 0
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            if file.read(2) == b"\x1f\x8b":
                file.seek(-4, os.SEEK_END)  # gzip ends with the size of what it holds
                total += int.from_bytes(file.read(4), "little")
            else:
                total += member.size
    return total


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e6:.0f} MB"


def _engine(place: Place) -> Engine | None:
    """The container engine that runs this checkout's kind cluster; none means buildah."""
    up = place.kind_file.read_text().strip() if place.kind_file.exists() else None
    chosen = up or choose.kind_of_cluster(os.environ.get("CLUSTER") or "auto", None, engine.for_auto)
    if chosen == "current":
        return engine.any_that_answers()
    return None if chosen == "local" else engine.required(place)


def _inputs(image: Image) -> list[str]:
    return [
        image.dockerfile,
        image.lock,
        BUILD_LOCK,
        _INSTALLER,
        *image.sources,
        *(f"cluster/{name}" for name in _BUILT_BY),
    ]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise ClusterError(f"{path} is missing, and an image is made of it.")
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def lay_out(name: str, place: Place, targets: Iterable[image_wheels.Target]) -> image_builders.Recipe:
    """The build context: what goes in, as it lies in the checkout, and beside it the locked wheels for all targets."""
    image, root, context = IMAGES[name], place.root, place.build / "context" / name
    wheels = [image_wheels.dependencies(root / image.lock, root / BUILD_LOCK, target) for target in targets]
    if context.exists():
        shutil.rmtree(context)
    # Copies that keep their times: builders compare those to see whether a layer can be used again.
    for source in (BUILD_LOCK, _INSTALLER, *image.sources):
        _copy(root / source, context / source)
    for folder in wheels:
        shutil.copytree(folder / "wheels", context / "requirements/wheels", dirs_exist_ok=True)
        _copy(folder / "lock.txt", context / image.lock)
    return image_builders.Recipe(image.tag, root / image.dockerfile, context, {"VERSION": version(root)})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def version(root: Path) -> str:
    text = (root / "operator/graphcron/__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return found[1] if found else "dev"


if __name__ == "__main__":
    sys.exit(main())
