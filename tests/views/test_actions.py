"""What actions write, when a request to run now has to wait, and what is under way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.resource.identity import requested_job_name
from graphcron.resource.status import TOKEN_LIMIT
from graphcron.views.actions import (
    REASON_LIMIT,
    NotYet,
    check_run,
    is_known,
    is_resuming,
    is_suspended,
    pause,
    resume,
    run_now,
    token,
)

METADATA = {"name": "nightly", "uid": "u", "resourceVersion": "7", "generation": 1}


def graphcron(requested: str | None = None, recorded: str | None = None, **status: Any) -> dict[str, Any]:
    annotations = {"annotations": {"graphcron.dev/run-requested": requested}} if requested is not None else {}
    last = {"lastRequest": {"token": recorded, "outcome": "Started"}} if recorded is not None else {}
    return {"metadata": METADATA | annotations, "spec": {}, "status": {"observedGeneration": 1} | last | status}


@pytest.mark.parametrize(
    "known",
    [
        graphcron(), graphcron(""), graphcron("a", "a"), graphcron(None, "a"), graphcron("x" * 300, "x" * 253),
        graphcron("a", "a", observedGeneration=0),
    ],
)  # fmt: skip
def test_a_run_is_requested_of_the_version_that_was_read(known: dict[str, Any]) -> None:
    annotations = {"graphcron.dev/run-requested": "new"}
    assert run_now(known, "new") == {"metadata": {"resourceVersion": "7", "annotations": annotations}}


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (graphcron("b", "a"), "before it yet, b"),
        (graphcron("a"), "before it yet, a"),
        (graphcron(observedGeneration=-1), "no operator has read"),
        ({"metadata": METADATA, "spec": {}}, "no operator has read"),
        ({"metadata": METADATA, "spec": {}, "status": None}, "no operator has read"),
    ],
)
def test_it_waits_while_one_could_be_lost(known: dict[str, Any], said: str) -> None:
    with pytest.raises(NotYet, match=said):
        check_run(known)


def test_a_request_is_known_by_annotation_record_or_firing() -> None:
    job = requested_job_name(METADATA, "old")
    known = graphcron("newest", "recorded", history=[{"jobName": "other"}, {"jobName": job}, {}])
    assert [token for token in ("newest", "recorded", "old", "new") if is_known(known, token)] == [
        "newest", "recorded", "old",
    ]  # fmt: skip


def test_a_pause_says_why_and_who() -> None:
    def reason(*given: str | None) -> Any:
        return pause(*given)["spec"]["pauseReason"]

    assert [reason(None), reason("", "ada"), reason("costs"), reason("costs", "ada")] == [
        None, "by ada", "costs", "costs (by ada)",
    ]  # fmt: skip
    long = reason("x" * REASON_LIMIT, "ada")
    assert len(long) == REASON_LIMIT
    assert long.endswith(f"({REASON_LIMIT} characters) (by ada)")


def test_resuming_touches_the_spec_of_one_that_is_paused_alone() -> None:
    assert "spec" not in resume(graphcron(), "t")
    assert resume(graphcron() | {"spec": {"enabled": False}}, "t")["spec"] == {"enabled": True, "pauseReason": None}


def test_requests_at_different_times_have_different_tokens() -> None:
    now = datetime(2026, 12, 1, 10, 5, 0, 123, tzinfo=UTC)
    assert token(now) == "2026-12-01T10:05:00.000123Z"
    assert token(now + timedelta(microseconds=1)) != token(now)


ANNOTATION = "graphcron.dev/resume-requested"


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {"enabled": False}, True),
        ({"enabled": True}, {"enabled": False}, True),
        ({"enabled": False}, {"enabled": False}, False),
        ({}, {"enabled": True}, False),
        ({}, {}, False),
        ({}, None, False),
    ],
)
def test_what_fires_no_more_though_it_is_enabled_is_suspended(
    spec: dict[str, Any], status: dict[str, Any] | None, expected: bool
) -> None:
    assert is_suspended({"spec": spec, "status": status}) is expected


@pytest.mark.parametrize(
    ("requested", "recorded", "expected"),
    [
        ("a", None, True),
        ("a", "b", True),
        ("a", "a", False),
        ("x" * 1000, "x" * TOKEN_LIMIT, False),
        ("", None, False),
        (None, "a", False),
    ],
)
def test_a_request_is_under_way_until_it_is_recorded(
    requested: str | None, recorded: str | None, expected: bool
) -> None:
    annotations = {ANNOTATION: requested} if requested is not None else None
    status = {"lastResume": recorded} if recorded else None
    assert is_resuming({"metadata": {"annotations": annotations}, "status": status}) is expected
