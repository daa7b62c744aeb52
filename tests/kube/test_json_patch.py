"""JSON Patch as the apiserver applies it (tests/facade/test_updates_at_once.py asks a real one)."""

import copy
from typing import Any

import pytest

from graphcron.kube.json_patch import DoesNotApply, Operation, add, apply, clear, merge, require

DOCUMENT: dict[str, Any] = {"metadata": {"uid": "1"}, "spec": {"a": 1, "metadata": {"k/~": None, "deep": {"x": 1}}}}


@pytest.mark.parametrize(
    ("operations", "spec"),
    [
        ([add(("spec", "a"), 2)], {"a": 2}),
        ([add(("spec", "b"), {"c": None})], {"b": {"c": None}}),
        ([add(("spec", "metadata", "k/~"), 1)], {"metadata": {"k/~": 1, "deep": {"x": 1}}}),
        ([require(("metadata", "uid"), "1"), require(("spec", "b"), None)], {}),
        (clear(("spec", "b"), 0), {}),
        (merge(("spec", "metadata"), {"deep": {"y": 2}}, {}), {"metadata": {"k/~": None, "deep": {"y": 2}}}),
        (merge(("spec", "b"), {"c": 1}, None), {"b": {"c": 1}}),
    ],
)
def test_operations_change_members_and_leave_the_document_alone(
    operations: list[Operation], spec: dict[str, Any]
) -> None:
    before = copy.deepcopy(DOCUMENT)
    assert apply(operations, DOCUMENT)["spec"] == DOCUMENT["spec"] | spec
    assert before == DOCUMENT


def test_a_cleared_member_is_gone() -> None:
    assert "a" not in apply(clear(("spec", "a"), 0), DOCUMENT)["spec"]


@pytest.mark.parametrize(
    "operation",
    [
        require(("metadata", "uid"), "2"),
        require(("spec", "metadata"), None),
        add(("spec", "b", "c"), 1),
        add(("spec", "a", "c"), 1),
        {"op": "remove", "path": "/spec/b"},
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
def test_what_does_not_hold_applies_nowhere(operation: Operation) -> None:
    with pytest.raises(DoesNotApply):
        apply([add(("spec", "c"), 1), operation], DOCUMENT)


def test_a_path_spells_out_slashes_and_tildes() -> None:
    assert add(("spec", "metadata", "a/b~c"), 1)["path"] == "/spec/metadata/a~1b~0c"
