"""The outcome that a run pod leaves, and what is none."""

import json
from typing import Any

import pytest

from graphcron.firing.outcome import ANSWER_LIMIT, MESSAGE_KEPT, TERMINATION_MESSAGE_LIMIT, Outcome, answer_text
from graphcron.firing.usage import OTHER_MODELS, usage_of


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


def used(models: int, name: str = "a-model-with-a-long-name") -> dict[str, Any]:
    one = {"inputTokens": 2**52, "outputTokens": 2**52, "totalTokens": 2**53 - 1, "cachedTokens": 2**52}
    return usage_of({f"{name}-{number}".ljust(128, "x"): one for number in range(models)}, "Stream", True)


def test_usage_answer_and_duration_survive_the_termination_message() -> None:
    outcome = Outcome("Succeeded", "RunSucceeded", run_id="r", usage=used(2), answer="42\n\tor so", duration=0)
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize("letter", ["x", "😀", "\n"])
def test_the_message_makes_room_first_then_the_answer_then_the_names_of_models(letter: str) -> None:
    def read(message: int, answer: int, models: int, name: str = "m") -> Outcome:
        text = Outcome(
            "Failed", "RunError", letter * message, "r", "t", usage=used(models, name), answer="a" * answer, duration=5
        ).to_json()
        assert len(text.encode()) <= TERMINATION_MESSAGE_LIMIT
        found = Outcome.from_json(text)
        assert found
        assert (found.run_id, found.thread_id, found.duration) == ("r", "t", 5)
        assert found.usage
        assert found.usage["totalTokens"] == used(models)["totalTokens"]
        return found

    assert read(5000, 900, 2).answer == "a" * 900
    assert len(read(5000, 900, 2).usage["models"]) == 2  # type: ignore[index]
    assert read(5000, 900, 2).message.endswith("…")
    large = read(5000, 1000, 8, "😀" * 120)
    assert large.answer is None
    assert len(large.message) >= MESSAGE_KEPT
    assert large.usage
    assert 1 < len(large.usage["models"]) < 8, "as many names as there is room for"
    assert OTHER_MODELS in large.usage["models"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"usage": 7},
        {"usage": {"totalTokens": "x"}},
        {"answer": 7},
        {"duration": -1},
        {"duration": True},
        {"duration": "5"},
    ],
)
def test_details_that_cannot_be_read_are_left_out_and_the_outcome_stands(wrong: dict[str, Any]) -> None:
    found = Outcome.from_json(json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"} | wrong))
    assert found == Outcome("Succeeded", "RunSucceeded")


def test_an_answer_is_bounded_and_has_nothing_that_a_terminal_acts_on() -> None:
    forged = json.dumps({"outcome": "Succeeded", "reason": "R", "answer": "\x1b[2Jfine\x00\ud800" + "x" * 3000})
    found = Outcome.from_json(forged)
    assert found
    assert found.answer
    assert found.answer.startswith("[2Jfine")
    assert len(found.answer) <= ANSWER_LIMIT
    assert answer_text(" \n ") is None
    assert answer_text("100\u00a0€\u3000fine\r\n\tyes") == "100 € fine\n\tyes", "spaces of other scripts"
