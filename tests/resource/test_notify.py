"""spec.notify: what is wrong in it is refused at admission and by the model, in the same words."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.notify import HAPPENINGS, TOO_MANY
from graphcron.resource.spec_reader import read_spec
from tests.support.graphcron_apiserver import graphcron_apiserver

LEAST = {"schedule": "0 0 1 1 *", "assistantId": "agent"}
RULE: dict[str, Any] = {"events": ["Failed", "Recovered"], "channel": "team"}
PATH = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons?dryRun=All&fieldValidation=Strict"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("notify"), "ns") as plane:
        yield plane


def at_admission(plane: ControlPlane, rules: list[dict[str, Any]]) -> str:
    """What the apiserver answers; empty when it takes the rules."""
    spec = LEAST | {"notify": rules}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "x"}, "spec": spec}
    status, answer = plane.api.request("POST", PATH, manifest)
    assert status in (201, 422), answer
    return "" if status == 201 else str(answer["message"])


def at_the_model(rules: list[dict[str, Any]]) -> str:
    try:
        read_spec(LEAST | {"notify": rules})
    except InvalidGraphCron as invalid:
        return invalid.message
    return ""


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [RULE],
        [RULE | {"after": 3, "mutedUntil": "2026-11-27T18:00:00Z"}],
        [{"events": list(HAPPENINGS), "channel": f"c{number}"} for number in range(5)],
    ],
)
def test_what_is_right_is_taken(plane: ControlPlane, rules: list[dict[str, Any]]) -> None:
    assert at_admission(plane, rules) == at_the_model(rules) == ""


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([{"events": list(HAPPENINGS), "channel": f"c{number}"} for number in range(6)], TOO_MANY),
        ([RULE | {"events": ["Exploded"]}], "notify"),
        ([RULE | {"events": []}], "notify"),
        ([{"events": ["Failed"]}], "channel"),
        ([RULE | {"after": 0}], "after"),
        ([RULE] * 11, "notify"),
    ],
)
def test_what_is_wrong_is_refused_at_both_doors(plane: ControlPlane, rules: list[dict[str, Any]], says: str) -> None:
    assert says in at_admission(plane, rules)
    assert says in at_the_model(rules)
