"""The commands that build images: what they may see and touch, and what they must not."""

from pathlib import Path

import pytest

from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.image_base import BARE, SLIM
from cluster.image_builders import Buildah, ByEngine, Recipe, by_engine
from tests.cluster.engine_scripts import engine_in, script

RECIPE = Recipe(
    tag="docker.io/graphcron/graphcron:dev",
    dockerfile=Path("/src/Dockerfile"),
    context=Path("/src/context"),
    arguments={"VERSION": "1.2.3"},
)
BUILDAH = Buildah(Path("/cache/buildah"), "overlay", BARE)


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
    build, save = ByEngine(Engine(engine)).commands(RECIPE, Path("/out.tar"))
    assert build == [
        engine, "build", "--file", "/src/Dockerfile", "--tag", RECIPE.tag,
        "--build-arg", "VERSION=1.2.3", "/src/context",
    ]  # fmt: skip
    assert save == [engine, "save", "--output", "/out.tar", RECIPE.tag]


def test_where_the_official_base_cannot_be_pulled_an_engine_builds_on_the_one_made_here(tmp_path: Path) -> None:
    script(tmp_path, "podman", 'case "$*" in pull*|image*) exit 125;; esac')
    builder = by_engine(engine_in(tmp_path, "podman"), "docker.io/library/python:3.13-slim", SLIM)
    build, _ = builder.commands(RECIPE, Path("/out.tar"))
    assert f"BASE_IMAGE={SLIM.tag}" in build


@pytest.mark.parametrize("there", ["image", "pull"])
def test_a_base_that_is_there_or_can_be_pulled_is_used(there: str, tmp_path: Path) -> None:
    script(tmp_path, "podman", f'case "$1" in {there}) exit 0;; *) exit 125;; esac')
    builder = by_engine(engine_in(tmp_path, "podman"), "docker.io/library/python:3.13-slim", SLIM)
    assert not [word for word in builder.commands(RECIPE, Path("/out.tar"))[0] if "BASE_IMAGE" in word]


def test_a_docker_without_buildkit_is_found_out_before_anything_is_downloaded(tmp_path: Path) -> None:
    """Its builder would end at `RUN --mount` with a sentence that names no cure."""
    script(tmp_path, "docker", 'case "$1" in version) echo 28.2.2;; *) exit 1;; esac')
    with pytest.raises(ClusterError, match="apt-get install docker-buildx"):
        by_engine(engine_in(tmp_path, "docker"), "docker.io/library/python:3.13-slim", SLIM)


def test_a_docker_from_before_the_plugin_has_buildkit_built_in(tmp_path: Path) -> None:
    script(tmp_path, "docker", 'case "$1" in version) echo 20.10.24;; image) exit 0;; *) exit 1;; esac')
    by_engine(engine_in(tmp_path, "docker"), "docker.io/library/python:3.13-slim", SLIM)
