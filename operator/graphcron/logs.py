"""Log lines as every process of ours writes them: UTC time, level, what it is about, one sentence.

As text for people, or as one JSON object a line for programs. Fields of a line (`extra={"fields": {…}}`) are members
of the object, and follow the sentence in the text.
"""

import json
import logging
import sys
import time
from typing import Any

FORMATS = ("text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

TEXT_LIMIT = 8192
"""Characters of a sentence, of a traceback, or of a field: they quote what others sent."""


def configure(level: str, form: str = "text") -> None:
    """Write to standard output, from that level on (DEBUG, INFO, WARNING, ERROR), in one of `FORMATS`. Raises
    ValueError for others."""
    if form not in FORMATS:
        raise ValueError(f"log format must be one of {', '.join(FORMATS)}")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Which line of code it was, and in which thread, is in no line of ours: half of what a line costs (Logging HOWTO,
    # "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # At INFO, kopf tells of its own steps and of each event; ours say what was done about it.
    if logging.getLogger().level > logging.DEBUG:
        logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


class TextFormatter(logging.Formatter):
    """`2026-11-23T12:00:00.000Z INFO    graphcron.facade.main: sentence field=value`."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        record.message = shortened(record.message)
        shown = (f" {key}={_plain(value)}" for key, value in _fields(record).items() if value is not None)
        return super().formatMessage(record) + "".join(shown)

    def formatException(self, ei: Any) -> str:  # noqa: N802  the name is logging's
        return shortened(super().formatException(ei))


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `logger` and `message`, the fields of the line, and `exception` when there is one."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        line: dict[str, Any] = {
            "time": f"{moment}.{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": shortened(record.getMessage()),
        }
        line |= {key: value for key, value in _fields(record).items() if value is not None}
        if record.exc_info:
            line["exception"] = shortened(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def shortened(text: str) -> str:
    """At most `TEXT_LIMIT` characters: the beginning, and the end, where a traceback says what happened."""
    if len(text) <= TEXT_LIMIT:
        return text
    gap = f" … ({len(text)} characters) … "
    half = (TEXT_LIMIT - len(gap)) // 2
    return text[:half] + gap + text[-half:]


def _plain(value: object) -> str:
    """As it is, or quoted where it could pass for another field or another line: a path may hold anything."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    found = getattr(record, "fields", None)
    if not isinstance(found, dict):
        return {}
    return {key: shortened(value) if isinstance(value, str) else value for key, value in found.items()}
