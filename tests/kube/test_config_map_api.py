"""A key of a ConfigMap is set and read back, and the others stay. None is made."""

from collections.abc import AsyncIterator, Iterator

import pytest

from cluster.control_plane import ControlPlane
from graphcron.kube.client import Kube
from graphcron.kube.errors import NotFound
from tests.support.graphcron_apiserver import graphcron_apiserver

CONFIG_MAPS = "/api/v1/namespaces/team/configmaps"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("config-maps"), "team") as plane:
        yield plane


@pytest.fixture
async def kube(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(plane.kubeconfig))
    async with Kube.connect() as kube:
        yield kube


async def test_a_key_is_set_and_others_stay(plane: ControlPlane, kube: Kube) -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sums"}, "data": {"other": "kept"}}
    plane.api.request("POST", CONFIG_MAPS, made)
    await kube.patch_config_map("team", "sums", {"sums.json": "1"})
    await kube.patch_config_map("team", "sums", {"sums.json": "2"})
    assert (await kube.get_config_map("team", "sums"))["data"] == {"other": "kept", "sums.json": "2"}


async def test_one_that_is_not_there_is_not_made(kube: Kube) -> None:
    with pytest.raises(NotFound):
        await kube.patch_config_map("team", "missing", {"a": "b"})
    with pytest.raises(NotFound):
        await kube.get_config_map("team", "missing")
