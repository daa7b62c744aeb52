"""What a run pod reports of its tokens: bounded, and nothing when it is no usage."""

from typing import Any

import pytest

from graphcron.firing.usage import MODELS_LIMIT
from graphcron.resource.usage import TOKEN_COUNT_LIMIT, read_usage

GOOD: dict[str, Any] = {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7, "source": "Callback", "complete": True}


def test_what_a_runner_reports_is_read() -> None:
    models = {"gpt-4o": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}}
    found = read_usage(GOOD | {"models": models, "cachedTokens": 1})
    assert found is not None
    assert (found.total_tokens, found.cached_tokens, found.models["gpt-4o"].output_tokens) == (7, 1, 2)


def test_models_beyond_the_limit_are_one() -> None:
    models = {f"m{number}": {"totalTokens": number, "inputTokens": number} for number in range(1, 21)}
    found = read_usage(GOOD | {"models": models | {"other": {"totalTokens": 100, "inputTokens": 100}}})
    assert found is not None
    assert set(found.models) == {"other"} | {f"m{number}" for number in range(21 - MODELS_LIMIT, 21)}
    assert sum(counts.total_tokens for counts in found.models.values()) == 310


def test_a_name_is_bounded() -> None:
    """What is cut off may end in a space: read again, it is the same name."""
    found = read_usage(GOOD | {"models": {"m" * 127 + " 1": {"totalTokens": 7}, "": {"totalTokens": 1}}})
    assert found is not None
    assert {name: counts.total_tokens for name, counts in found.models.items()} == {"m" * 127: 7, "unknown": 1}
    assert read_usage(found.to_dict()) == found


def test_the_sum_is_no_less_than_its_parts() -> None:
    found = read_usage(GOOD | {"totalTokens": 0})
    assert found is not None
    assert found.total_tokens == 7


@pytest.mark.parametrize("number", [10**30, 2**63])
def test_numbers_are_bounded(number: int) -> None:
    found = read_usage(GOOD | {"inputTokens": number, "models": {"m": {"inputTokens": number}}})
    assert found is not None
    assert found.input_tokens == found.models["m"].input_tokens == TOKEN_COUNT_LIMIT
    assert found.total_tokens <= TOKEN_COUNT_LIMIT


@pytest.mark.parametrize(
    "wrong",
    [
        None, "?", [], 7, {}, GOOD | {"source": "Guess"}, GOOD | {"complete": "maybe"}, GOOD | {"inputTokens": -5},
        GOOD | {"models": "m"}, GOOD | {"models": {"m": 7}}, GOOD | {"inputTokens": "many"},
        GOOD | {"models": {"half \ud83d": {"totalTokens": []}}}, GOOD | {"inputTokens": float("nan")},
    ],
)  # fmt: skip
def test_what_is_no_usage_is_unknown(wrong: object) -> None:
    assert read_usage(wrong) is None


def test_a_usage_is_the_same_after_it_was_stored() -> None:
    """Else it would be priced anew, by the prices of another day."""
    found = read_usage(GOOD | {"models": {"half \ud83d": {"totalTokens": 7}}})
    assert found is not None
    assert read_usage(found.to_dict()) == found
