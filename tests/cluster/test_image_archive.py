"""An image archive, unpacked: layers in order, and what a layer takes away is gone."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cluster import image_archive


def tar(files: Mapping[str, str], compression: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=compression) as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


LAYERS = [
    tar({"etc/version": "1", "etc/gone": "x", "pip/one": "x", "pip/sub/two": "x", "fresh/old": "x"}),
    tar({"etc/version": "2", "etc/.wh.gone": "", ".wh.pip": "", "fresh/.wh..wh..opq": "", "fresh/new": "y"}, "w:gz"),
    tar({"pip/again": "z"}),
]


def oci(into: Path) -> None:
    layers = [{"digest": f"sha256:{number}"} for number in range(len(LAYERS))]
    blobs = into / "blobs/sha256"
    blobs.mkdir(parents=True)
    for number, layer in enumerate(LAYERS):
        (blobs / str(number)).write_bytes(layer)
    (blobs / "manifest").write_text(json.dumps({"layers": layers}))
    (into / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:manifest"}]}))


def docker(into: Path) -> None:
    names = [f"{number}/layer.tar" for number in range(len(LAYERS))]
    for name, layer in zip(names, LAYERS, strict=True):
        (into / name).parent.mkdir()
        (into / name).write_bytes(layer)
    (into / "manifest.json").write_text(json.dumps([{"Config": "config.json", "Layers": names}]))


@pytest.mark.parametrize("saved", [oci, docker])
def test_unpacking_gives_what_a_container_would_see(saved: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    saved(tmp_path / "outer")
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(tmp_path / "outer", arcname="")
    root = tmp_path / "root"
    root.mkdir()
    image_archive.unpack(tmp_path / "image.tar", root)
    found = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert found == {"etc/version": "2", "fresh/new": "y", "pip/again": "z"}
