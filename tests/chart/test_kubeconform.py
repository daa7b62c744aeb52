"""kubeconform, which platform teams hold charts against, has nothing against what is rendered, nor against GraphCrons.

The schemas are those of a real apiserver that knows the CRD. Beyond what the apiserver says it finds fields that are
there twice, and nothing that it renders goes without a schema.
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import kubeconform
from tests.chart.helm import Manifest
from tests.support.chart_examples import EXAMPLES, FOREIGN, examples, named, rendered
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.released import FILES


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("schemas")
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver")) as plane:
        deadline = time.monotonic() + 30
        while not list(into.glob("graphcron,*")):  # the apiserver describes a CRD a little after it serves it
            assert time.monotonic() < deadline
            kubeconform.write_schemas(plane.api, into)
    return into


def complaints(schemas: Path, manifests: list[Manifest]) -> str:
    return kubeconform.complaints(schemas, yaml.safe_dump_all(manifests))


@examples
def test_it_has_nothing_against_what_is_rendered(schemas: Path, example: Path) -> None:
    assert complaints(schemas, [item for item in rendered(example) if item["kind"] not in FOREIGN]) == ""


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_it_has_nothing_against_graphcrons(schemas: Path, file: Path) -> None:
    assert complaints(schemas, list(yaml.safe_load_all(file.read_text()))) == ""


GRAPHCRON: Manifest = {
    "apiVersion": "graphcron.dev/v1",
    "kind": "GraphCron",
    "metadata": {"name": "wrong"},
    "spec": {"schedule": "* * * * *", "assistantId": "agent"},
}
WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a misspelt field": (lambda spec: spec.update(time_zone="UTC"), "'time_zone' not allowed"),
    "a string for a number": (lambda spec: spec.update(retryLimit="3"), "got string, want integer"),
    "a missing field": (lambda spec: spec.pop("schedule"), "missing property 'schedule'"),
    "a misspelt field further in": (
        lambda spec: spec.update(server={"url": "http://a", "apiKeySecretRef": {"name": "a", "kye": "b"}}),
        "'kye' not allowed",
    ),
}


@pytest.mark.parametrize(("harm", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found(schemas: Path, harm: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    graphcron = copy.deepcopy(GRAPHCRON)
    harm(graphcron["spec"])
    assert sentence in complaints(schemas, [graphcron])


def test_a_misspelt_field_of_a_pod_is_found(schemas: Path) -> None:
    (pod,) = copy.deepcopy(list(named(EXAMPLES[0], "Pod").values()))
    pod["spec"]["containers"][0]["imagePullPolice"] = "Always"
    assert "'imagePullPolice' not allowed" in complaints(schemas, [pod])


def test_a_kind_without_a_schema_is_no_silence(schemas: Path) -> None:
    assert "could not find schema for GraphCorn" in complaints(schemas, [GRAPHCRON | {"kind": "GraphCorn"}])
