"""JSON Merge Patch (RFC 7396): what turns one object into another. Pure.

The apiserver merges a patch into the newest version of an object: members that it does not name stay as they are, so
several writers can each keep members of their own.
"""

from collections.abc import Mapping
from typing import Any


def difference(known: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes `known` to `wanted`, which has no nulls. What is no object is replaced as a whole."""
    if not isinstance(known, Mapping):
        return dict(wanted)
    patch: dict[str, Any] = {name: None for name in known if name not in wanted}
    for name, value in wanted.items():
        if name not in known or known[name] != value:
            patch[name] = difference(known.get(name), value) if isinstance(value, Mapping) else value
    return patch
