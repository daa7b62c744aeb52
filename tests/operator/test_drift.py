"""Drift: a live object is in sync when it has all that is desired."""

from typing import Any

import pytest

from graphcron.operator.drift import differences, explain, in_sync, path_text

EQUAL = {
    "what others added": ({"a": 1}, {"a": 1, "b": 2}, True),
    "a changed value": ({"a": 1}, {"a": 2}, False),
    "a missing value": ({"a": {"b": 1}}, {}, False),
    "an empty object and none": ({"a": {}}, {}, True),
    "named things in another order": (
        {"env": [{"name": "a", "value": "1"}, {"name": "b"}]},
        {"env": [{"name": "b"}, {"name": "c"}, {"name": "a", "value": "1"}]},
        True,
    ),
    "a named thing that is gone": ({"env": [{"name": "a"}]}, {"env": [{"name": "b"}]}, False),
    "a plain list with one more": ({"drop": ["ALL"]}, {"drop": ["ALL", "KILL"]}, False),
    "a quantity as the apiserver writes it": (
        {"requests": {"cpu": 0.5, "memory": "1Gi"}},
        {"requests": {"cpu": "500m", "memory": "1024Mi"}},
        True,
    ),
    "a quantity with an exponent": ({"limits": {"memory": "1e9"}}, {"limits": {"memory": "1G"}}, True),
    "a quantity in exabytes": ({"limits": {"memory": "1E"}}, {"limits": {"memory": "1000P"}}, True),
    "another quantity": ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False),
    "true is not one": ({"suspend": True}, {"suspend": 1}, False),
}


@pytest.mark.parametrize(("desired", "live", "same"), EQUAL.values(), ids=EQUAL)
def test_live_is_in_sync_when_it_has_all_that_is_desired(desired: Any, live: Any, same: bool) -> None:
    assert in_sync(desired, live) is same


CONTAINER = {"name": "run", "image": "ours", "env": [{"name": "A", "value": "1"}]}
DESIRED = {"spec": {"suspend": False, "template": {"containers": [CONTAINER], "limits": {"cpu": "1"}}}}


def live(**changes: Any) -> dict[str, Any]:
    """As desired, but for these changes of the container; `kept` are the managedFields."""
    kept = changes.pop("kept", [])
    container = {name: value for name, value in (CONTAINER | changes).items() if value is not None}
    spec = {"suspend": False, "template": {"containers": [container], "limits": {"cpu": "1000m"}}}
    return {"metadata": {"managedFields": kept}, "spec": spec}


def owner(manager: str, **container: Any) -> dict[str, Any]:
    """An entry of managedFields: that manager has set those fields of the container."""
    fields = {"f:spec": {"f:template": {"f:containers": {'k:{"name":"run"}': container}}}}
    return {"manager": manager, "operation": "Update", "fieldsV1": fields}


def test_differences_are_told_by_path() -> None:
    found = list(differences(DESIRED, live(image="mirror", env=[{"name": "A", "value": "2"}])))
    assert [path_text(path) for path in found] == [
        "spec.template.containers[run].image",
        "spec.template.containers[run].env[A].value",
    ]
    assert not list(differences(DESIRED, live()))


EXPLAINED = {
    "a webhook changes what we apply, and it counts as ours": (
        live(image="mirror", kept=[owner("graphcron", **{"f:image": {}})]),
        ("ChangedByAdmission", "spec.template.containers[run].image (by a mutating webhook or policy)"),
    ),
    "somebody else has set it since": (
        live(image="mirror", kept=[owner("kyverno", **{"f:image": {}}), owner("kubectl-label", **{"f:x": {}})]),
        ("ChangedByOthers", "spec.template.containers[run].image (by kyverno)"),
    ),
    "somebody has removed it": (
        live(env=None, kept=[owner("graphcron", **{"f:image": {}})]),
        ("ChangedByOthers", "spec.template.containers[run].env (removed)"),
    ),
}


@pytest.mark.parametrize(("found", "expected"), EXPLAINED.values(), ids=EXPLAINED)
def test_a_difference_is_told_with_who_made_it(found: dict[str, Any], expected: tuple[str, str]) -> None:
    explained = explain(DESIRED, found)
    assert explained
    assert explained[0] == expected[0]
    assert expected[1] in explained[1]
    assert "mirror" not in explained[1], "values may be secret"


def test_a_long_list_of_differences_is_cut() -> None:
    desired = {"metadata": {"labels": {f"l{number}": "a" for number in range(100)}}}
    explained = explain(desired, {"metadata": {"labels": {}}})
    assert explained
    assert "and 97 more" in explained[1]
    assert len(explained[1]) < 500


def test_what_is_in_sync_needs_no_explanation() -> None:
    assert explain(DESIRED, live()) is None
