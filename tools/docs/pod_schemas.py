"""JSON Schemas of what values take as a pod spec has it, for `# @schema $ref: NAME` in values.yaml.

What a GraphCron's template has too comes from its models, which know more than types; the rest from Kubernetes' own
client, which is made of the API's description.
"""

import re
from typing import Any

from kubernetes import client
from pydantic.json_schema import models_json_schema

from graphcron.resource.pod_types import Affinity, Resources, Toleration

Schema = dict[str, Any]

_OURS = (Resources, Toleration, Affinity)
_THEIRS = ("PodSecurityContext", "SecurityContext")
_PLAIN = {"str": "string", "int": "integer", "bool": "boolean"}


def definitions() -> dict[str, Schema]:
    """By the name that a value refers to, with those that they refer to themselves."""
    _, ours = models_json_schema([(model, "validation") for model in _OURS], by_alias=True)
    found: dict[str, Schema] = {}
    for name in _THEIRS:
        _add(name, found)
    return dict(sorted((_plain(ours["$defs"]) | found).items()))


def _plain(schema: Any) -> Any:
    """Without what is for a CRD, and without titles and defaults. Null stands for a field that is not there, as Helm
    has it; an alternative of its own would only blur the messages."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title")} | (
        options[0] if options else {}
    )
    found = {key: _plain(value) for key, value in kept.items() if not key.startswith("x-kubernetes-")}
    if found.get("type") == "object" or (options and isinstance(found.get("type"), str)):
        found["type"] = [found["type"], "null"]
    return found | ({"enum": [*found["enum"], None]} if options and "enum" in found else {})


def _add(name: str, found: dict[str, Schema]) -> None:
    kind = getattr(client, f"V1{name}")
    found[name] = {"type": ["object", "null"], "additionalProperties": False}
    found[name]["properties"] = {
        kind.attribute_map[field]: _schema(text, found) for field, text in sorted(kind.openapi_types.items())
    }


def _schema(text: str, found: dict[str, Schema]) -> Schema:
    """Of a type as the client writes it, such as `List[V1Sysctl]`."""
    if text in _PLAIN:
        return {"type": [_PLAIN[text], "null"]}
    if items := re.fullmatch(r"List\[(\w+)\]", text):
        return {"type": ["array", "null"], "items": _schema(items[1], found)}
    name = text.removeprefix("V1")
    if name not in found:
        _add(name, found)
    return {"$ref": f"#/$defs/{name}"}
