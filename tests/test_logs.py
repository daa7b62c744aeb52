"""Log lines as text and as JSON: their fields, and what cannot pass for one."""

import json
import logging

import pytest

from graphcron.logs import JsonFormatter, TextFormatter, configure


def test_a_line_as_json_has_the_fields_as_members() -> None:
    record = logging.makeLogRecord(
        {"name": "x", "levelname": "INFO", "msg": "said %s\n", "args": ("ü",), "created": 0.5, "msecs": 500.0}
        | {"fields": {"status": 200, "owner": None}}
    )
    assert json.loads(JsonFormatter().format(record)) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "INFO",
        "logger": "x",
        "message": "said ü\n",
        "status": 200,
    }
    assert "\n" not in JsonFormatter().format(record)
    assert TextFormatter().format(record).endswith("status=200")


def test_as_text_no_field_passes_for_another_or_for_a_line() -> None:
    for path in ("/x\n2026-11-23T12:00:00.000Z INFO    x: said", "/x owner=bob"):
        record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "said", "fields": {"path": path}})
        assert TextFormatter().format(record).endswith(f"said path={path!r}")


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="log format must be one of text, json"):
        configure("INFO", "xml")
