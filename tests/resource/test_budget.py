"""Budgets as they are written."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from graphcron.resource.budget import NEEDS_A_LIMIT, ONE_LIMIT, Budget, SharedBudgets, amount_of


@pytest.mark.parametrize(("value", "amount"), [(5, "5"), ("4.50", "4.50"), ("0.000000001", "0.000000001")])
def test_an_amount_of_money(value: object, amount: str) -> None:
    assert amount_of(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [0, -1, "0", "-1", "NaN", "Infinity", "x", "", 1.5, True, None, "9" * 40, "1e20", "1e3", "1_000", " 5", "5."],
)
def test_no_amount_of_money(value: object) -> None:
    assert amount_of(value) is None


@pytest.mark.parametrize(
    "given", [{"tokens": 1}, {"cost": "4.50"}, {"perRun": {"tokens": 1}}, {"cost": 5, "per": "Day"}]
)
def test_a_budget(given: dict[str, Any]) -> None:
    assert Budget.model_validate(given).to_dict() == given


@pytest.mark.parametrize(
    ("given", "said"), [({"tokens": 1, "cost": 1}, ONE_LIMIT), ({}, NEEDS_A_LIMIT), ({"per": "Day"}, NEEDS_A_LIMIT)]
)
def test_one_limit_and_not_two(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.split(":")[0]):
        Budget.model_validate(given)


@pytest.mark.parametrize(
    "given",
    [{"namespace": {}}, {"owner": {"tokens": 1, "cost": 1}}, {"installation": {"tokens": 0}}, {"team": {"tokens": 1}}],
)
def test_those_of_an_installation_have_a_limit_each(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SharedBudgets.model_validate(given)
