"""Searches of threads and runs by `cron_id`, as LangGraph's documentation finds those of a cron. Pure.

Servers drop that key from the metadata that a client writes, so run pods write `CRON_MARK`, which they keep. A filter
by the one becomes a filter by the other; all else in a request stays as it was spelt.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus

from graphcron.firing.order import CRON_MARK, CRON_METADATA

BODY_LIMIT = 128 * 1024
"""Bytes of a search that is read. A thousand ids of threads are 40 KiB; what is larger goes through unread."""

_SEARCH = re.compile(r"/(threads|runs|threads/[^/?]+/runs)/(search|count)")
_LIST = re.compile(r"/threads/[^/?]+/runs")


class Filter(NamedTuple):
    """The id of a cron that a search names, and the query or body that finds its threads and runs instead."""

    cron_id: str
    text: str


def is_search(method: str, raw_path: str) -> bool:
    """Whether its body is a search of threads or runs."""
    return method == "POST" and _SEARCH.fullmatch(raw_path.partition("?")[0]) is not None


def in_body(data: bytes) -> Filter | None:
    """None when it names no cron, and for what is no JSON: the Agent Server says so."""
    if CRON_METADATA.encode() not in data:
        return None
    try:
        text = data.decode()
        found = [_spans(text, where[0]) for key, _, _, where in _members(text, 0) if key == "metadata"]
        return _filter(text, found[-1]) if found else None
    except (ValueError, RecursionError):
        return None


def in_query(method: str, raw_path: str) -> Filter | None:
    """The same for a list of a thread's runs, with the metadata as JSON in the query."""
    path, _, query = raw_path.partition("?")
    if method != "GET" or CRON_METADATA not in query or not _LIST.fullmatch(path):
        return None
    parts = query.split("&")
    for number, part in enumerate(parts):
        name, _, value = part.partition("=")
        if unquote_plus(name) != "metadata":
            continue
        try:
            text = unquote_plus(value)
            found = _filter(text, _spans(text, 0))
        except (ValueError, RecursionError):
            continue
        if found:
            parts[number] = f"{name}={quote(found.text, safe='')}"
            return Filter(found.cron_id, "&".join(parts))
    return None


_Span = tuple[int, int]


def _filter(text: str, spans: list[tuple[_Span, _Span, str]]) -> Filter | None:
    """`spans` are the places of key and value, of which a parser takes the last."""
    if not spans:
        return None
    identity = spans[-1][2]
    for (key, key_end), (value, value_end), _ in reversed(spans):
        text = f'{text[:key]}"{CRON_MARK}"{text[key_end:value]}"{identity}"{text[value_end:]}'
    return Filter(identity, text)


def _spans(text: str, at: int) -> list[tuple[_Span, _Span, str]]:
    """Where the object at that place has a `cron_id` that is one, each with the id. Raises ValueError."""
    return [
        (key, where, identity)
        for name, key, value, where in _members(text, at)
        if name == CRON_METADATA and isinstance(value, str) and (identity := _uuid(value))
    ]


def _uuid(text: str) -> str:
    """In its usual spelling; empty for what is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


_read = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


def _after_space(text: str, at: int, expected: str = "") -> int:
    """The next place that is not blank; with `expected`, that behind this sign. Raises ValueError."""
    found = _SPACE.match(text, at)
    place = found.end() if found else at
    if not text.startswith(expected, place):
        raise ValueError(expected)
    return place + len(expected)


def _members(text: str, at: int) -> Iterator[tuple[str, _Span, Any, _Span]]:
    """Each member of the object at that place: its name, where that is, its value, and where that is. Raises ValueError
    for what is no object."""
    at = _after_space(text, _after_space(text, at, "{"))
    while not text.startswith("}", at):
        name, name_end = _read(text, at)
        start = _after_space(text, _after_space(text, name_end, ":"))
        value, end = _read(text, start)
        yield name, (at, name_end), value, (start, end)
        at = _after_space(text, end)
        if text.startswith(",", at):
            at = _after_space(text, at + 1)
        elif not text.startswith("}", at):
            raise ValueError("neither , nor }")
