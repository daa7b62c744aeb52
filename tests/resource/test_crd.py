"""The CRD: generated, structural, and the same in every copy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphcron.resource import crd

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("copy", ["crds/graphcrons.yaml", "charts/graphcron/files/graphcrons.yaml"])
def test_the_copies_are_what_the_models_say(copy: str) -> None:
    assert (ROOT / copy).read_text() == crd.to_yaml(), "run `make generate`"


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from nodes(value, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


def test_the_schema_is_structural_and_has_no_defaults() -> None:
    """A default would make the apiserver rewrite objects; the rest is what "structural" means. The status, which nobody
    applies, has one."""
    root = crd.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert root["properties"]["status"].pop("default") == crd.UNOBSERVED
    for path, schema in nodes(root):
        assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), path
        assert not {"default", "$ref", "title", "anyOf", "allOf", "const"} & schema.keys(), path


def test_every_field_of_the_spec_is_described() -> None:
    root = crd.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, schema in nodes(root["properties"]["spec"], "spec"):
        if not path.endswith("]"):
            assert schema.get("description"), path
