"""Drift: whether a live object still has every field that was applied, as server-side apply compares them. Pure."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any


def in_sync(desired: Any, live: Any) -> bool:
    """Whether a live object has all that is desired; what else it has belongs to others.

    Lists of named things (containers, variables, volumes) are compared by name, as server-side apply merges them;
    other lists exactly. Quantities are compared by value, since the apiserver rewrites them.
    """
    # Each reconciliation compares a hundred values, most of them texts: those are not worth a call.
    if isinstance(desired, dict):
        if not isinstance(live, dict):
            return not desired and live is None
        for key, value in desired.items():
            other = live.get(key)
            if type(value) is str:
                if value != other:
                    return False
            elif not in_sync(value, other) and not (key in ("requests", "limits") and _same_amounts(value, other)):
                return False
        return True
    if isinstance(desired, list):
        if not isinstance(live, list):
            return not desired and live is None
        if key := _merge_key(desired):
            present = {item.get(key): item for item in live if isinstance(item, dict)}
            return all(in_sync(item, present.get(item[key])) for item in desired)
        return len(desired) == len(live) and all(map(in_sync, desired, live))
    return bool(desired == live) and isinstance(desired, bool) == isinstance(live, bool)


def _same_amounts(desired: Any, live: Any) -> bool:
    if not isinstance(desired, dict) or not isinstance(live, dict):
        return False
    return all(_quantity(value) == _quantity(live.get(name)) for name, value in desired.items())


_SUFFIXES: dict[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTP", 1)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTP", 1)},
}


def _quantity(value: Any) -> Any:
    """A Kubernetes quantity as a number; what is none stays as it is."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(value))
    if not match or match[2] not in _SUFFIXES:
        return value
    try:
        return Decimal(match[1]) * _SUFFIXES[match[2]]
    except InvalidOperation:
        return value


def _merge_key(items: list[Any]) -> str | None:
    """The field by which Kubernetes merges such a list, None for a list that is replaced as a whole."""
    for key in ("mountPath", "name", "uid"):
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return None
