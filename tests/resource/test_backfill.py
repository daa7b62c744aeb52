"""GraphCronBackfill: what is wrong in one is refused at admission and by the operator, and what was done is kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.resource.backfill import (
    ENDS_AFTER_IT_BEGINS,
    NAME_MESSAGE,
    NOT_SO_EARLY,
    UNCHANGED,
    BackfillStatus,
    read_backfill,
    read_backfill_status,
)
from graphcron.resource.fields import InvalidGraphCron
from tests.support.graphcron_apiserver import graphcron_apiserver

LEAST = {"graphCron": "report", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
PATH = "/apis/graphcron.dev/v1/namespaces/ns/graphcronbackfills"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("backfills"), "ns") as plane:
        yield plane


def manifest(spec: dict[str, Any], name: str = "x") -> dict[str, Any]:
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronBackfill",
        "metadata": {"name": name},
        "spec": LEAST | spec,
    }


def at_admission(plane: ControlPlane, document: dict[str, Any]) -> str:
    """What the apiserver answers; empty when it takes it."""
    status, answer = plane.api.request("POST", f"{PATH}?dryRun=All&fieldValidation=Strict", document)
    return "" if status == 201 else str(answer["message"])


REFUSED = {
    "an end before its begin": ({"to": "2026-10-01T00:00:00Z"}, ENDS_AFTER_IT_BEGINS),
    "an end at its begin": ({"to": LEAST["from"]}, ENDS_AFTER_IT_BEGINS),
    "a begin before Job names had eight digits": ({"from": "1989-12-31T23:59:59Z"}, NOT_SO_EARLY),
    "no Job at once": ({"parallelism": 0}, "greater than or equal to 1"),
    "too many at once": ({"parallelism": 101}, "less than or equal to 100"),
    "an order that is none": ({"order": "Random"}, "NewestFirst"),
    "an unknown field": ({"reruns": True}, "unknown field"),
    "a cron without a name": ({"graphCron": ""}, "1 "),
}


@pytest.mark.parametrize(("spec", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_at_both_doors(plane: ControlPlane, spec: dict[str, Any], said: str) -> None:
    assert said in at_admission(plane, manifest(spec))
    with pytest.raises(InvalidGraphCron) as refused:
        read_backfill(LEAST | spec)
    assert said in refused.value.message
    assert refused.value.message.startswith("spec")


def test_what_is_right_is_taken_at_both_doors(plane: ControlPlane) -> None:
    whole = {"parallelism": 3, "order": "NewestFirst", "dryRun": True, "rerun": True, "to": "2026-11-08T00:00:00+01:00"}
    for spec in ({}, whole):
        assert at_admission(plane, manifest(spec)) == ""
        assert read_backfill(LEAST | spec).graph_cron == "report"


def test_a_name_that_is_no_label_is_refused(plane: ControlPlane) -> None:
    assert at_admission(plane, manifest({}, "x" * 63)) == ""
    assert NAME_MESSAGE in at_admission(plane, manifest({}, "x" * 64))


def changed(plane: ControlPlane, name: str, change: dict[str, Any]) -> tuple[int, Any]:
    """What the apiserver answers to another spec; None removes a field."""
    _, found = plane.api.request("GET", f"{PATH}/{name}")
    found["spec"] = {key: value for key, value in (found["spec"] | change).items() if value is not None}
    return plane.api.request("PUT", f"{PATH}/{name}?dryRun=All", found)


CHANGES = [
    ({"parallelism": 5}, True),
    ({"dryRun": False}, True),
    ({"dryRun": None}, True),
    ({"graphCron": "another"}, False),
    ({"from": "2026-11-02T00:00:00Z"}, False),
    ({"to": "2026-11-09T00:00:00Z"}, False),
    ({"order": "NewestFirst"}, False),
    ({"rerun": True}, False),
]


@pytest.mark.parametrize(("change", "may"), CHANGES, ids=[str(change) for change, _ in CHANGES])
def test_only_parallelism_and_a_dry_run_may_change(plane: ControlPlane, change: dict[str, Any], may: bool) -> None:
    plane.api.request("POST", PATH, manifest({"dryRun": True}))
    status, answer = changed(plane, "x", change)
    assert status == (200 if may else 422), answer
    assert may or UNCHANGED in answer["message"]


def test_one_that_runs_is_no_dry_run_any_more(plane: ControlPlane) -> None:
    plane.api.request("POST", PATH, manifest({}, "runs"))
    status, answer = changed(plane, "runs", {"dryRun": True})
    assert status == 422
    assert UNCHANGED in answer["message"]


def test_no_status_is_an_empty_one_and_one_that_cannot_be_read_is_an_error() -> None:
    assert read_backfill_status(None) == BackfillStatus()
    assert read_backfill_status({"observedGeneration": -1}).observed_generation == -1
    with pytest.raises(InvalidGraphCron) as unreadable:
        read_backfill_status({"counts": "many"})
    assert unreadable.value.reason == "StatusUnreadable"
