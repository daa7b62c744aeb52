"""The marker that replicas of the facade share, a ConfigMap: which write is the newest, who reads from memory. Pure.

A watch keeps a `Snapshot` of the namespace. What is missing is to know, at a read, whether it has every write that
was answered before. The watch itself does not say: it is silent while nothing changes, and late by as much as the
apiserver is busy. So each replica notes the resource version of its newest write in a ConfigMap (the *note*) before it
answers that write, and each read first looks there, and waits until the snapshot has come so far. The version is one
of a GraphCron, so the watch is bound to bring it. Both are shared by those who come at the same time: one note for
all writes, one look for all reads that wait.

A note is for the other replicas, and often there is none. So the note also names all who read from memory, and who
finds in it nobody but itself writes without notes for `ALONE_SECONDS`. Whoever is added waits until that time is over
for any who had not seen it yet, and only then lists what there is: so nothing that went without a note is missing. Each
look shows a reader whether it is still named; one that is not joins anew. No clock but the length of that time counts.

Whatever fails on that way (no watch, no note, an apiserver that is slow), the answer is read from the apiserver
itself: always right, and slower. What kubectl writes is there when the watch brings it, milliseconds later.
"""

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
