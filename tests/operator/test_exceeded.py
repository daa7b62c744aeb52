"""What may be used, and the sentence about a budget that is used up."""

from decimal import Decimal

import pytest

from graphcron.operator.exceeded import Exceeded, Limit
from graphcron.resource.usage import SpendingWindow
from tests.support.world import at

TOKENS, MONEY = Limit.of(1000, None), Limit.of(None, "4.50")


def window(tokens: int, cost: str | None = None) -> SpendingWindow:
    return SpendingWindow(since=at("00:00"), firings=1, tokens=tokens, cost=cost)


def test_a_limit_is_of_tokens_or_of_money() -> None:
    assert Limit.of(None, None) is None
    assert TOKENS
    assert MONEY
    assert (TOKENS.used(window(7, "3.2")), MONEY.used(window(7, "3.2")), MONEY.used(window(7))) == (
        Decimal(7), Decimal("3.2"), Decimal(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "amount", "currency", "text"),
    [
        (TOKENS, "1234567", None, "1,234,567 tokens"),
        (TOKENS, "1000", "EUR", "1,000 tokens"),
        (MONEY, "4.50", "EUR", "4.5 EUR"),
        (MONEY, "1000", "EUR", "1,000 EUR"),
        (MONEY, "0.000000001", None, "0.000000001"),
    ],
)
def test_an_amount_in_words(limit: Limit, amount: str, currency: str | None, text: str) -> None:
    assert limit.written(Decimal(amount), currency) == text


def test_what_has_no_price_is_known_by_its_tokens() -> None:
    assert TOKENS
    assert MONEY
    assert MONEY.is_unpriced(window(7))
    assert not MONEY.is_unpriced(window(7, "0"))
    assert not MONEY.is_unpriced(window(0))
    assert not TOKENS.is_unpriced(window(7))


class TestSteady:
    NEW = Exceeded("until noon: 12 of 10.", at("12:00"), sum=": 12 of ")

    def test_another_sum_alone_keeps_what_was_told(self) -> None:
        assert self.NEW.steady("until noon: 11 of 10.").message == "until noon: 11 of 10."

    @pytest.mark.parametrize("told", [None, "", "until one: 11 of 10.", "until noon: 11 of 20."])
    def test_another_end_or_limit_is_told_anew(self, told: str | None) -> None:
        assert self.NEW.steady(told) == self.NEW

    def test_without_a_sum_of_others_it_is_as_it_is(self) -> None:
        own = Exceeded("until noon: 12 of 10.", at("12:00"))
        assert own.steady("until noon: 12 of 10. Really.") == own
