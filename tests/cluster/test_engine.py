"""Which container engine a kind cluster is made with, and which is left alone."""

import platform
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import engine
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.paths import Place
from tests.cluster.engine_scripts import calls, engine_in, script

ABLE = "exit 0"
UNABLE = 'case "$1" in run) echo "setting rlimits: operation not permitted" >&2; exit 126;; esac'

Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Engines that scripts play are the only ones on PATH, and the user's cache is empty."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def played(**scripts: str) -> None:
        for name in engine.NAMES:
            script(tmp_path, name, scripts.get(name, "exit 1"))

    return played


@pytest.mark.skipif(sys.platform != "linux", reason="the program is Linux's")
def test_the_program_of_the_probe_runs_and_ends_well(tmp_path: Path) -> None:
    (tmp_path / "probe.tar").write_bytes(engine.probe_image(platform.machine()))
    with tarfile.open(tmp_path / "probe.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    assert subprocess.run([tmp_path / "probe"], check=False).returncode == 0


def test_a_processor_without_a_kubernetes_is_named() -> None:
    with pytest.raises(ClusterError, match="sparc64"):
        engine.elf("sparc64")


def test_auto_takes_an_engine_that_starts_a_privileged_container(play: Play) -> None:
    play(podman=ABLE)
    assert engine.for_auto() == Engine("podman")


def test_auto_takes_no_engine_that_answers_and_cannot_start_one(play: Play) -> None:
    """As podman in a container without the right to raise limits, and Docker without all capabilities."""
    play(docker=UNABLE, podman=UNABLE)
    assert engine.for_auto() is None
    play(docker=UNABLE, podman=ABLE)
    assert engine.for_auto() == Engine("podman")


def test_auto_takes_no_podman_that_was_installed_for_a_kind_cluster(play: Play) -> None:
    """Which cluster `make test` takes on a machine must not change by what it did there before."""
    play(podman=ABLE)
    engine.installed_by_us().parent.mkdir(parents=True)
    engine.installed_by_us().touch()
    assert engine.for_auto() is None
    play(docker=ABLE, podman=ABLE)
    assert engine.for_auto() == Engine("docker")


def test_the_probe_leaves_no_image(tmp_path: Path) -> None:
    script(tmp_path, "docker", UNABLE)
    complaint = engine_in(tmp_path, "docker").complaint()
    assert complaint is not None
    assert "setting rlimits: operation not permitted" in complaint
    assert calls(tmp_path)[-1].startswith("docker image rm --force localhost/graphcron-probe")


def test_a_cluster_keeps_the_engine_that_it_was_made_with(play: Play, tmp_path: Path) -> None:
    place = Place(tmp_path / "checkout")
    play(podman=ABLE)
    assert engine.required(place) == Engine("podman")
    play(docker=ABLE, podman=ABLE)
    assert engine.required(place) == Engine("podman")
    engine.forget(place)
    assert engine.required(place) == Engine("docker")


def test_an_engine_that_has_stopped_under_its_cluster_is_named(play: Play, tmp_path: Path) -> None:
    place = Place(tmp_path / "checkout")
    play(docker=ABLE)
    engine.required(place)
    play(docker="exit 1")
    with pytest.raises(ClusterError, match=r"docker, .* does not answer: start it"):
        engine.required(place)


def test_without_an_engine_a_plain_user_is_told_what_each_lacks(play: Play, tmp_path: Path) -> None:
    play(docker=UNABLE)
    with pytest.raises(ClusterError, match=r"docker cannot start a privileged container: .*rlimits") as told:
        engine.choose(Place(tmp_path / "checkout"), may_install=False)
    assert "CLUSTER=local" in str(told.value)


def test_podmans_limits_are_those_that_the_machine_lets_it_set() -> None:
    limits = {resource.RLIMIT_NOFILE: (1024, 20000), resource.RLIMIT_NPROC: (100, resource.RLIM_INFINITY)}
    text = engine.containers_conf(Place(Path("/home/me/graphcron")), limits.__getitem__)
    assert 'default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]' in text


def test_all_that_podman_keeps_is_in_folders_of_the_checkout() -> None:
    """The user's own images and networks are nobody's business here, above all not `system reset`'s."""
    place = Place(Path("/home/me/graphcron"))
    text = engine.storage_conf(place) + engine.containers_conf(place, resource.getrlimit)
    kept = [line.partition(" = ")[2].strip('"') for line in text.splitlines() if ' = "/' in line]
    assert len(kept) == 4
    assert all(path.startswith((str(place.state), str(place.run))) for path in kept)
