"""The tokens of a firing as JSON: how run pods write them, and what of them the operator believes. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

TOKEN_COUNT_LIMIT = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""
MODELS_LIMIT = 8
"""Models that are listed by name; those that used least are summed up as `OTHER_MODELS`."""
OTHER_MODELS = "other"
UNKNOWN_MODEL = "unknown"
"""What a model is called whose answers do not name it."""
MODEL_NAME_LIMIT = 128

COUNTS = ("inputTokens", "outputTokens", "totalTokens", "cachedTokens")
SOURCES = ("Callback", "Stream", "FinalState")

Counts = Mapping[str, int]


def added(counts: Iterable[Counts]) -> dict[str, int]:
    """Their sum, by name."""
    kept = list(counts)
    return {name: min(sum(one[name] for one in kept), TOKEN_COUNT_LIMIT) for name in COUNTS}


def usage_of(models: Mapping[str, Counts], source: str, complete: bool) -> dict[str, Any]:
    """The usage whose tokens are known by model."""
    found = {"source": source, "complete": complete, "models": fewer(models, MODELS_LIMIT)}
    return {**added(models.values()), **found}


def fewer(models: Mapping[str, Counts], limit: int) -> dict[str, Counts]:
    """At most `limit` models by name, and the others as one."""
    names = [name for name in models if name != OTHER_MODELS]
    names.sort(key=lambda name: -models[name]["totalTokens"])
    rest = [models[name] for name in models if name not in names[:limit]]
    return {name: models[name] for name in names[:limit]} | ({OTHER_MODELS: added(rest)} if rest else {})


def read_usage(data: object) -> dict[str, Any] | None:
    """A usage that a pod reported, None for what is none: where the image is a user's, so may be what is in it."""
    counts = read_counts(data)
    if counts is None or not isinstance(data, Mapping):
        return None
    source, complete, given = data.get("source"), data.get("complete"), data.get("models", {})
    if source not in SOURCES or not isinstance(complete, bool) or not isinstance(given, Mapping):
        return None
    models: dict[str, Counts] = {}
    for name, value in given.items():
        known, short = read_counts(value), model_name(name)
        if known is None:
            return None
        models[short] = added([models[short], known]) if short in models else known
    return {**counts, "source": source, "complete": complete, "models": fewer(models, MODELS_LIMIT)}


def read_counts(data: object) -> dict[str, int] | None:
    """Counts that somebody else wrote; None when one of them is no number of tokens. A total is no less than its
    parts."""
    if not isinstance(data, Mapping):
        return None
    found = {name: data.get(name, 0) for name in COUNTS}
    if not all(map(is_count, found.values())):
        return None
    return added([found | {"totalTokens": max(found["totalTokens"], found["inputTokens"] + found["outputTokens"])}])


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def model_name(name: object) -> str:
    """The name of a model on one line of bounded length."""
    line = "".join(char for char in name if char.isprintable()) if isinstance(name, str) else ""
    return line.encode("utf-8", "replace").decode().strip()[:MODEL_NAME_LIMIT].strip() or UNKNOWN_MODEL
