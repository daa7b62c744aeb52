"""The one spelling of times and ids."""

import pytest

from graphcron.firing.formats import error_text, format_time, parse_time


def test_times_are_utc_and_need_an_offset() -> None:
    assert format_time(parse_time("2026-11-22T21:20:00+02:00")) == "2026-11-22T19:20:00Z"
    with pytest.raises(ValueError, match="no UTC offset"):
        parse_time("2026-11-22T21:20:00")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"loc": "x"}]}', '[{"loc": "x"}]'),
        (b'{"error": "not_found", "message": "Thread \'x\' not found", "details": null}', "Thread 'x' not found"),
        (b'{"success": false, "error": {"name": "ZodError"}}', '{"name": "ZodError"}'),
        (b'"no"', "no"),
        (b"Thread already\n exists", "Thread already exists"),
        (b"<html><h1>404</h1>", ""),
        (b"  <!DOCTYPE html>", ""),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
        (b"[" * 100_000, ""),
        (b'{"detail": null, "x": 1}', ""),
        (b"x" * 10_000, "x" * 1499 + "\u2026"),
    ],
)
def test_what_a_server_says_about_an_error_is_found_in_any_shape(body: bytes, text: str) -> None:
    assert error_text(body) == text
