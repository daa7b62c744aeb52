"""Log lines as text and as JSON: their fields, what cannot pass for one, and that none is longer than people read."""

import json
import logging
import sys

import pytest

from graphcron.logs import TEXT_LIMIT, JsonFormatter, TextFormatter, configure

HUGE = "begin " + "x" * 1_000_000 + " end"


def record(message: str, error: Exception | None = None, **fields: str) -> logging.LogRecord:
    info = None
    if error:
        try:
            raise error
        except Exception:
            info = sys.exc_info()
    made = logging.LogRecord("graphcron", logging.ERROR, "file", 1, message, (), info)
    made.fields = fields
    return made


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
@pytest.mark.parametrize(
    "line",
    [lambda: record(HUGE), lambda: record("said", ValueError(HUGE)), lambda: record("said", path=HUGE)],
    ids=["sentence", "traceback", "field"],
)
def test_a_long_text_is_cut_in_its_middle(formatter: logging.Formatter, line: object) -> None:
    assert callable(line)
    text = formatter.format(line())
    assert len(text) < TEXT_LIMIT + 500
    assert "begin xxx" in text or "Traceback" in text
    assert "xxx end" in text


def test_a_line_as_usual_is_whole() -> None:
    assert TextFormatter().format(record("said", route="/runs")).endswith("ERROR   graphcron: said route=/runs")
    assert json.loads(JsonFormatter().format(record("said", route="/runs")))["route"] == "/runs"


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
