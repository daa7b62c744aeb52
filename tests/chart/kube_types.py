"""Whether a manifest is what Kubernetes' API describes: by the models of its official client, which are generated from
the API itself.

Offline, and of the very version that the project is locked to; validators that download schemas are neither. Unknown
fields, missing ones and wrong types are found; what only the apiserver's own code knows (patterns, names) is not.
"""

import re
from collections.abc import Iterator
from typing import Any

from kubernetes.client import models

_SIMPLE: dict[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "float": (int, float), "bool": bool, "datetime": str, "bytes": str,
}  # fmt: skip


def complaints(manifest: dict[str, Any]) -> list[str]:
    """What is wrong, each with its path; nothing for a manifest that is as it should be."""
    return list(_check(manifest, _model(manifest), manifest["kind"]))


def _model(manifest: dict[str, Any]) -> str:
    """V2HorizontalPodAutoscaler for autoscaling/v2."""
    version = manifest["apiVersion"].rpartition("/")[2]
    return f"{version[0].upper()}{version[1:]}{manifest['kind']}"


def _check(value: Any, kind: str, path: str) -> Iterator[str]:
    if value is None:
        yield f"{path} is null"
    elif listed := re.fullmatch(r"List\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for index, item in enumerate(value):
            yield from _check(item, listed[1], f"{path}[{index}]")
    elif mapped := re.fullmatch(r"Dict\[str, (.+)\]", kind):
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for key, item in value.items():
            yield from _check(item, mapped[1], f"{path}.{key}")
    elif kind in _SIMPLE:
        if not isinstance(value, _SIMPLE[kind]) or (isinstance(value, bool) and kind != "bool"):
            yield f"{path} is no {kind}: {value!r}"
    elif kind != "object":
        yield from _check_model(value, kind, path)


def _check_model(value: Any, kind: str, path: str) -> Iterator[str]:
    model = getattr(models, kind)
    if not isinstance(value, dict):
        yield f"{path} is no {kind}: {value!r}"
        return
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    for key, item in value.items():
        if key not in names:
            yield f"{path}.{key} is unknown: {kind} has no such field"
        else:
            yield from _check(item, model.openapi_types[names[key]], f"{path}.{key}")
    for name, field in model.model_fields.items():
        if field.is_required() and (json_name := field.serialization_alias or name) not in value:
            yield f"{path}.{json_name} is missing"
