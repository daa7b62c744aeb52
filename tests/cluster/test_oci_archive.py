"""Image archives that are written here."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from cluster import image_archive, oci_archive, pause


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """pause, and a program under two names whose upper layer is pause's."""
    image = pause.of("example.org/pause:1", b"program", tmp_path / "pause.tar")
    lower = oci_archive.write_layer(tmp_path / "lower.tar", {"bin/kube": b"kube"}, {"bin/etcd": "kube"})
    other = oci_archive.Image(["example.org/a:1", "example.org/b:1"], [lower, *image.layers])
    oci_archive.write(tmp_path / "images.tar", "arm64", [image, other])
    return tmp_path / "images.tar"


def content_of(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_each_name_leads_to_its_image_and_each_blob_is_what_its_digest_says(archive: Path) -> None:
    files = content_of(archive)

    def blob(digest: str) -> dict[str, object]:
        return dict(json.loads(files[f"blobs/{digest.replace(':', '/')}"]))

    entries = {e["annotations"]["io.containerd.image.name"]: e for e in json.loads(files["index.json"])["manifests"]}
    assert set(entries) == {"example.org/pause:1", "example.org/a:1", "example.org/b:1"}
    assert entries["example.org/a:1"]["digest"] == entries["example.org/b:1"]["digest"]
    manifest = blob(entries["example.org/pause:1"]["digest"])
    config = blob(manifest["config"]["digest"])  # type: ignore[index]
    assert config["architecture"] == "arm64"
    assert config["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_what_is_written_can_be_read(archive: Path) -> None:
    """By what tells whether a node has an image, and by what starts one without an engine."""
    assert image_archive.config(archive) == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    digest = image_archive.content(archive)
    config = json.loads(content_of(archive)[f"blobs/{digest.replace(':', '/')}"])
    assert config["architecture"] == "arm64"


def test_a_layer_that_two_images_have_is_there_once(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert len(names) == len(set(names)) == 2 + 2 + 2 + 2  # layout and index; two layers, configurations, manifests


def test_the_same_content_makes_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    first = archive.read_bytes()
    image = pause.of("a:1", b"x", tmp_path / "x.tar")
    for name in ("one.tar", "two.tar"):
        oci_archive.write(tmp_path / name, "amd64", [image])
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes() != first
