"""What leader election asks of an apiserver: of two that write a Lease at the same time, one fails."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from cluster.control_plane import ControlPlane
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound
from graphcron.kube.lease import LeaseTiming, claim
from tests.support.graphcron_apiserver import graphcron_apiserver

AT = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("leases"), "team") as plane:
        yield plane


@pytest.fixture
async def kube(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(plane.kubeconfig))
    async with Kube.connect() as kube:
        yield kube


async def test_of_two_that_create_it_one_fails(kube: Kube) -> None:
    with pytest.raises(NotFound):
        await kube.get_lease("team", "created")
    await kube.create_lease("team", claim(None, "created", "a", LeaseTiming(), AT))
    with pytest.raises(Conflict):
        await kube.create_lease("team", claim(None, "created", "b", LeaseTiming(), AT))
    assert (await kube.get_lease("team", "created"))["spec"]["holderIdentity"] == "a"


async def test_of_two_that_take_over_the_same_version_one_fails(kube: Kube) -> None:
    made = await kube.create_lease("team", claim(None, "taken", "a", LeaseTiming(), AT))
    taken = await kube.replace_lease("team", claim(made, "taken", "b", LeaseTiming(), AT))
    assert taken["spec"]["holderIdentity"] == "b"
    with pytest.raises(Conflict):
        await kube.replace_lease("team", claim(made, "taken", "c", LeaseTiming(), AT))


async def test_one_that_was_deleted_is_not_made_again(plane: ControlPlane, kube: Kube) -> None:
    made = await kube.create_lease("team", claim(None, "deleted", "a", LeaseTiming(), AT))
    plane.api.request("DELETE", "/apis/coordination.k8s.io/v1/namespaces/team/leases/deleted")
    with pytest.raises(Conflict):
        await kube.replace_lease("team", claim(made, "deleted", "a", LeaseTiming(), AT))
