"""Drift: whether a live object still has every field that was applied, as server-side apply compares them. Pure."""

from typing import Any

from graphcron.resource.quantity import amount


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
    return all(_amount(value) == _amount(live.get(name)) for name, value in desired.items())


def _amount(value: Any) -> Any:
    """A quantity as a number; what is none stays as it is."""
    found = amount(value)
    return value if found is None else found


def _merge_key(items: list[Any]) -> str | None:
    """The field by which Kubernetes merges such a list, None for a list that is replaced as a whole."""
    for key in ("mountPath", "name", "uid"):
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return None
