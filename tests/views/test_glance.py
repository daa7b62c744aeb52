"""The glance and the status that are kept of each GraphCron: what lists read, in little memory, whatever is there."""

import gc
import tracemalloc
import uuid
from typing import Any

import pytest

from graphcron.kube.outline import STATUS_LIMIT
from graphcron.views.glance import GLANCE, KEPT_BYTES, STATUS, Glance, glance, keep, opened, status_of
from graphcron.views.urgency import Urgency


def firing(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "scheduledTime": f"2026-11-22T{number:02d}:00:00Z",
        "outcome": "Failed" if number % 3 else "Succeeded",
        "reason": "RunError",
        "message": f"The run failed: ValueError: could not convert report {number} to text, at node 'agent'",
        "jobName": f"{uuid.uuid4()}-29400{number:03d}",
        "runId": str(uuid.uuid4()),
        "threadId": str(uuid.uuid4()),
        "startedAt": f"2026-11-22T{number:02d}:00:01Z",
        "finishedAt": f"2026-11-22T{number:02d}:00:21Z",
    } | changes


def condition(**changes: Any) -> dict[str, Any]:
    return {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-22T00:00:00Z",
        "reason": "Scheduled",
        "message": "The schedule is on.",
    } | changes


def graphcron(**status: Any) -> dict[str, Any]:
    ten = [firing(number) for number in range(10)]
    usual = {
        "observedGeneration": 1,
        "conditions": [condition()],
        "nextRunTimes": [f"2026-11-23T{number:02d}:00:00Z" for number in range(5)],
        "active": 1,
        "history": ten,
        "firings": {"succeeded": 4, "failed": 6, "skipped": 0, "missed": 0},
        "lastRequest": {"token": "a", "outcome": "Started"},
    }
    metadata = {"name": "nightly", "uid": str(uuid.uuid4()), "generation": 1}
    return {"metadata": metadata, "spec": {"schedule": "0 * * * *"}, "status": usual | status}


def kept(manifest: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": manifest["metadata"], "spec": manifest["spec"], "status": {}} | keep(manifest)


def test_what_is_kept_reads_as_the_whole_does() -> None:
    whole = graphcron()
    assert status_of(kept(whole)) == status_of(whole) == whole["status"]
    assert opened(kept(whole)) == whole
    expected = Glance(Urgency.WORKING, "nightly", "Scheduled", "Succeeded", "2026-11-23T00:00:00Z", 1)
    assert glance(kept(whole)) == glance(whole) == expected


@pytest.mark.parametrize("status", [None, {}, {"history": [], "nextRunTimes": [], "conditions": []}])
def test_one_that_no_operator_has_read_is_pending(status: Any) -> None:
    assert glance(kept(graphcron() | {"status": status})) == Glance(
        Urgency.PENDING, "nightly", "Pending", None, None, 0
    )


@pytest.mark.parametrize(
    "forged",
    [
        {"history": [None]}, {"history": {"a": 1}}, {"history": [{"outcome": ["x"]}]}, {"nextRunTimes": 7},
        {"nextRunTimes": [None]}, {"active": "many"}, {"conditions": "all"}, {"conditions": [{}]},
        {"conditions": [{"type": "Ready"}]}, {"lastRequest": [1]}, {"firings": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_left_out_and_the_others_are_read(forged: dict[str, Any]) -> None:
    """An older CRD, or none of ours, may have let it in."""
    shown = kept(graphcron(**forged))
    (name,) = forged
    usual = graphcron()["status"]
    assert status_of(shown).keys() == usual.keys() - {name}
    assert glance(shown).outcome == (None if name == "history" else "Succeeded")
    assert glance(shown).phase == ("Pending" if name == "conditions" else "Scheduled")


def test_long_messages_are_kept_in_part_and_a_status_beyond_measure_not_at_all() -> None:
    long = graphcron(history=[firing(number, message="x" * 2000) for number in range(10)])
    (message,) = {entry["message"] for entry in status_of(kept(long))["history"]}
    assert len(message) == 300
    assert message.endswith("(2000 characters)")
    assert status_of(long)["history"][0]["message"] == "x" * 2000, "the apiserver's own has all of it"

    record = {"event": "Failed", "state": "Failed", "message": "x" * 1500}
    untold = graphcron(notifications=[record | {"channel": f"channel-{number}"} for number in range(10)])
    assert {len(one["message"]) for one in status_of(kept(untold))["notifications"]} == {300}

    names = [f"{number}{'ü' * 300}" for number in range(16)]
    loud = graphcron(conditions=[condition(type=name, reason="ü" * 128, message="ü" * 2000) for name in names])
    assert len(str(status_of(kept(loud)))) < KEPT_BYTES
    huge = graphcron(conditions=[{}] * STATUS_LIMIT)
    assert (status_of(kept(huge)), glance(kept(huge)).phase) == ({}, "Pending")


def test_long_answers_are_kept_in_part() -> None:
    long = graphcron(history=[firing(number, answer="ü" * 1000) for number in range(10)])
    (answer,) = {entry["answer"] for entry in status_of(kept(long))["history"]}
    assert (len(answer), answer.endswith("(1000 characters)")) == (300, True)


def managed(time: str, manager: str = "kubectl-edit", **more: str) -> dict[str, str]:
    return {"manager": manager, "operation": "Update", "time": time} | more


def test_somebody_changed_it_when_a_client_last_wrote_anything_but_its_status() -> None:
    created = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    assert glance(graphcron() | {"metadata": {"name": "a", **created}}).changed == "2026-01-01T00:00:00Z"
    fields = [
        managed("2026-02-01T00:00:00Z"),
        managed("2026-03-01T00:00:00Z", "argocd"),
        managed("2026-11-01T00:00:00Z", "graphcron", subresource="status"),
    ]
    metadata = {"name": "a", **created, "managedFields": fields}
    assert glance(kept(graphcron() | {"metadata": metadata})).changed == "2026-03-01T00:00:00Z"
    noted = metadata | {"annotations": {"graphcron.dev/updated-at": "2026-04-01T00:00:00.123456+00:00"}}
    assert glance(kept(graphcron() | {"metadata": noted})).changed == "2026-04-01T00:00:00Z"
    forged = metadata | {"managedFields": [managed("soon")], "annotations": {"graphcron.dev/updated-at": "9"}}
    assert glance(kept(graphcron() | {"metadata": forged})).changed == "2026-01-01T00:00:00Z"
    assert glance(kept(graphcron())).changed == "", "it is not known"


def test_ten_thousand_with_ten_firings_each_take_little_memory() -> None:
    """The facade has 220 MiB in all, of which it took 143 before it kept any of this."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = [keep(graphcron()) for _ in range(1000)]
    each = (tracemalloc.get_traced_memory()[0] - before) / len(held)
    tracemalloc.stop()
    assert held[0].keys() == {GLANCE, STATUS}
    assert each * 10_000 < 30 * 1024 * 1024
