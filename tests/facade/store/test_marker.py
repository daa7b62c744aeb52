"""The note that replicas of the facade share."""

from datetime import UTC, datetime, timedelta

import pytest

from graphcron.facade.store import marker

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize("data", [None, {}, {"newest-write": "soon"}, {"newest-write": ""}])
def test_an_empty_or_a_spoilt_note_knows_of_no_write_and_no_reader(data: dict[str, str] | None) -> None:
    assert (marker.newest({"data": data}), marker.readers({"data": data})) == (0, frozenset())


def test_what_is_said_of_readers_and_of_writes_leaves_the_other_alone() -> None:
    found = marker.with_newest(marker.with_reader({"metadata": {"name": "n"}}, "a", NOW), 7)
    assert (marker.newest(found), marker.readers(found)) == (7, frozenset({"a"}))
    found = marker.with_reader(found, "b", NOW)
    assert (marker.newest(found), marker.readers(found)) == (7, frozenset({"a", "b"}))
    found = marker.without_reader(found, "a")
    assert (marker.newest(found), marker.readers(found)) == (7, frozenset({"b"}))
    assert found["metadata"] == {"name": "n"}


def test_a_reader_that_says_nothing_for_long_is_dropped_when_another_speaks() -> None:
    found = marker.with_reader({}, "killed", NOW)
    found = marker.with_reader(found, "lives", NOW + marker.GONE_AFTER - timedelta(seconds=1))
    assert marker.readers(found) == {"killed", "lives"}
    found = marker.with_reader(found, "lives", NOW + marker.GONE_AFTER)
    assert marker.readers(found) == {"lives"}


def test_a_reader_whose_word_cannot_be_read_is_dropped() -> None:
    found = {"data": {marker.READER + "odd": "yesterday"}}
    assert marker.readers(marker.with_reader(found, "a", NOW)) == {"a"}
