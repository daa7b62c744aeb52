"""Log lines: none is longer than people and collectors read, whatever it quotes."""

import json
import logging
import sys

import pytest

from graphcron.logs import TEXT_LIMIT, JsonFormatter, TextFormatter

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
