"""The hosts to which messages may go: those that the administrator names. Pure."""

import re
from collections.abc import Sequence

_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?"
_PATTERN = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*|[0-9a-f:]*:[0-9a-f:.]*")


def fault_of_pattern(pattern: str) -> str | None:
    """What is wrong with an entry of the allowed hosts; None when nothing is."""
    if _PATTERN.fullmatch(pattern):
        return None
    return f"{pattern[:100]!r} is neither a host in lower case, such as hooks.slack.com, nor *.SUFFIX"


def is_allowed(host: str, patterns: Sequence[str]) -> bool:
    """Whether a host of a URL is among them. `*.example.com` is any name under example.com, and not that itself."""
    name = host.lower().removesuffix(".")
    return any(name == pattern or (pattern[:2] == "*." and name.endswith(pattern[1:])) for pattern in patterns)
