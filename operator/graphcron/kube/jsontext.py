"""JSON of the Kubernetes API: parsed and written quickly, however deep it is nested.

An apiserver stores objects of 10,000 levels. Python's own parser gives up at 1,000 to 10,000, depending on its version,
and orjson, which is five times as fast, at 1,024: one object of one user would take all others with it, in each list
and in each watch.
"""

import json
import re
from typing import Any

import orjson

LEVELS = 300
"""How much of such an object is read: more than a GraphCron may have (`DEPTH_LIMIT`), so that it
differs from a valid one, and so little that recursive code can handle it."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def loads(text: bytes | str) -> Any:
    """The value of a JSON text. Of one that is too deep for the parser, what lies below `LEVELS` levels is null.
    Raises ValueError when it is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.loads(shallow(text.encode() if isinstance(text, str) else text))


class Packed:
    """A value as the text of its JSON, which takes a fraction of its memory; `dumps` writes it as it is."""

    __slots__ = ("text",)

    def __init__(self, value: Any) -> None:
        self.text = dumps(value)


def opened(value: Any) -> Any:
    """The value, where it is packed."""
    return loads(value.text) if isinstance(value, Packed) else value


def dumps(value: Any) -> bytes:
    """As short as can be, in UTF-8. Raises TypeError for what is no JSON."""
    if (text := dumps_shallow(value)) is not None:
        return text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=opened).encode()


def dumps_shallow(value: Any) -> bytes | None:
    """The same; None for what is too much for orjson, which ends at 254 levels, and at integers of 64 bits. Python's
    own encoder takes ten times as long and fifty times the memory."""
    try:
        # A copy: orjson's own buffer is up to four times as long, and fifty times for a list of empty lists.
        return bytes(memoryview(orjson.dumps(value, default=_fragment)))
    except orjson.JSONEncodeError:
        return None


def _fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, Packed):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no JSON")


def canonical(value: Any) -> bytes:
    """The same text for equal values: keys in order. Of what this program made itself, at most 254 levels deep."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def shallow(text: bytes) -> bytes:
    """A JSON text with null for what lies below `LEVELS` levels; the same text when nothing does."""
    if text.count(b"{") + text.count(b"[") <= LEVELS:
        return text
    kept, depth, begin = [], 0, 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case b"{" | b"[":
                depth += 1
                if depth == LEVELS + 1:
                    kept += [text[begin : token.start()], b"null"]
            case b"}" | b"]":
                depth -= 1
                if depth == LEVELS:
                    begin = token.end()
    kept.append(text[begin:])
    return b"".join(kept)
