"""The one spelling of times and ids."""

import pytest

from graphcron.firing.formats import format_time, parse_time


def test_times_are_utc_and_need_an_offset() -> None:
    assert format_time(parse_time("2026-11-22T21:20:00+02:00")) == "2026-11-22T19:20:00Z"
    with pytest.raises(ValueError, match="no UTC offset"):
        parse_time("2026-11-22T21:20:00")
