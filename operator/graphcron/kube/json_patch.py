"""JSON Patch (RFC 6902) as far as it is used: operations on the members of objects, at most three levels deep. Pure.

The apiserver applies a patch to the newest version of an object, so patches of different members never conflict.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Operation = dict[str, Any]


class DoesNotApply(Exception):
    """A test of the patch fails, or an object that it adds to is not there."""


def require(path: tuple[str, ...], value: Any) -> Operation:
    """Passes when that member has this value. None stands for a member that is not there, as at the apiserver."""
    return {"op": "test", "path": _pointer(path), "value": value}


def add(path: tuple[str, ...], value: Any) -> Operation:
    """Sets a member, whole, whether or not it is there. The object around it must be there."""
    return {"op": "add", "path": _pointer(path), "value": value}


def clear(path: tuple[str, ...], value: Any) -> list[Operation]:
    """Removes a member, whether or not it is there: a removal alone fails when there is none. `value` is any."""
    return [add(path, value), {"op": "remove", "path": _pointer(path)}]


def merge(path: tuple[str, ...], members: Mapping[str, Any], known: Mapping[str, Any] | None) -> list[Operation]:
    """Sets members of an object, which is made when it is not there. `known` is that object, as far as one knows."""
    if known is None:
        return [require(path, None), add(path, dict(members))]
    return [add((*path, name), value) for name, value in members.items()]


def apply(operations: Iterable[Operation], document: Mapping[str, Any]) -> dict[str, Any]:
    """The document after these operations; the given one is left alone. Raises DoesNotApply."""
    changed = _thawed(document, levels=3)
    for operation in operations:
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
        place: Any = changed
        for step in parents:
            place = place.get(step)
            if not isinstance(place, dict):
                raise DoesNotApply(operation["path"])
        match operation["op"]:
            case "add":
                place[last] = operation["value"]
            case "remove" if last in place:
                del place[last]
            case "test" if place.get(last) == operation["value"]:
                pass
            case _:
                raise DoesNotApply(operation["path"])
    return changed


def _pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _thawed(value: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """A copy whose objects can be changed, so many levels deep."""
    return {
        name: _thawed(member, levels - 1) if levels > 1 and isinstance(member, dict) else member
        for name, member in value.items()
    }
