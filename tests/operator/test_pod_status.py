"""What a run pod says, whatever others have put into it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from graphcron.operator.pod_status import (
    cannot_start,
    companions,
    ended_at,
    final_outcome,
    has_started,
    initializes,
    job_of,
    last_words,
    late_at,
    pod_is_over,
    starts_late,
)
from tests.support.world import RUNNING, at, pod, terminated

SAID = json.dumps({"outcome": "Failed", "reason": "RunError", "run_id": "r1"})
CREATING: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}


def made(**status: Any) -> dict[str, Any]:
    """A pod with that status and nothing else in it."""
    return pod("hello-1", "11:00") | {"status": status}


def test_a_pod_that_the_kubelet_has_not_seen_has_not_started() -> None:
    assert not has_started({"metadata": {}})
    assert not has_started(pod("hello-1", "11:00", run=CREATING))
    assert not has_started(pod("hello-1", "11:00", proxy=RUNNING, run=CREATING)), "another container is not ours"
    assert has_started(pod("hello-1", "11:00", run=RUNNING))
    assert has_started(pod("hello-1", "11:00", run=terminated(0, "11:00:09")))


def test_a_pod_without_our_label_is_of_no_job() -> None:
    assert job_of(pod("hello-1", "11:00")) == "hello-1"
    assert job_of({"metadata": {}}) is None


def test_companions_are_the_others_that_have_not_ended() -> None:
    found = pod("hello-1", "11:00", run=RUNNING, proxy=RUNNING, log=terminated(0, "11:00:09"), late=CREATING)
    assert companions(found) == ["proxy", "late"]


@pytest.mark.parametrize(("phase", "over"), [("Running", False), ("Succeeded", True), ("Failed", True)])
def test_a_pod_is_over_when_all_of_it_is_or_when_it_is_gone(phase: str, over: bool) -> None:
    assert pod_is_over(made(phase=phase)) is over
    assert pod_is_over(made(phase=phase) | {"deletedAt": "2026-12-01T11:30:00Z"})


@pytest.mark.parametrize(("code", "final"), [(0, True), (10, True), (11, True), (75, False), (137, False)])
def test_an_outcome_is_final_by_the_exit_code_and_not_by_the_word(code: int, final: bool) -> None:
    found = final_outcome([pod("hello-1", "11:00", run=terminated(code, "11:00:09", SAID))])
    assert (found is not None) is final
    if found:
        assert (found[0].run_id, found[1]) == ("r1", "2026-12-01T11:00:09Z")


def test_a_final_exit_without_a_word_is_no_outcome() -> None:
    assert final_outcome([pod("hello-1", "11:00", run=terminated(0, "11:00:09"))]) is None


def test_last_words_are_the_last_line_with_the_reason_and_have_an_end() -> None:
    assert last_words(pod("hello-1", "11:00", run=terminated(1, "11:00:09", "one\ntwo \n\n"))) == "Error: two"
    assert last_words(pod("hello-1", "11:00", run=terminated(1, "11:00:09"))) == "Error"
    assert last_words(pod("hello-1", "11:00", run=RUNNING)) == ""
    assert len(last_words(pod("hello-1", "11:00", run=terminated(1, "11:00:09", "x" * 4096)))) == 1024


def test_a_pod_ended_when_its_run_did_else_when_it_was_deleted_else_at_the_last_that_is_known() -> None:
    gone = {"deletedAt": "2026-12-01T11:30:00Z"}
    assert ended_at(pod("hello-1", "11:00", run=terminated(0, "11:00:09")) | gone) == at("11:00:09")
    assert ended_at(pod("hello-1", "11:00", run=RUNNING) | gone) == at("11:30")
    assert ended_at(made(conditions=[{"lastTransitionTime": "2026-12-01T11:05:00Z"}])) == at("11:05")
    assert ended_at(made()) == at("11:00:01")


def test_only_what_waits_for_a_user_cannot_start() -> None:
    missing = {"waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}}
    assert cannot_start(pod("hello-1", "11:00", run=CREATING)) is None
    assert cannot_start(pod("hello-1", "11:00", run=missing)) == (
        "CreateContainerConfigError",
        "run pod hello-1-x: no secret",
    )
    first = made(initContainerStatuses=[{"name": "copy", "state": {"waiting": {"reason": "ErrImagePull"}}}])
    assert cannot_start(first) == ("ErrImagePull", "run pod hello-1-x: ErrImagePull")


def test_a_pod_without_a_node_has_the_schedulers_reason() -> None:
    scheduled = {"type": "PodScheduled", "status": "False"}
    assert cannot_start(made(conditions=[scheduled])) == ("Unschedulable", "run pod hello-1-x: Unschedulable")
    assert cannot_start(made(conditions=[scheduled | {"status": "True"}])) is None


def test_a_pod_on_a_node_is_late_a_minute_after_its_start_unless_its_network_is_ready() -> None:
    unready = {"type": "PodReadyToStartContainers", "status": "False"}
    waits: dict[str, Any] = {"phase": "Pending", "startTime": "2026-12-01T11:00:05Z", "conditions": [unready]}
    assert late_at(made(**waits)) == at("11:00:05") + timedelta(seconds=60)
    assert late_at(made(**waits | {"conditions": [unready | {"status": "True"}]})) is None, "it pulls its image"
    assert late_at(made(**waits | {"phase": "Running"})) is None
    assert late_at(made(phase="Pending", conditions=[unready])) is None, "it has no node"


def test_a_late_pod_names_what_it_mounts() -> None:
    assert "It mounts Secret a and ConfigMap b: do they exist" in starts_late(made(), ["Secret a", "ConfigMap b"])[1]
    assert "mounts" not in starts_late(made(), [])[1]


def test_an_init_container_that_is_a_sidecar_is_done_once_it_has_started() -> None:
    running = {"name": "mesh", "state": RUNNING}
    assert initializes(made(initContainerStatuses=[running])) == (
        "PodInitializing",
        "run pod hello-1-x: its init container mesh is not done",
    )
    assert initializes(made(initContainerStatuses=[running | {"started": True}])) is None
