"""The CRD: generated, structural, and the same in every copy."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphcron.resource import crd

ROOT = Path(__file__).parents[2]


BOTH = pytest.mark.parametrize("resource", crd.RESOURCES.values(), ids=str)


@BOTH
@pytest.mark.parametrize("folder", ["crds", "charts/graphcron/files"])
def test_the_copies_are_what_the_models_say(folder: str, resource: crd.CustomResource) -> None:
    assert (ROOT / folder / f"{resource.plural}.yaml").read_text() == crd.to_yaml(resource), "run `make generate`"


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from nodes(value, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


@BOTH
def test_the_schema_is_structural_and_has_no_defaults(resource: crd.CustomResource) -> None:
    """A default would make the apiserver rewrite objects; the rest is what "structural" means. The status, which nobody
    applies, has one."""
    root = crd.manifest(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert root["properties"]["status"].pop("default") == crd.UNOBSERVED
    for path, schema in nodes(root):
        either = ("type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")
        assert any(schema.get(key) for key in either), path
        assert not {"default", "$ref", "title", "anyOf", "allOf", "const"} & schema.keys(), path


@BOTH
def test_every_field_of_the_spec_is_described(resource: crd.CustomResource) -> None:
    root = crd.manifest(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, schema in nodes(root["properties"]["spec"], "spec"):
        if not path.endswith("]"):
            assert schema.get("description"), path


@BOTH
def test_yaml_reads_every_name_as_a_text(resource: crd.CustomResource) -> None:
    """YAML 1.1, which kubectl and Helm read, takes `on` and `no` for true and false."""
    root = crd.manifest(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, schema in nodes(root):
        for name in schema.get("properties", {}):
            assert yaml.safe_load(name) == name, f"{path}.{name}"


FREE_FORM = re.compile(
    r"spec\.(input|metadata|config|context|runOptions\[\])|spec\.config\.configurable|spec\.template\.(resources|tolerations|affinity)\b.*"
)
"""JSON of the user's, bounded by what an object may have; types of Kubernetes' own, which has no bounds."""


@BOTH
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_text_list_and_map_is_bounded(part: str, resource: crd.CustomResource) -> None:
    """The apiserver refuses what is too large, at once and in one sentence: nobody else has to read it."""
    root = crd.manifest(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, schema in nodes(root["properties"][part], part):
        if FREE_FORM.fullmatch(path):
            continue
        needed = {
            "string": {"maxLength"} if "enum" not in schema else set(),
            "array": {"maxItems"},
            "object": {"maxProperties"} if "additionalProperties" in schema else set(),
            None: {"maxLength", "maxItems", "maxProperties"},
        }
        if schema.get("x-kubernetes-int-or-string"):
            needed[None] = {"maxLength"}
        assert needed.get(schema.get("type"), set()) <= schema.keys(), path


@BOTH
def test_items_of_a_field_without_a_type_are_not_described(resource: crd.CustomResource) -> None:
    """An apiserver reports each wrong item, of the half a million that an object can hold: it took minutes."""
    root = crd.manifest(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert not [path for path, schema in nodes(root) if "items" in schema and "type" not in schema]
