"""What people have in Git from any release is taken by the CRD as it is now, and nothing of it is dropped.

`released/<version>/` holds the examples of that version of the chart, and no file there is changed once it is released.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from graphcron.resource.spec import GraphCronSpec
from tests.chart.helm import CHART
from tests.support.released import FILES, RELEASED


def documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("released")) as plane:
        plane.install({"metadata": {"name": "released"}}, "/api/v1/namespaces")
        plane.install_crd(HERE.root / "crds/graphcrons.yaml")
        yield plane


@pytest.mark.parametrize("file", FILES, ids=[f"{path.parent.name} {path.stem}" for path in FILES])
def test_the_crd_takes_every_released_example_whole(plane: ControlPlane, file: Path) -> None:
    path = "/apis/graphcron.dev/v1/namespaces/released/graphcrons?dryRun=All&fieldValidation=Strict"
    for document in documents(file):
        status, answer = plane.api.request("POST", path, document)
        assert status == 201, answer
        assert answer["spec"] == document["spec"]


def test_this_version_has_its_examples_there_and_they_name_every_field() -> None:
    version = RELEASED / yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    for example in (HERE.root / "examples").glob("*.yaml"):
        assert (version / example.name).read_text() == example.read_text(), f"copy {example} there"
    named = {field for file in version.glob("*.yaml") for document in documents(file) for field in document["spec"]}
    assert named >= {field.alias or name for name, field in GraphCronSpec.model_fields.items()}
