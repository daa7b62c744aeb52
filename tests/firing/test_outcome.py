"""The outcome that a run pod leaves, and what is none."""

import json
from typing import Any

import pytest

from graphcron.firing.outcome import TERMINATION_MESSAGE_LIMIT, Outcome


def test_an_outcome_survives_the_termination_message() -> None:
    outcome = Outcome("Failed", "RunError", "ValueError: no", run_id="r", thread_id="t")
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize("letter", ["x", "ä", "😀", '"', "\n"])
def test_a_long_message_is_cut_to_what_the_kubelet_keeps_and_the_ids_are_not(letter: str) -> None:
    text = Outcome("Failed", "RunError", letter * 5000, run_id="r", thread_id="t").to_json()
    assert len(text.encode()) <= TERMINATION_MESSAGE_LIMIT
    read = Outcome.from_json(text)
    assert read is not None
    assert (read.run_id, read.thread_id) == ("r", "t")
    assert read.message.endswith("…")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"Killed"', '{"outcome": "Failed"}', "some log line"])
def test_what_a_killed_pod_leaves_is_no_outcome(text: str) -> None:
    assert Outcome.from_json(text) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "Exploded"},
        {"outcome": ["Failed"]},
        {"reason": 7},
        {"message": {"a": 1}},
        {"run_id": ["r"]},
        {"thread_id": 1},
        {"started_at": "yesterday"},
        {"started_at": 5},
    ],
)
def test_what_somebody_elses_program_left_is_no_outcome(wrong: dict[str, Any]) -> None:
    right = {"outcome": "Failed", "reason": "RunError", "started_at": "2026-11-22T19:20:00Z"}
    assert Outcome.from_json(json.dumps(right))
    assert Outcome.from_json(json.dumps(right | wrong)) is None


def test_nor_is_json_that_python_cannot_parse() -> None:
    assert Outcome.from_json("[" * TERMINATION_MESSAGE_LIMIT) is None
