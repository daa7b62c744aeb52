"""Path guard: whether a path reaches cron endpoints, the Agent Server's or ours, however a server spells them. Pure."""

import itertools
import re
from functools import lru_cache
from urllib.parse import parse_qs, unquote

MOST_DECODINGS = 4
"""A server decodes a path once, a proxy before it once more. A path that is not plain after so many is refused:
a request of some kilobytes can hold two thousand, and decoding them takes seconds."""

_PLAIN = re.compile(r"(/[A-Za-z0-9_-]+)+")

_LITERAL_CRON_PATH = re.compile(
    r"/runs/crons(/[^/]+)?|/threads/[^/]+/runs/crons|"
    r"/graphcron/v1(/costs|/crons(/[^/]+(/[A-Za-z]+(/[^/]+)?)?)?)?"
)
_CRON_PATHS = {("runs", "crons"), ("graphcron", "v1")}


def is_literal_cron_path(raw_path: str) -> bool:
    """Whether it is one of the cron endpoints as clients write them: only an id may hold encoded characters."""
    path = raw_path.partition("?")[0]
    if not _LITERAL_CRON_PATH.fullmatch(path) or (readings := _readings(path)) is None:
        return False
    return all(
        len([segment for segment in reading if segment not in ("", ".", "..")]) == path.count("/")
        for reading in readings
    )


@lru_cache(maxsize=256)  # each request is asked about more than once
def reaches_crons(raw_path: str) -> bool:
    """Whether any server or proxy could take this path for a cron endpoint of the Agent Server's, or one of ours.

    Servers differ in what they decode, merge, resolve and ignore (LangGraph's own takes `/runs%2Fcrons` and
    `/runs/crons%0A`), so every reading counts, and the names count anywhere, for servers below a path prefix.
    """
    readings = _readings(raw_path.partition("?")[0])
    if readings is None:
        return True
    for segments in readings:
        for reading in (segments, _resolved(segments)):
            folded = [segment.casefold() for segment in reading]
            if not _CRON_PATHS.isdisjoint(itertools.pairwise(folded)):
                return True
    return False


def _readings(path: str) -> list[list[str]] | None:
    """The path's segments after no decoding, one, two and so on until nothing is left to decode; None for a path that
    takes more than `MOST_DECODINGS`."""
    if _PLAIN.fullmatch(path):  # nearly all of them: there is one way to read it
        return [path[1:].split("/")]
    readings = []
    for _ in range(MOST_DECODINGS + 1):
        readings.append([_bare(segment) for segment in re.split(r"[/\\]+", path)])
        readings[-1] = [segment for segment in readings[-1] if segment]
        decoded = unquote(path)
        if decoded == path:
            return readings
        path = decoded
    return None


def _bare(segment: str) -> str:
    """Without what follows `;`, `?` or `#`, and without spaces and control characters, which some servers drop."""
    if segment.isalnum():  # nearly all of them
        return segment
    return re.sub(r"[\x00-\x20\x7f]", "", re.split("[;?#]", segment, maxsplit=1)[0])


def _resolved(segments: list[str]) -> list[str]:
    """With `.` and `..` taken as a file system would."""
    resolved: list[str] = []
    for segment in segments:
        if segment == "..":
            del resolved[-1:]
        elif segment != ".":
            resolved.append(segment)
    return resolved


def deleted_by(method: str, raw_path: str) -> tuple[str, str] | None:
    """("threads" or "assistants", id) for a request that deletes one, as LangGraph's server reads the path."""
    match = re.fullmatch(r"/(threads|assistants)/([^/]+)", unquote(raw_path.partition("?")[0]).rstrip("\n"))
    return (match[1], match[2]) if match and method == "DELETE" else None


def deletes_other_threads(method: str, raw_path: str) -> bool:
    """Whether a request may delete threads that its path does not name: a prune, or an assistant with its threads."""
    path, _, query = raw_path.partition("?")
    if deleted := deleted_by(method, raw_path):
        return deleted[0] == "assistants" and "delete_threads" in parse_qs(query, keep_blank_values=True)
    return method == "POST" and unquote(path).rstrip("\n") == "/threads/prune"
