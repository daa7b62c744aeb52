"""Backfills at a real apiserver, with the rights that the chart gives the facade."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.facade.store.kube_backfills import KubeBackfills
from graphcron.facade.store.store import Changed, Missing, Rejected
from graphcron.kube.client import Kube
from tests.support.charts_operator import NAMESPACE, grant
from tests.support.graphcron_apiserver import graphcron_apiserver


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE) as plane:
        grant(plane, "namespace")
        yield plane


@pytest.fixture
async def backfills(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KubeBackfills]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(plane.service_account_kubeconfig(NAMESPACE, "graphcron-facade"))
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    async with Kube.connect() as kube:
        yield KubeBackfills(kube, NAMESPACE)


def manifest(name: str, graphcron: str = "nightly", **spec: Any) -> dict[str, Any]:
    times = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronBackfill",
        "metadata": {"name": name},
        "spec": {"graphCron": graphcron} | times | spec,
    }


async def test_they_are_made_found_by_their_cron_and_deleted(backfills: KubeBackfills) -> None:
    first = await backfills.create(manifest("first"))
    await backfills.create(manifest("other", "hourly"))
    assert [one["metadata"]["name"] for one in await backfills.of("nightly")] == ["first"]
    assert await backfills.get("first") == first
    with pytest.raises(Changed):
        await backfills.create(manifest("first"))

    namesake = first | {"metadata": first["metadata"] | {"uid": "00000000-0000-4000-8000-000000000000"}}
    with pytest.raises(Missing):
        await backfills.delete(namesake)
    await backfills.delete(first)
    for gone in (backfills.get("first"), backfills.delete(first)):
        with pytest.raises(Missing):
            await gone
    assert await backfills.of("nightly") == []


async def test_what_the_apiserver_refuses_is_said_in_its_words(backfills: KubeBackfills) -> None:
    with pytest.raises(Rejected, match="to must be after from"):
        await backfills.create(manifest("wrong", to="2026-10-01T00:00:00Z"))
