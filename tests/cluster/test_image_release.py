"""One image for several processors."""

import os
import re
from pathlib import Path

import pytest

from cluster import image_release
from cluster.errors import ClusterError
from cluster.image_builders import Recipe
from cluster.image_wheels import Target, narrowed
from cluster.paths import HERE
from tests.cluster.engine_scripts import calls, engine_in, script

RECIPE = Recipe("docker.io/graphcron/graphcron:dev", Path("/src/Dockerfile"), Path("/context"), {"VERSION": "1.2.3"})


def words(*command: str) -> str:
    return " ".join(command)


def test_it_is_built_for_both_processors_and_says_of_which_source() -> None:
    said = words(*image_release.command(RECIPE, "abc", "registry.example:5000/graphcron:1.2.3"))
    assert "--platform linux/amd64,linux/arm64" in said
    assert "--build-arg VERSION=1.2.3 --build-arg REVISION=abc" in said
    assert "--push --tag registry.example:5000/graphcron:1.2.3" in said
    assert said.endswith("--file /src/Dockerfile /context")


def test_nothing_is_pushed_unasked() -> None:
    said = words(*image_release.command(RECIPE, "abc", "oci:/out.tar"))
    assert "--output type=oci,dest=/out.tar" in said
    assert "--push" not in said


def test_without_buildx_it_says_what_is_needed_and_what_works_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert image_release.main([]) == 1
    said = capsys.readouterr().out
    assert "docker buildx version" in said
    assert "make image" in said


@pytest.mark.parametrize("machine", image_release.PLATFORMS.values())
def test_the_lock_serves_each_processor(machine: str) -> None:
    """A package that only one of them needs would be missing from the other's image without a word."""
    lock = (HERE.root / "requirements/graphcron.txt").read_text()
    wanted = [re.split(r"\s", entry)[0] for entry in narrowed(lock, Target("3.13", machine))]
    assert "aiohttp" in {entry.partition("==")[0] for entry in wanted}
    assert wanted == [re.split(r"\s", entry)[0] for entry in narrowed(lock, Target("3.13", "x86_64"))]


def test_an_engine_that_cannot_run_the_processors_programs_is_found_out_first(tmp_path: Path) -> None:
    script(tmp_path, "podman", 'case "$1" in run) echo "exec format error" >&2; exit 126;; esac')
    with pytest.raises(ClusterError, match=r"(?s)qemu-user-static.*exec format error"):
        image_release.build_for("linux/arm64", engine_in(tmp_path, "podman"))
    assert not [call for call in calls(tmp_path) if call.startswith("podman build")]


def test_without_an_engine_it_says_what_is_needed() -> None:
    with pytest.raises(ClusterError, match="needs Docker or podman"):
        image_release.build_for("linux/arm64", None)
