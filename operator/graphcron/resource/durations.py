"""Durations as Kubernetes and Go write them, such as 26h or 1h30m: what is one, and how long it is.

A rule is one regular expression, which reads the same in Python and in CEL, and two bounds.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=366)
DURATION = (
    "must be a duration in hours, minutes and seconds from 10s to 8784h, such as 26h, 90s or 1h30m, or 0s to expect "
    "nothing"
)

_LENGTH_LIMIT = 16
_WRITTEN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
_RULE = (
    f"self != '' && self.matches('{_WRITTEN}') && (duration(self) == duration('0s') "
    "|| duration(self) >= duration('10s') && duration(self) <= duration('8784h'))"
)


def length_of(text: str) -> timedelta:
    """How long a duration is; 0s for none. Raises ValueError for what is no duration, or not within the bounds."""
    if not text or len(text) > _LENGTH_LIMIT or not (found := re.fullmatch(_WRITTEN, text, re.ASCII)):
        raise ValueError(DURATION)
    hours, minutes, seconds = (int((part or "0_")[:-1]) for part in found.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total and not SHORTEST.total_seconds() <= total <= LONGEST.total_seconds():
        raise ValueError(DURATION)
    return timedelta(seconds=total)


def written(length: timedelta) -> str:
    """A length of time in whole seconds the way that `length_of` reads it: 26h, 1h30m, 0s."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _checked(text: str) -> str:
    length_of(text)
    return text


Duration = Annotated[
    str,
    AfterValidator(_checked),
    Field(
        max_length=_LENGTH_LIMIT,
        json_schema_extra={"x-kubernetes-validations": [{"rule": _RULE, "message": DURATION}]},
    ),
]
