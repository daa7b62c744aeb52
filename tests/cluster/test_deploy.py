"""An image is loaded where the node does not have it: the node is asked, and no note is believed."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from cluster import deploy, files
from cluster.containers import content_by
from cluster.paths import Place
from tests.cluster.engine_scripts import calls, script

TAG = "docker.io/graphcron/graphcron:dev"


def archive_of(path: Path, config: str) -> Path:
    """An archive in Docker's format of an image with this configuration."""
    with tarfile.open(path, "w") as archive:
        manifest = [{"Config": f"{config}.json", "RepoTags": [TAG], "Layers": []}]
        for name, content in {"manifest.json": manifest, f"{config}.json": {}}.items():
            text = json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return path


def node_with(config: str | None) -> str:
    """A script's answers to the questions of what the node has."""
    listed = f"echo '{TAG} application/vnd sha256:11 10MiB linux/amd64 -'" if config else ":"
    manifest = json.dumps({"config": {"digest": f"sha256:{config}"}})
    return f'case "$*" in *"images list"*) echo REF TYPE DIGEST; {listed};; *"content get"*) echo \'{manifest}\';; esac'


@pytest.mark.parametrize(
    ("there", "loaded"),
    [("aa", False), ("bb", True), (None, True)],
    ids=["the same", "another of the same name", "nothing, as in a new cluster"],
)
def test_an_image_is_loaded_unless_the_node_has_it(
    there: str | None, loaded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "checkout")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    script(tmp_path, "docker", node_with(there))
    files.write(place.kind_file, "kind\n")
    files.write(place.state / "engine", "docker\n")
    place.bin.mkdir(parents=True)
    script(place.bin, "kind", "")
    deploy.load({"graphcron": archive_of(tmp_path / "graphcron.tar", "aa")}, place)
    assert any("load image-archive" in call for call in calls(place.bin)) is loaded


def test_an_index_is_followed_to_its_image() -> None:
    answers = {
        "images": f"REF TYPE DIGEST\n{TAG} application/vnd sha256:11 -\n",
        "sha256:11": json.dumps({"manifests": [{"digest": "sha256:22"}]}),
        "sha256:22": json.dumps({"config": {"digest": "sha256:33"}}),
    }
    assert content_by(lambda *words: answers[words[-1] if words[0] == "content" else "images"], TAG) == "sha256:33"
