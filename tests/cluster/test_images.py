"""What an image is made from, when it is made again, and how large it came out."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import images
from cluster.errors import ClusterError
from cluster.paths import HERE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/one.py").write_text("1")
    (tmp_path / "package/two.py").write_text("2")
    (tmp_path / "lock.txt").write_text("locked")
    return tmp_path


def fingerprint(tree: Path, builder: str = "buildah") -> str:
    return images.fingerprint(tree, ["package", "lock.txt"], builder)


def test_the_fingerprint_stays_while_nothing_that_counts_changes(tree: Path) -> None:
    """Times, and the bytecode that running the tests leaves, build no image."""
    before = fingerprint(tree)
    (tree / "package/one.py").write_text("1")
    (tree / "package/__pycache__").mkdir()
    (tree / "package/__pycache__/one.cpython-311.pyc").write_bytes(b"x")
    (tree / "elsewhere.txt").write_text("x")
    assert fingerprint(tree) == before


def edit(tree: Path) -> None:
    (tree / "package/one.py").write_text("1 ")


def add(tree: Path) -> None:
    (tree / "package/three.py").write_text("")


def remove(tree: Path) -> None:
    (tree / "package/two.py").unlink()


def rename(tree: Path) -> None:
    (tree / "package/two.py").rename(tree / "package/too.py")


def swap(tree: Path) -> None:
    (tree / "package/one.py").write_text("2")
    (tree / "package/two.py").write_text("1")


def lock(tree: Path) -> None:
    (tree / "lock.txt").write_text("relocked")


@pytest.mark.parametrize("change", [edit, add, remove, rename, swap, lock], ids=lambda change: change.__name__)
def test_every_kind_of_change_changes_the_fingerprint(tree: Path, change: Callable[[Path], None]) -> None:
    """An image that is older than its sources would be tested instead of them."""
    before = fingerprint(tree)
    change(tree)
    assert fingerprint(tree) != before


def test_another_builder_builds_again(tree: Path) -> None:
    """An archive that buildah made does not pass for Docker's: their base images differ."""
    assert fingerprint(tree, "docker") != fingerprint(tree, "buildah")


def test_a_source_that_is_missing_is_named(tree: Path) -> None:
    """A silently smaller image would fail much later, in a Pod."""
    with pytest.raises(ClusterError, match=r"nowhere\.py is missing"):
        images.fingerprint(tree, ["nowhere.py"], "buildah")


def test_an_unknown_image_is_refused_with_the_names_there_are() -> None:
    """The sentence says what to type instead."""
    with pytest.raises(ClusterError, match="graphcron, agent"):
        images.build("grahpcron")


@pytest.mark.parametrize("name", images.IMAGES)
def test_the_dockerfiles_name_a_python_to_choose_wheels_by(name: str) -> None:
    """A base image of another form would get wheels of the wrong version."""
    dockerfile = (HERE.root / images.IMAGES[name].dockerfile).read_text()
    assert images.python_of(dockerfile) == "3.13"


def test_a_base_image_without_a_python_version_is_refused() -> None:
    """Guessing would end in a resolver's error about missing versions."""
    with pytest.raises(ClusterError, match="BASE_IMAGE"):
        images.python_of("ARG BASE_IMAGE=debian:13\n")


@pytest.mark.parametrize("name", images.IMAGES)
def test_dockerfiles_need_no_shell(name: str) -> None:
    """The local base image has none, and Docker's has: only a test on text notices on both."""
    lines = (HERE.root / images.IMAGES[name].dockerfile).read_text().replace("\\\n", "").splitlines()
    commands = [line for line in lines if line.startswith(("RUN", "ENTRYPOINT", "CMD"))]
    assert commands
    assert [line for line in commands if '["' not in line] == []


def test_a_tag_is_spelled_as_the_kubelet_looks_for_it() -> None:
    """containerd keeps an image under the archive's name; a kubelet completes a short name before it looks."""
    assert images.IMAGES["graphcron"].tag == "docker.io/graphcron/graphcron:dev"


def test_sizes_count_compressed_layers_unpacked(tmp_path: Path) -> None:
    """What a node's disk must hold is not what the archive weighs."""
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for name, content in (("layer", gzip.compress(bytes(5000))), ("config", b"{}")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    assert images.unpacked_size(archive) == 5002
    assert images.megabytes(194_600_000) == "195 MB"
