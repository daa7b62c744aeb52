"""What an apiserver says of engine inPod: the CRD's own rules, in the same words as the facade and the conditions."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from tests.chart.test_apiserver import graphcron, refusal
from tests.unit.test_engine import IN_POD, SECRET, THREAD, UNFIT


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("apiserver")) as plane:
        plane.install_crd(HERE.root / "crds/graphcrons.yaml")
        plane.install({"metadata": {"name": "ns"}}, "/api/v1/namespaces")
        yield plane


@pytest.mark.parametrize(("spec", "sentence"), UNFIT.values(), ids=UNFIT)
def test_the_apiserver_refuses_what_does_not_fit_the_engine(
    plane: ControlPlane, spec: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal(plane, graphcron(**spec))


FIT = {
    "the Agent Server, by name": {"engine": "agentServer", "webhook": "https://a.example"},
    "an image": IN_POD,
    "a thread that is kept": IN_POD
    | {"threadId": THREAD, "checkpointer": {"urlSecretRef": SECRET, "claimName": "threads"}},
    "variables": IN_POD | {"workingDir": "/app", "envFrom": [{"secretRef": {"name": "keys"}}]},
}


@pytest.mark.parametrize("spec", FIT.values(), ids=FIT)
def test_the_apiserver_takes_what_fits(plane: ControlPlane, spec: dict[str, Any]) -> None:
    assert refusal(plane, graphcron(**spec)) == ""
