"""What tokens cost: exact, by the price of each model, and never a part shown as the whole."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from graphcron.resource.prices import Cost, Prices, by_model, read_amount, written
from graphcron.resource.usage import Usage

PRICES = Prices.model_validate(
    {
        "currency": "EUR",
        "models": {
            "gpt-4o": {"input": "2.50", "output": 10, "cached": "1.25"},
            "gpt-4o-mini*": {"input": 0.15, "output": "0.6"},
            "gpt-*": {"input": "1", "output": "1"},
        },
    }
)


def used(**models: tuple[int, int, int]) -> Usage:
    """Input, output and cached tokens by model."""
    counts: dict[str, Any] = {
        name.replace("_", "-"): {
            "inputTokens": given,
            "outputTokens": answered,
            "totalTokens": given + answered,
            "cachedTokens": cached,
        }
        for name, (given, answered, cached) in models.items()
    }
    sums = {key: sum(one[key] for one in counts.values()) for one in counts.values() for key in one}
    return Usage.model_validate({**sums, "models": counts, "source": "Callback", "complete": True})


def test_cached_tokens_are_part_of_the_input_and_cost_less() -> None:
    found = PRICES.cost_of(used(gpt_4o=(1_000_000, 100_000, 400_000)))
    assert found == Cost(Decimal("0.6") * Decimal("2.5") + Decimal("0.4") * Decimal("1.25") + 1, complete=True)


def test_without_a_price_of_their_own_cached_tokens_cost_as_others() -> None:
    assert PRICES.cost_of(used(gpt_4o_mini=(1_000_000, 0, 900_000))).amount == Decimal("0.15")


def test_a_name_counts_before_a_beginning_and_a_longer_beginning_before_a_shorter() -> None:
    names = ("gpt-4o", "gpt-4o-mini-2026", "gpt-4o-2026", "claude")
    assert [price and price.input for price in map(PRICES.price_of, names)] == [
        Decimal("2.5"),
        Decimal("0.15"),
        1,
        None,
    ]


def test_a_model_without_a_price_leaves_the_cost_incomplete() -> None:
    assert PRICES.cost_of(used(gpt_4o=(1_000_000, 0, 0), claude=(5, 5, 0))) == Cost(Decimal("2.5"), complete=False)
    assert PRICES.cost_of(used(claude=(5, 5, 0))) == Cost(None, complete=False)


def test_tokens_of_no_model_are_of_an_unknown_one() -> None:
    usage = used(gpt_4o=(1_000_000, 0, 0)).model_copy(update={"input_tokens": 1_000_007, "output_tokens": 3})
    assert by_model(usage)["unknown"].input_tokens == 7
    assert PRICES.cost_of(usage) == Cost(Decimal("2.5"), complete=False)


def test_no_tokens_cost_nothing() -> None:
    assert PRICES.cost_of(used()) == Cost(Decimal(), complete=True)


def test_many_small_amounts_add_up_exactly() -> None:
    amount = PRICES.cost_of(used(gpt_4o_mini=(1, 1, 0))).amount
    assert amount == Decimal("0.00000075")
    assert sum((read_amount(written(amount)) for _ in range(10_000)), Decimal()) == Decimal("0.0075")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"), ("10", "10"), ("100.50", "100.5"), ("0.0000000005", "0.000000001"), ("1E+3", "1000"),
        ("-1", "0"), ("1E+30", "999999999999999.999999999"),
    ],
)  # fmt: skip
def test_an_amount_is_written_without_exponent_and_within_bounds(amount: str, text: str) -> None:
    assert written(Decimal(amount)) == text


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity", "a", "1e99", "0.00000000001", True, None, "1" * 40])
def test_a_price_is_an_amount_of_money(wrong: object) -> None:
    with pytest.raises(ValidationError, match="for a million tokens"):
        Prices.model_validate({"models": {"m": {"input": wrong, "output": 1}}})


@pytest.mark.parametrize(
    ("total", "models"), [(9, {}), (9, {"gpt-4o": {"totalTokens": 9}}), (9, {"gpt-4o": {"inputTokens": 0}})]
)
def test_tokens_of_which_only_the_sum_is_known_have_no_price(total: int, models: dict[str, Any]) -> None:
    """They are not free."""
    usage = Usage.model_validate({"totalTokens": total, "models": models, "source": "Stream", "complete": True})
    assert PRICES.cost_of(usage) == Cost(None, complete=False)


def test_a_total_that_is_more_than_its_parts_costs_more() -> None:
    counts = {"inputTokens": 1_000_000, "outputTokens": 0, "totalTokens": 1_000_001}
    usage = Usage.model_validate(counts | {"models": {"gpt-4o": counts}, "source": "Stream", "complete": True})
    assert PRICES.cost_of(usage) == Cost(Decimal("2.5"), complete=False)
