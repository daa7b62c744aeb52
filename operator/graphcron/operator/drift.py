"""Drift: whether a live object still has every field that was applied, as server-side apply compares them. Pure."""

from collections.abc import Iterator
from typing import Any

from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.operator.reasons import CHANGED_BY_ADMISSION, CHANGED_BY_OTHERS
from graphcron.resource.identity import FIELD_MANAGER
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


Path = tuple[str | tuple[str, str], ...]
"""The way to a field: names of fields, and merge key and value of an item of a list."""


def differences(desired: Any, live: Any, path: Path = ()) -> Iterator[Path]:
    """The fields that `in_sync` misses or finds with another value."""
    if isinstance(desired, dict) and isinstance(live, dict):
        for name, value in desired.items():
            if not in_sync({name: value}, {name: live.get(name)}):
                yield from differences(value, live.get(name), (*path, name))
    elif isinstance(desired, list) and isinstance(live, list) and (key := _merge_key(desired)):
        present = {item.get(key): item for item in live if isinstance(item, dict)}
        for item in desired:
            if not in_sync(item, present.get(item[key])):
                yield from differences(item, present.get(item[key]), (*path, (key, item[key])))
    else:
        yield path


def path_text(path: Path) -> str:
    """As kubectl writes it, but for the items of lists, which have their names."""
    return "".join(f".{step}" if isinstance(step, str) else f"[{step[1]}]" for step in path).removeprefix(".")


def explain(desired: Manifest, live: Manifest) -> tuple[str, str] | None:
    """Reason and message of what a live object has otherwise, None when it is in sync. No value is in it.

    What a webhook changes in a request of ours counts as set by us; what anybody sets later counts as set by them; of
    what is removed nobody is recorded.
    """
    if not (found := list(differences(desired, live))):
        return None
    reason, texts = CHANGED_BY_ADMISSION, []
    entries = live["metadata"].get("managedFields", [])
    for path in found:
        others = {entry["manager"] for entry in entries if _is_of_others(entry) and _has(entry, path)}
        by = f"by {', '.join(sorted(others))}" if others else "by a mutating webhook or policy"
        if not others and _at(live, path) is None:
            others, by = {""}, "removed"
        reason = CHANGED_BY_OTHERS if others else reason
        texts.append(f"{path_text(path)} ({by})")
    rest = f" and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return reason, f"The CronJob is not as this GraphCron has it: {'; '.join(texts[:LISTED])}{rest}."


LISTED = 3
"""Differences that a message names."""


def _is_of_others(entry: Manifest) -> bool:
    return entry["manager"] != FIELD_MANAGER and not entry.get("subresource")


def _has(entry: Manifest, path: Path) -> bool:
    """Whether an entry of managedFields has that field, or something in it (FieldsV1), or does not say."""
    if (fields := entry.get("fieldsV1")) is None:
        return True
    for step in path:
        name = f"f:{step}" if isinstance(step, str) else "k:" + jsontext.dumps({step[0]: step[1]}).decode()
        if name not in fields:
            return False
        fields = fields[name]
    return True


def _at(live: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, str):
            live = live.get(step) if isinstance(live, dict) else None
        else:
            items = live if isinstance(live, list) else []
            live = next((item for item in items if isinstance(item, dict) and item.get(step[0]) == step[1]), None)
    return live


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
