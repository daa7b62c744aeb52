"""The spellings of times and UUIDs that operator, run pod and facade share."""

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


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes its times."""
    # Not strftime: it takes five times as long, and pads no year before 1000.
    return moment.astimezone(UTC).isoformat(timespec="seconds")[: -len("+00:00")] + "Z"
