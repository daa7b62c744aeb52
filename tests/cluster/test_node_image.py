"""What a node image made here is made of."""

import json
import tarfile
from pathlib import Path

import pytest

from cluster import binary, node_image

LISTED = (
    *(f"registry.k8s.io/{name}:v1.37.2" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
    *("registry.k8s.io/kube-proxy:v1.37.2", "registry.k8s.io/coredns/coredns:v1.13.1", "registry.k8s.io/pause:3.10.1"),
    "registry.k8s.io/etcd:3.6.6-0",
)


@pytest.fixture
def kube(tmp_path: Path) -> Path:
    """A program that lists images as kubeadm does."""
    program = tmp_path / "kube"
    program.write_text("#!/bin/sh\n" + "".join(f"echo {name}\n" for name in LISTED))
    program.chmod(0o755)
    return program


def test_every_image_that_kubeadm_asks_for_is_there_under_its_name(kube: Path, tmp_path: Path) -> None:
    names = node_image.images_of("v1.37.2", kube)
    assert set(names) == {
        "coredns",
        "etcd",
        "pause",
        *(name for name in binary.KUBE.commands if name.startswith("kube-")),
    }
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with tarfile.open(scratch / "components.tar", "w"):
        pass
    archive = tmp_path / "images.tar"
    node_image.write_images(archive, names, scratch / "components.tar", kube, kube)
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    assert {entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]} == set(LISTED)


def test_another_kubernetes_is_another_image() -> None:
    assert node_image.key(binary.KUBE) != node_image.key(binary.OLDEST)
