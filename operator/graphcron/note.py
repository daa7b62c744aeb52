"""The note that replicas of the facade share, a ConfigMap: which write is the newest, who reads from memory. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from graphcron.firing.formats import format_time, parse_time

Manifest = dict[str, Any]

NEWEST = "newest-write"
"""Key of the resource version of the newest write that was noted."""

READER = "reader."
"""Start of the keys that name readers; the value is when they last said that they are there."""

GONE_AFTER = timedelta(minutes=30)
"""Without a word, after which a reader is dropped: it was killed. One that lives says so much more often, and one that
is dropped nevertheless finds that out before its next answer."""


def newest(note: Mapping[str, Any]) -> int:
    text = str(_data(note).get(NEWEST, "0"))
    return int(text) if text.isdigit() else 0


def readers(note: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(key.removeprefix(READER) for key in _data(note) if key.startswith(READER))


def with_newest(note: Manifest, version: int) -> Manifest:
    return note | {"data": {**_data(note), NEWEST: str(version)}}


def with_reader(note: Manifest, who: str, now: datetime) -> Manifest:
    """And without those who are gone."""
    kept = {key: value for key, value in _data(note).items() if not key.startswith(READER) or _is_there(value, now)}
    return note | {"data": kept | {READER + who: format_time(now)}}


def without_reader(note: Manifest, who: str) -> Manifest:
    """The same note when it does not name it."""
    if READER + who not in _data(note):
        return note
    return note | {"data": {key: value for key, value in _data(note).items() if key != READER + who}}


def _data(note: Mapping[str, Any]) -> dict[str, str]:
    return note.get("data") or {}


def _is_there(text: str, now: datetime) -> bool:
    try:
        return now - parse_time(text) < GONE_AFTER
    except ValueError:
        return False
