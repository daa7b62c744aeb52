"""Builds the graphcron image for all processors at once, as one image of one name: `make image-release`.

docker buildx does it, on the base image that the Dockerfile names, which is there for each of them. Their wheels lie in
one build context, and pip takes those that fit.
"""

import argparse
import sys
from collections.abc import Sequence

from cluster import commands, image_builders, images
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
    try:
        say(build(parser.parse_args(argv).image, place))
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    return 0


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
