"""The typed parts of a template are those of core/v1, as Kubernetes' own description of its API has them."""

import typing
from types import NoneType
from typing import Any

import pytest
from kubernetes import client
from pydantic import BaseModel

from graphcron.resource import pod_types

MODELS: dict[str, type[BaseModel]] = {
    "V1ResourceRequirements": pod_types.Resources,
    "V1Toleration": pod_types.Toleration,
    "V1NodeSelectorRequirement": pod_types.NodeSelectorRequirement,
    "V1NodeSelectorTerm": pod_types.NodeSelectorTerm,
    "V1NodeSelector": pod_types.NodeSelector,
    "V1PreferredSchedulingTerm": pod_types.PreferredSchedulingTerm,
    "V1NodeAffinity": pod_types.NodeAffinity,
    "V1LabelSelectorRequirement": pod_types.LabelSelectorRequirement,
    "V1LabelSelector": pod_types.LabelSelector,
    "V1PodAffinityTerm": pod_types.PodAffinityTerm,
    "V1WeightedPodAffinityTerm": pod_types.WeightedPodAffinityTerm,
    "V1PodAffinity": pod_types.PodAffinity,
    "V1PodAntiAffinity": pod_types.PodAffinity,
    "V1Affinity": pod_types.Affinity,
}

LEFT_OUT = {"V1ResourceRequirements": {"claims"}}
"""A claim names one of the pod's resourceClaims, for which a template has no place."""


@pytest.mark.parametrize(("name", "model"), MODELS.items(), ids=MODELS)
def test_a_type_has_the_fields_of_kubernetes(name: str, model: type[BaseModel]) -> None:
    theirs = set(getattr(client, name).attribute_map.values()) - LEFT_OUT.get(name, set())
    assert {field.alias for field in model.model_fields.values()} == theirs


@pytest.mark.parametrize(("name", "model"), MODELS.items(), ids=MODELS)
def test_a_field_has_the_type_of_kubernetes(name: str, model: type[BaseModel]) -> None:
    kinds = getattr(client, name).openapi_types
    for field, found in model.model_fields.items():
        assert shape(found.annotation) == kinds[field].replace("V1PodAntiAffinity", "V1PodAffinity"), field


def shape(annotation: Any) -> str:
    """As the client writes types: `List[V1Toleration]`, `Dict[str, str]`."""
    if origin := typing.get_origin(annotation):
        inner = [kind for kind in typing.get_args(annotation) if kind is not NoneType]
        if origin in (list, dict):
            return f"{origin.__name__.title()}[{', '.join(map(shape, inner))}]"
        return "str" if origin is typing.Literal else shape(inner[0])
    if annotation is Any:  # a quantity
        return "str"
    return next((name for name, model in MODELS.items() if model is annotation), getattr(annotation, "__name__", ""))
