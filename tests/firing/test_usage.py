"""Tokens as run pods report them: bounded, and never believed when they are none."""

import json
from typing import Any

import pytest

from graphcron.firing.usage import MODEL_NAME_LIMIT, MODELS_LIMIT, OTHER_MODELS, fewer, read_usage, usage_of
from graphcron.resource.usage import Usage


def tokens(total: int) -> dict[str, int]:
    return {"inputTokens": total, "outputTokens": 0, "totalTokens": total, "cachedTokens": 0}


def test_a_usage_is_what_the_status_describes() -> None:
    found = usage_of({"gpt": tokens(7), "claude": tokens(5)}, "Stream", True)
    assert (found["totalTokens"], found["models"]["gpt"]["totalTokens"]) == (12, 7)
    assert Usage.model_validate(found).model_dump(by_alias=True) == found
    assert read_usage(json.loads(json.dumps(found))) == found


def test_of_many_models_those_that_used_least_are_one() -> None:
    models = {f"model-{number}": tokens(number + 1) for number in range(20)}
    kept = usage_of(models, "Callback", True)["models"]
    assert len(kept) == MODELS_LIMIT + 1
    assert "model-19" in kept
    assert kept[OTHER_MODELS]["totalTokens"] == sum(range(1, 13))
    again = fewer(kept, 2)
    assert list(again) == ["model-19", "model-18", OTHER_MODELS]
    assert sum(one["totalTokens"] for one in again.values()) == 210


@pytest.mark.parametrize(
    "wrong",
    [
        {"totalTokens": -1},
        {"totalTokens": 1.5},
        {"inputTokens": True},
        {"outputTokens": "7"},
        {"source": "Guess"},
        {"source": ["Stream"]},
        {"complete": 1},
        {"models": ["gpt"]},
        {"models": {"gpt": 7}},
        {"models": {"gpt": {"totalTokens": None}}},
    ],
)
def test_what_is_no_usage_is_unknown(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {**tokens(3), "source": "Stream", "complete": True}
    assert read_usage(right)
    assert read_usage(right | wrong) is None


@pytest.mark.parametrize("wrong", [None, 7, "x", [], {}])
def test_nor_is_what_has_another_shape(wrong: object) -> None:
    assert read_usage(wrong) is None


def test_a_forged_usage_stays_small() -> None:
    models = {f"{number}\n\x1b[31m{'x' * 500}": tokens(2**70) for number in range(500)}
    found = read_usage({**tokens(2**70), "source": "Stream", "complete": True, "models": models})
    assert found
    assert len(found["models"]) <= MODELS_LIMIT + 1
    assert all(len(name) <= MODEL_NAME_LIMIT and name.isprintable() for name in found["models"])
    assert Usage.model_validate(found)
