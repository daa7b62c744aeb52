"""What backfills ask of an apiserver: a status is written on the very version that was observed, or not at all."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound
from tests.support.graphcron_apiserver import graphcron_apiserver

PATH = "/apis/graphcron.dev/v1/namespaces/team/graphcronbackfills"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("backfills"), "team") as plane:
        yield plane


@pytest.fixture
async def kube(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(plane.kubeconfig))
    async with Kube.connect() as kube:
        yield kube


def create(plane: ControlPlane, name: str) -> dict[str, Any]:
    spec = {"graphCron": "hello", "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronBackfill", "metadata": {"name": name}, "spec": spec}
    status, made = plane.api.request("POST", PATH, manifest)
    assert status == 201, made
    return dict(made)


async def test_a_status_is_written_on_the_version_that_was_observed(plane: ControlPlane, kube: Kube) -> None:
    made = create(plane, "one")
    written = await kube.patch_backfill_status("team", "one", made["metadata"], {"phase": "Running"})
    assert written["status"] == {"phase": "Running"}
    again = await kube.patch_backfill_status("team", "one", written["metadata"], {"phase": "Complete"})
    assert again["status"] == {"phase": "Complete"}, "the whole of it"
    with pytest.raises(Conflict):
        await kube.patch_backfill_status("team", "one", written["metadata"], {"phase": "Running"})


async def test_one_that_changes_nothing_is_refused_too_on_an_old_version(plane: ControlPlane, kube: Kube) -> None:
    """That is how a status is verified."""
    made = create(plane, "same")
    written = await kube.patch_backfill_status("team", "same", made["metadata"], {"phase": "Running"})
    same = await kube.patch_backfill_status("team", "same", written["metadata"], {"phase": "Running"})
    assert same["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await kube.patch_backfill_status("team", "same", made["metadata"], {"phase": "Running"})


async def test_a_namesake_is_a_conflict_and_none_is_not_found(plane: ControlPlane, kube: Kube) -> None:
    old = create(plane, "two")
    plane.api.request("DELETE", f"{PATH}/two")
    with pytest.raises(NotFound):
        await kube.patch_backfill_status("team", "two", old["metadata"], {"phase": "Running"})
    create(plane, "two")
    with pytest.raises(Conflict):
        await kube.patch_backfill_status("team", "two", old["metadata"], {"phase": "Running"})


async def test_a_job_is_found_by_its_name(plane: ControlPlane, kube: Kube) -> None:
    container = {"name": "run", "image": "x"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    for name in ("hello-29000000", "hello-29000001"):
        manifest = {"metadata": {"name": name}, "spec": {"template": template}}
        status, _ = plane.api.request("POST", "/apis/batch/v1/namespaces/team/jobs", manifest)
        assert status == 201
    found = await kube.find_job("team", "hello-29000001")
    assert found
    assert found["metadata"]["name"] == "hello-29000001"
    assert await kube.find_job("team", "hello-29000002") is None
