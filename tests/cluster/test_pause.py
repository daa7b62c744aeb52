"""The pause image as an archive."""

import hashlib
import io
import json
import tarfile

from cluster.pause import oci_archive


def test_the_archive_is_an_oci_image_under_the_given_name() -> None:
    with tarfile.open(fileobj=io.BytesIO(oci_archive("example.org/pause:1", b"program", "arm64"))) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "example.org/pause:1"
    manifest = json.loads(files[f"blobs/{entry['digest'].replace(':', '/')}"])
    config = json.loads(files[f"blobs/{manifest['config']['digest'].replace(':', '/')}"])
    assert (config["architecture"], config["config"]["Entrypoint"]) == ("arm64", ["/pause"])
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_the_same_program_makes_the_same_bytes() -> None:
    assert oci_archive("a:1", b"x", "amd64") == oci_archive("a:1", b"x", "amd64")
