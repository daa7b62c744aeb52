"""JSON that is nested deeper than Python's parser goes.

An apiserver stores objects of 10,000 levels. Python gives up at 1,000 to 10,000, depending on its version: one object
of one user would take all others with it, in each list and in each watch.
"""

import json
import re
from typing import Any

LEVELS = 300
"""How much of such an object is read: more than a GraphCron may have (`models.DEPTH_LIMIT`), so that it is told from
one that is right, and so little that whatever handles it recursively can."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def loads(text: bytes | str) -> Any:
    """The value of a JSON text. Of one that is too deep for the parser, what lies below `LEVELS` levels is null.
    Raises ValueError when it is no JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        return json.loads(shallow(text.encode() if isinstance(text, str) else text))


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
