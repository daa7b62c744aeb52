"""What is said of channels, and of messages that have not arrived."""

from typing import Any

import pytest

from graphcron.views.channels import (
    PENDING,
    READY,
    answer_to,
    request_test,
    requested_test,
    state,
    undelivered,
    undelivered_line,
)

FAILED = {"event": "Failed", "channel": "team", "state": "Failed"}
DELIVERED = {"event": "Failed", "channel": "other", "state": "Delivered"}


@pytest.mark.parametrize("status", [None, {}, {"notifications": None}, {"notifications": [DELIVERED]}])
def test_what_is_delivered_or_not_to_be_told_is_not_named(status: Any) -> None:
    assert undelivered({"status": status}) == []
    assert undelivered({}) == []


def test_what_waits_and_what_failed_are_undelivered() -> None:
    waits = DELIVERED | {"state": "Pending"}
    assert undelivered({"status": {"notifications": [DELIVERED, FAILED, waits]}}) == [FAILED, waits]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (FAILED | {"state": "Pending"}, "Failed by channel team: not sent yet"),
        (FAILED | {"state": "Pending", "count": 3}, "Failed (3 firings) by channel team: not sent yet"),
        (
            FAILED | {"attempts": 1, "count": 1, "message": "hooks.slack.com answered 503"},
            "Failed by channel team: failed, and is tried again: hooks.slack.com answered 503",
        ),
        (FAILED | {"attempts": 5}, "Failed by channel team: failed after 5 attempts, and is tried again"),
    ],
)
def test_a_line_says_what_by_whom_and_why(record: dict[str, Any], line: str) -> None:
    assert undelivered_line(record) == line


def channel(*conditions: tuple[str, str], observed: int = 2, **more: Any) -> dict[str, Any]:
    found = [
        {"type": kind, "status": status, "reason": f"{kind}{status}", "message": f"{kind} is {status}."}
        for kind, status in conditions
    ]
    return {
        "metadata": {"name": "team", "generation": 2},
        "status": {"observedGeneration": observed, "conditions": found} | more,
    }


def test_a_channel_is_ready_unless_a_condition_says_otherwise() -> None:
    assert state(channel(("Ready", "True"), ("Delivering", "True"))) == (READY, "")
    assert state(channel(("Ready", "True"))) == (READY, ""), "nothing was sent yet"
    assert state(channel(("Ready", "False"), ("Delivering", "False"))) == ("ReadyFalse", "Ready is False.")
    assert state(channel(("Ready", "True"), ("Delivering", "False"))) == ("DeliveringFalse", "Delivering is False.")


def test_one_that_no_notifier_has_read_says_how_to_get_one() -> None:
    for found in (channel(observed=1), {"metadata": {"generation": 1}}):
        word, sentence = state(found)
        assert word == PENDING
        assert "notifier.enabled" in sentence


def test_a_test_is_an_annotation_and_its_answer_has_the_same_token() -> None:
    assert request_test("t") == {"metadata": {"annotations": {"graphcron.dev/test-requested": "t"}}}
    assert (requested_test(request_test("t")), requested_test(channel())) == ("t", "")
    last = {"token": "t", "state": "Delivered"}
    assert answer_to(channel(lastTest=last), "t") == last
    assert answer_to(channel(lastTest=last), "u") is None
    assert answer_to(channel(), "t") is None
