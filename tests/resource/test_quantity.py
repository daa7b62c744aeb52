"""Quantities: what is one, and which are the same amount."""

from decimal import Decimal

import pytest

from graphcron.resource.quantity import amount

AMOUNTS: dict[object, str] = {
    "1": "1",
    "0": "0",
    2: "2",
    0.5: "0.5",
    "500m": "0.5",
    ".5": "0.5",
    "5.": "5",
    "+1": "1",
    "250u": "0.00025",
    "7n": "0.000000007",
    "1k": "1000",
    "1Ki": "1024",
    "512Mi": "536870912",
    "1.5Gi": "1610612736",
    "1E": "1e18",
    "1Ei": "1152921504606846976",
    "1e3": "1000",
    "12E-1": "1.2",
}
NONE = [
    "", " ", "lots", "512MB", "1 Gi", "0,5", "1G i", "1gi", "1K", "-1", "1e", "e5", "Mi", ".", "1\n", "٣",
    "1" * 33, -1, -0.5, float("inf"), float("nan"), True, None, [], {},
]  # fmt: skip


@pytest.mark.parametrize(("value", "number"), AMOUNTS.items(), ids=str)
def test_a_quantity_has_an_amount(value: object, number: str) -> None:
    assert amount(value) == Decimal(number)


@pytest.mark.parametrize("value", NONE, ids=repr)
def test_anything_else_has_none(value: object) -> None:
    assert amount(value) is None
