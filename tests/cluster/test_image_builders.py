"""The commands that build images: what they may see and touch, and what they must not."""

from pathlib import Path

import pytest

from cluster.image_builders import Buildah, Engine, Recipe

RECIPE = Recipe(
    tag="docker.io/graphcron/graphcron:dev",
    dockerfile=Path("/src/Dockerfile"),
    context=Path("/src/context"),
    arguments={"VERSION": "1.2.3"},
)
BUILDAH = Buildah(Path("/cache/buildah"), "overlay")


@pytest.mark.parametrize("verb", ["build", "push", "images", "rmi", "inspect"])
def test_buildah_never_uses_the_machines_own_storage(verb: str) -> None:
    """Somebody else's images and containers are nobody's business here, above all not `rmi --prune`'s."""
    command = BUILDAH.command(verb)
    assert command[command.index("--root") + 1].startswith("/cache/buildah/")
    assert command[command.index("--runroot") + 1].startswith("/cache/buildah/")
    assert command.index("--root") < command.index(verb)


@pytest.mark.parametrize("verb", ["build", "push"])
def test_buildah_reads_its_own_policy(verb: str) -> None:
    """/etc/containers/policy.json may be missing, or may forbid images that nobody signed."""
    command = BUILDAH.command(verb)
    assert command[command.index("--signature-policy") + 1] == "/cache/buildah/policy.json"


def test_buildah_builds_on_the_local_base_and_asks_no_registry() -> None:
    """--layers is what makes a second build quick; the base is ours, whatever the Dockerfile's default says."""
    command = BUILDAH.build_command(RECIPE, "localhost/graphcron-base:0123")
    assert {"--layers", "--pull-never"} <= set(command)
    assert "BASE_IMAGE=localhost/graphcron-base:0123" in command
    assert "VERSION=1.2.3" in command
    assert command[-1] == "/src/context"


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_an_engine_builds_on_the_dockerfiles_base_and_saves_the_same_tag(engine: str) -> None:
    """Overriding BASE_IMAGE there would name an image that only buildah has."""
    build, save = Engine(engine).commands(RECIPE, Path("/out.tar"))
    assert build == [
        engine, "build", "--file", "/src/Dockerfile", "--tag", RECIPE.tag,
        "--build-arg", "VERSION=1.2.3", "/src/context",
    ]  # fmt: skip
    assert save == [engine, "save", "--output", "/out.tar", RECIPE.tag]
