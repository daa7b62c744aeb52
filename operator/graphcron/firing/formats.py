"""The spellings of times, UUIDs and an Agent Server's errors that operator, run pod and facade share."""

import json
import re
from datetime import UTC, datetime


def is_uuid(text: str) -> bool:
    """Whether it is a UUID in its usual spelling: lower case, with hyphens where they belong. (Python reads others.)"""
    return _UUID.fullmatch(text) is not None


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def parse_time(text: str) -> datetime:
    """RFC 3339 to an aware datetime. Raises ValueError, also when the offset is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no UTC offset")
    return moment


def moment_of(text: str) -> datetime | None:
    """A time that somebody else wrote; None when it cannot be read, which no firing should fail for."""
    try:
        return parse_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes its times."""
    # Not strftime: it takes five times as long, and pads no year before 1000.
    return moment.astimezone(UTC).isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


TEXT_LIMIT = 1500
"""Characters of a server's own message that are passed on; a termination message holds 4096 bytes."""


def plain(text: str) -> str:
    """One line of bounded length that can be encoded: for logs, answers and termination messages."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= TEXT_LIMIT else line[: TEXT_LIMIT - 1] + "…"


def error_text(body: bytes) -> str:
    """What a server says about an error: LangGraph's own as `detail`, Aegra as `message`, LangGraph.js's as text or
    `error`. "" when it says nothing that can be quoted, such as a page for browsers."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return _quotable(body)
    if isinstance(said, dict):
        said = said.get("detail") or said.get("message") or said.get("error")
    return plain(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)) if said else ""


def _quotable(body: bytes) -> str:
    try:
        text = body.decode().strip()
    except ValueError:
        return ""
    return "" if text.startswith(("<", "[", "{")) else plain(text)
