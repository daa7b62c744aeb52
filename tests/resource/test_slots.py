"""Scheduled times as a short text: what is written is read again, and what cannot be read is refused."""

import base64
import contextlib
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.resource.backfill import EARLIEST, SLOTS_LIMIT, SLOTS_TEXT_LIMIT
from graphcron.resource.slots import read_slots, write_slots

minutes = st.integers(0, 90_000_000).map(lambda minute: EARLIEST + timedelta(minutes=minute))


@settings(database=None)
@given(st.sets(minutes, max_size=200))
def test_what_is_written_is_read_in_order(times: set[datetime]) -> None:
    assert read_slots(write_slots(times), 200) == sorted(times)


def test_ten_thousand_hours_take_some_hundred_characters_and_any_ten_thousand_minutes_fit() -> None:
    hours = [EARLIEST + timedelta(hours=number) for number in range(SLOTS_LIMIT)]
    assert len(write_slots(hours)) < 200
    # Squares taken apart: differences that do not repeat.
    apart = [EARLIEST + timedelta(minutes=number * 1999 + number * number % 1997) for number in range(SLOTS_LIMIT)]
    text = write_slots(apart)
    assert len(text) < SLOTS_TEXT_LIMIT
    assert read_slots(text, SLOTS_LIMIT) == sorted(apart)


@pytest.mark.parametrize("text", ["!", "AAAA", write_slots([datetime(2026, 1, 1, tzinfo=UTC)])[:-4]])
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_slots(text, 10)


def test_a_text_with_more_times_than_there_may_be_is_refused() -> None:
    times = [EARLIEST + timedelta(minutes=number) for number in range(12)]
    with pytest.raises(ValueError, match="cannot be read"):
        read_slots(write_slots(times), 11)


@settings(database=None)
@given(st.binary(max_size=64))
def test_nothing_makes_it_fail_otherwise(data: bytes) -> None:
    text = base64.b64encode(zlib.compress(data)).decode()
    with contextlib.suppress(ValueError):
        assert len(read_slots(text, 100)) <= 100
