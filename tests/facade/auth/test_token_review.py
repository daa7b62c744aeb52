"""Whose a token is, as a real apiserver says it, with the rights that the chart gives the facade."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import yaml

from cluster.control_plane import ControlPlane, control_plane
from graphcron.facade.auth.callers import owner_of_user
from graphcron.facade.auth.token_review import TokenReviews
from graphcron.facade.errors import RestError
from graphcron.facade.store.store import StoreUnavailable
from graphcron.kube.client import Kube
from tests.chart.helm import render
from tests.support.kubeconfig import api_client


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("tokens")) as plane:
        for namespace in ("ns", "team"):
            plane.install({"metadata": {"name": namespace}}, "/api/v1/namespaces")
        for item in render("facade.auth.mode=tokenReview"):
            if item["kind"] in ("ClusterRole", "ClusterRoleBinding"):
                plane.install(item, f"/apis/rbac.authorization.k8s.io/v1/{item['kind'].lower()}s")
        yield plane


def token(plane: ControlPlane, namespace: str, name: str) -> str:
    return str(yaml.safe_load(plane.service_account_kubeconfig(namespace, name))["users"][0]["user"]["token"])


@asynccontextmanager
async def reviews(plane: ControlPlane, account: str, audience: str | None = None) -> AsyncIterator[TokenReviews]:
    """Asked by that service account of the release's namespace."""
    authority = str(plane.place.pki / "ca.crt")
    async with api_client(plane.url, token(plane, "ns", account), ssl_ca_cert=authority) as client:
        yield TokenReviews(Kube(client), audience)


async def test_a_service_account_is_known_by_its_token(plane: ControlPlane) -> None:
    good = token(plane, "team", "ada")
    async with reviews(plane, "graphcron-facade") as tokens:
        assert (await tokens.caller([f"Bearer {good}"])).owner == owner_of_user("system:serviceaccount:team:ada")
        for bad in (good[:-8] + "AAAAAAAA", "nonsense"):
            with pytest.raises(RestError, match="does not know"):
                await tokens.caller([f"Bearer {bad}"])


async def test_a_token_for_the_apiserver_is_none_for_an_audience_of_ours(plane: ControlPlane) -> None:
    async with reviews(plane, "graphcron-facade", "graphcron") as tokens:
        with pytest.raises(RestError, match="another audience"):
            await tokens.caller([f"Bearer {token(plane, 'team', 'ada')}"])
        path = "/api/v1/namespaces/team/serviceaccounts/ada/token"
        _, answer = plane.api.request("POST", path, {"spec": {"audiences": ["graphcron"]}})
        found = await tokens.caller([f"Bearer {answer['status']['token']}"])
        assert found.owner == owner_of_user("system:serviceaccount:team:ada")


async def test_without_the_right_it_says_which_is_missing(plane: ControlPlane) -> None:
    async with reviews(plane, "graphcron-run") as tokens:
        with pytest.raises(StoreUnavailable, match=r"does not say whose token this is: tokenreviews.* cannot create"):
            await tokens.caller([f"Bearer {token(plane, 'team', 'ada')}"])
