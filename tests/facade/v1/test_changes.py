"""What the actions write: patches that apply only where they may, and write back nothing that was only read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.facade.auth.callers import EVERYBODY, Caller
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.v1 import changes
from graphcron.kube.json_patch import DoesNotApply, apply
from graphcron.views.actions import NotYet

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = "graphcron.dev/run-requested"


def known(annotations: dict[str, str] | None, recorded: str | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "nightly", "uid": "u"}
    status: dict[str, Any] = {"observedGeneration": 1}
    if annotations is not None:
        metadata["annotations"] = annotations
    if recorded is not None:
        status["lastRequest"] = {"token": recorded}
    return {"metadata": metadata, "spec": {"schedule": "0 9 * * *"} | spec, "status": status}


@pytest.mark.parametrize("annotations", [None, {}, {"a": "b"}, {RUN: "old"}])
def test_of_two_that_request_at_once_one_is_refused_and_reads_again(annotations: dict[str, str] | None) -> None:
    read = known(annotations, "old")
    first = apply(changes.run(read, "one"), read)
    assert first["metadata"]["annotations"] == (annotations or {}) | {RUN: "one"}
    with pytest.raises(DoesNotApply):
        apply(changes.run(read, "two"), first)
    with pytest.raises(NotYet):
        changes.run(first, "two")


def test_a_pause_keeps_what_others_change_meanwhile() -> None:
    patch = changes.pause(known({"a": "1"}), "costs", "ada", NOW)
    changed = known({"a": "2", RUN: "x"}, schedule="5 5 * * *", pauseReason="before")
    paused = apply(patch, changed)
    assert paused["spec"] == {"schedule": "5 5 * * *", "enabled": False, "pauseReason": "costs (by ada)"}
    assert paused["metadata"]["annotations"].items() > {"a": "2", RUN: "x"}.items()
    assert "pauseReason" not in apply(changes.pause(known(None), None, None, NOW), known(None))["spec"]


def test_a_resumption_is_judged_by_its_schedule_and_applies_to_no_other() -> None:
    paused = known({}, enabled=False, pauseReason="costs")
    patch = changes.resume(paused, "t", Quota(), NOW)
    assert apply(patch, paused)["spec"] == {"schedule": "0 9 * * *", "enabled": True}
    with pytest.raises(DoesNotApply):
        apply(patch, known({}, enabled=False, schedule="* * * * *"))
    with pytest.raises(RestError):
        changes.resume(known({}, enabled=False, schedule="* * * * *"), "t", Quota(interval=60 * 60), NOW)
    on = known({}, schedule="* * * * *")
    assert apply(changes.resume(on, "t", Quota(interval=60 * 60), NOW), on)["spec"] == on["spec"]


def test_who_acts_is_the_caller_or_else_what_a_header_says() -> None:
    assert changes.read_actor(Caller("ada"), ["bob"]) == "ada"
    assert changes.read_actor(EVERYBODY, ["bob"]) == "bob"
    assert changes.read_actor(EVERYBODY, []) is None
    for wrong in (["a", "b"], [""], ["x" * 101], ["a\nb"], ["é"]):
        for caller in (EVERYBODY, Caller("ada")):
            with pytest.raises(RestError, match=changes.ACTOR_HEADER):
                changes.read_actor(caller, wrong)
