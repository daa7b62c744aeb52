"""Durations: what is one, how long it is, and how it is written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcron.resource.durations import LONGEST, SHORTEST, length_of, written

LENGTHS = {
    "26h": 93600, "5m": 300, "90s": 90, "1h30m": 5400, "1h0m1s": 3601, "90m": 5400, "10s": 10, "8784h": 31622400,
    "0s": 0, "0h": 0, "00h00m10s": 10,
}  # fmt: skip
NONE = [
    "", " ", "5", "h", "5 m", "1.5h", "1d", "5M", "9s", "8785h", "-5m", "+5m", "5m1h", "5m\n", "٣m", "1h1h", "PT5M",
    "1" * 17 + "s", "527041m",
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), LENGTHS.items(), ids=str)
def test_a_duration_has_a_length(text: str, seconds: int) -> None:
    assert length_of(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", NONE, ids=repr)
def test_anything_else_has_none_and_a_sentence_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="such as 26h, 90s or 1h30m"):
        length_of(text)


@given(st.integers(int(SHORTEST.total_seconds()), int(LONGEST.total_seconds())))
def test_what_is_written_is_read_as_the_same_length(seconds: int) -> None:
    assert length_of(written(timedelta(seconds=seconds))).total_seconds() == seconds


def test_it_is_written_as_kubernetes_does() -> None:
    assert [written(timedelta(seconds=seconds)) for seconds in (93600, 300, 90, 5400, 0)] == [
        "26h", "5m", "1m30s", "1h30m", "0s",
    ]  # fmt: skip
