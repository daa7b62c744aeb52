"""Labels and annotations that a template may give to run pods.

Kubernetes, this operator and controllers of the cluster act on theirs: a Job adopts pods by its labels, an annotation
took AppArmor off a container. Keys of their domains are reserved, except those that change nothing for anybody else.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue

from graphcron.resource.pod_types import at_most

ENTRIES_LIMIT = 64
"""Labels, and annotations."""

_RESERVED = "(^|[.])(kubernetes[.]io|k8s[.]io|graphcron[.]dev)/"

_FREE_LABELS = tuple(f"app.kubernetes.io/{name}" for name in ("name", "instance", "version", "component", "part-of"))
"""Kubernetes' recommended labels, which people read. managed-by is ours: the operator finds run pods by it."""

_JOBS_LABELS = ("controller-uid", "job-name")
"""Labels by which a Job finds its pods, from before they had a domain."""

_FREE_ANNOTATIONS = (
    # Whether the autoscaler may remove the node under a run: anybody's pod may say so.
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    # What `kubectl logs` shows where a mesh adds a container.
    "kubectl.kubernetes.io/default-container",
)

_DOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = f"^({_DOMAIN}([.]{_DOMAIN})*/)?{_NAME}$"
_VALUE = f"^({_NAME})?$"
_KEY_LIMIT = 253 + 1 + 63

KEYS = (
    "keys must be a name of at most 63 letters, digits, '-', '_' and '.', such as team, "
    "or such a name after a lower-case domain and a slash, such as example.com/team"
)
VALUES = (
    "values of labels must be at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
)
RESERVED_LABELS = (
    f"labels of kubernetes.io, k8s.io and graphcron.dev are reserved, except {', '.join(_FREE_LABELS[:-1])} and "
    f"{_FREE_LABELS[-1]}; so are {' and '.join(_JOBS_LABELS)}, and the name graphcron, by which Services find this "
    "installation"
)
RESERVED_ANNOTATIONS = (
    f"annotations of kubernetes.io, k8s.io and graphcron.dev are reserved, except {' and '.join(_FREE_ANNOTATIONS)}"
)


def _reserved(key: str, free: tuple[str, ...]) -> bool:
    return key not in free and re.search(_RESERVED, key) is not None


def _check(value: object) -> dict[str, object]:
    """What holds for both, by the first entry that is wrong. What is no object is left to others."""
    entries = value if isinstance(value, dict) else {}
    if not all(len(key) <= _KEY_LIMIT and re.fullmatch(_KEY, key) for key in entries):
        raise ValueError(KEYS)
    return entries


def _check_labels(value: object) -> object:
    labels = _check(value)
    taken = any(_reserved(key, _FREE_LABELS) or key in _JOBS_LABELS for key in labels)
    if taken or labels.get(_FREE_LABELS[0]) == "graphcron":
        raise ValueError(RESERVED_LABELS)
    if not all(re.fullmatch(_VALUE, text) for text in labels.values() if isinstance(text, str)):
        raise ValueError(VALUES)
    return value


def _check_annotations(value: object) -> object:
    if any(_reserved(key, _FREE_ANNOTATIONS) for key in _check(value)):
        raise ValueError(RESERVED_ANNOTATIONS)
    return value


def _cel(free: tuple[str, ...]) -> str:
    return f"self.all(key, !key.matches('{_RESERVED}') || key in {list(free)})"


def _entries(*rules: dict[str, JsonValue]) -> Any:
    keys: dict[str, JsonValue] = {
        "rule": f"self.all(key, size(key) <= {_KEY_LIMIT} && key.matches('{_KEY}'))",
        "message": KEYS,
    }
    return Field(max_length=ENTRIES_LIMIT, json_schema_extra={"x-kubernetes-validations": [keys, *rules]})


Labels = Annotated[
    dict[str, Annotated[str, Field(max_length=63)]],
    _entries(
        {"rule": f"self.all(key, self[key].matches('{_VALUE}'))", "message": VALUES},
        {
            "rule": f"{_cel(_FREE_LABELS)} && !self.exists(key, key in {list(_JOBS_LABELS)}) "
            f"&& !self.exists(key, key == '{_FREE_LABELS[0]}' && self[key] == 'graphcron')",
            "message": RESERVED_LABELS,
        },
    ),
    BeforeValidator(_check_labels),
    at_most(ENTRIES_LIMIT),
]
Annotations = Annotated[
    dict[str, Annotated[str, Field(max_length=65536)]],
    _entries({"rule": _cel(_FREE_ANNOTATIONS), "message": RESERVED_ANNOTATIONS}),
    BeforeValidator(_check_annotations),
    at_most(ENTRIES_LIMIT),
]
