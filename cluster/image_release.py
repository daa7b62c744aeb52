"""Builds the graphcron image for other processors than this machine's.

`make image-release` builds one image for all of them, by docker buildx, and `make image PLATFORM=linux/arm64` builds it
for one, by Docker or podman. The base image is the one that the Dockerfile names, which is there for each of them.
Their wheels lie in one build context, and pip takes those that fit. `make wheels` downloads them for every image.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster import commands, engine, image_builders, image_wheels, images
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.image_wheels import Target
from cluster.paths import HERE, Place
from cluster.progress import Progress, say

PLATFORMS = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""As images call a processor, and as wheels do."""

_BUILD_SECONDS = 3600.0
"""The processor that this machine has not is emulated."""


def main(argv: Sequence[str] | None = None, place: Place = HERE) -> int:
    """Build it, and push it when a name is given."""
    parser = argparse.ArgumentParser(prog="python -m cluster.image_release", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("image", nargs="?", help="push it by this name, such as registry.example/graphcron:1.0.0")
    parser.add_argument("--platform", choices=PLATFORMS, help="build it for this one alone, and do not push it")
    parser.add_argument("--wheels", action="store_true", help="only download the wheels of every image")
    arguments = parser.parse_args(argv)
    try:
        if arguments.wheels:
            download(place)
        elif arguments.platform:
            say(build_for(arguments.platform, engine.any_that_answers(), place))
        else:
            say(build(arguments.image, place))
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    return 0


def download(place: Place = HERE) -> None:
    """Download the wheels of every image for every processor. ClusterError names what the lock has no wheel of."""
    for name, image in images.IMAGES.items():
        python = images.python_of((place.root / image.dockerfile).read_text())
        for platform, machine in PLATFORMS.items():
            target = Target(python, machine)
            folder = image_wheels.dependencies(place.root / image.lock, place.root / images.BUILD_LOCK, target)
            say(f"image {name}, {platform}: {len(list((folder / 'wheels').iterdir()))} wheels")


def build(image: str | None, place: Place = HERE) -> str:
    """What became of it, for people."""
    if not commands.answers(["docker", "buildx", "version"]):
        raise ClusterError(
            "An image for several processors needs docker with its plugin buildx, and `docker buildx version` fails "
            "here. `make image` builds one for this machine's processor without it."
        )
    archive = place.build / "images/graphcron-release.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    python = images.python_of((place.root / "Dockerfile").read_text())
    recipe = images.lay_out("graphcron", place, [Target(python, machine) for machine in PLATFORMS.values()])
    revision = commands.run(["git", "-C", place.root, "rev-parse", "HEAD"]).strip()
    with Progress(f"image graphcron: building for {', '.join(PLATFORMS)}"):
        commands.run(command(recipe, revision, image or f"oci:{archive}"), timeout=_BUILD_SECONDS)
    return f"pushed {image}" if image else f"{archive.relative_to(place.root)}: not pushed, since no IMAGE was named"


def build_for(platform: str, by: Engine | None, place: Place = HERE) -> str:
    """What became of the image for one processor, for people. It is kept in the engine, under the usual name."""
    if by is None:
        raise ClusterError(f"An image for {platform} needs Docker or podman, and neither answers here. Start one.")
    if by.name == "docker" and not image_builders.has_buildkit(by):
        raise ClusterError(image_builders.NO_BUILDKIT)
    if complaint := by.complaint_about(PLATFORMS[platform]):
        raise ClusterError(
            f"{by.name} cannot run programs of {platform} here, which building an image for it takes: install qemu's "
            "user emulation (Debian and Ubuntu: apt-get install qemu-user-static), or build on such a machine. "
            f"{complaint}"
        )
    python = images.python_of((place.root / "Dockerfile").read_text())
    recipe = images.lay_out("graphcron", place, [Target(python, PLATFORMS[platform])])
    words = [word for name, value in recipe.arguments.items() for word in ("--build-arg", f"{name}={value}")]
    where: list[str | Path] = ["--tag", recipe.tag, "--file", recipe.dockerfile, recipe.context]
    with Progress(f"image graphcron: building for {platform} with {by.name}"):
        built: commands.Command = [by.name, "build", "--platform", platform, *words, *where]
        commands.run(built, env=by.environment | {"DOCKER_BUILDKIT": "1"}, timeout=_BUILD_SECONDS)
    return f"image graphcron: {recipe.tag} for {platform} is in {by.name}"


def command(recipe: image_builders.Recipe, revision: str, target: str) -> list[str]:
    """`target` is a name to push by, or `oci:` and the file of an archive."""
    kind, _, file = target.partition(":")
    where = ["--output", f"type=oci,dest={file}", "--tag", recipe.tag] if kind == "oci" else ["--push", "--tag", target]
    arguments = {**recipe.arguments, "REVISION": revision}
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    platforms = ",".join(PLATFORMS)
    return [
        *("docker", "buildx", "build", "--platform", platforms, *words, *where),
        *("--file", str(recipe.dockerfile), str(recipe.context)),
    ]


if __name__ == "__main__":
    sys.exit(main())
