"""The Agent Server's OpenAPI document together with the facade's own."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphcron.facade.openapi import _REF, Document
from graphcron.facade.proxy.path_guard import reaches_crons


class _AgentServers(BaseModel):
    """As much of an OpenAPI document as must be right to build on it."""

    model_config = ConfigDict(extra="allow")

    openapi: str = Field(pattern=r"^3\.")
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]] = {}
    security: list[dict[str, list[str]]] = []
    tags: list[dict[str, Any]] = []


def read_document(data: bytes) -> Document | None:
    """The OpenAPI document in the Agent Server's answer; None when it is no such thing."""
    try:
        return _AgentServers.model_validate_json(data).model_dump()
    except ValidationError:
        return None


def merged(theirs: Document, ours: Document) -> Document:
    """The Agent Server's document as it holds behind the facade, which answers what `ours` describes.

    Where theirs means something else by a name of ours, ours gets another one. Its `servers` go: they would lead
    around the facade. When the facade asks for a key, everything of theirs needs that key too.
    """
    paths = {path: item for path, item in theirs["paths"].items() if not reaches_crons(path)}
    taken = _names_in(paths, theirs["components"].get("schemas", {}))
    ours = _renamed(ours, {name for name in ours["components"]["schemas"] if name in taken})
    components = {
        kind: theirs["components"].get(kind, {}) | ours["components"].get(kind, {})
        for kind in (theirs["components"] | ours["components"])
    }
    tags = {tag["name"]: tag for tag in ours["tags"] + theirs["tags"] if "name" in tag}
    whole = theirs | {"paths": paths | ours["paths"], "components": components, "tags": [*tags.values()]}
    whole.pop("servers", None)
    if needed := ours.get("security"):
        whole["security"] = _both(theirs["security"], needed)
        whole["paths"] = {path: _guarded(item, needed) for path, item in paths.items()} | ours["paths"]
    return whole


def _guarded(item: dict[str, Any], needed: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        key: value | {"security": _both(value["security"], needed)}
        if isinstance(value, dict) and "security" in value
        else value
        for key, value in item.items()
    }


def _both(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each of a list suffices; what one names is needed together. No list at all needs nothing."""
    return [their | our for their in theirs or [{}] for our in ours]


def _names_in(paths: Document, schemas: dict[str, Any]) -> set[str]:
    """Of the schemas that these paths use, also through other schemas."""
    todo, names = [*_references(paths)], set()
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo += _references(schemas.get(name))
    return names


def _references(node: Any) -> Iterator[str]:
    match node:
        case dict():
            if isinstance(node.get("$ref"), str):
                yield node["$ref"].removeprefix(_REF)
            for value in node.values():
                yield from _references(value)
        case list():
            for value in node:
                yield from _references(value)


def _renamed(node: Any, names: set[str]) -> Any:
    """With `GraphCron` before these names of schemas, wherever they are used."""
    match node:
        case {"schemas": dict() as schemas, **rest}:
            renamed = {_other(name, names): _renamed(schema, names) for name, schema in schemas.items()}
            return rest | {"schemas": renamed}
        case {"$ref": str() as reference}:
            return node | {"$ref": _REF + _other(reference.removeprefix(_REF), names)}
        case dict():
            return {key: _renamed(value, names) for key, value in node.items()}
        case list():
            return [_renamed(value, names) for value in node]
        case _:
            return node


def _other(name: str, names: set[str]) -> str:
    return f"GraphCron{name}" if name in names else name
