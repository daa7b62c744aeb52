"""Times in a spec: RFC 3339 alone, in UTC with whole seconds."""

import pytest
from pydantic import TypeAdapter, ValidationError

from graphcron.firing.formats import format_time
from graphcron.resource.fields import Time

READ = TypeAdapter(Time)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00.999+01:00", "2026-12-24T17:00:00Z"),
        ("9999-12-31T23:59:59+05:00", "9999-12-31T18:59:59Z"),
    ],
)
def test_a_time_is_read_as_utc_with_whole_seconds(text: str, expected: str) -> None:
    assert format_time(READ.validate_python(text)) == expected


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1798135200, "must be an RFC 3339 time, such as 2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00", "has no UTC offset"),
        ("9999-12-31T23:59:59-05:00", "must lie between the years 1 and 9999 in UTC"),
    ],
)
def test_what_is_no_time_is_refused_with_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        READ.validate_python(value)
