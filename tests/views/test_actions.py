"""What actions write, and what is under way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.resource.status import TOKEN_LIMIT
from graphcron.views.actions import is_resuming, is_suspended, pause, resume, run_now, token

ANNOTATION = "graphcron.dev/resume-requested"


def test_each_request_has_another_token() -> None:
    assert token(datetime(2026, 11, 22, 19, 25, 15, 7, tzinfo=UTC)) == "2026-11-22T19:25:15.000007Z"
    assert run_now("t") == {"metadata": {"annotations": {"graphcron.dev/run-requested": "t"}}}


def test_a_pause_is_undone_and_a_spec_that_fires_is_left_alone() -> None:
    assert pause("costs") == {"spec": {"enabled": False, "pauseReason": "costs"}}
    asked = {"metadata": {"annotations": {ANNOTATION: "t"}}}
    assert resume({"spec": {"enabled": False}}, "t") == asked | {"spec": {"enabled": True, "pauseReason": None}}
    assert resume({"spec": {}}, "t") == asked


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
