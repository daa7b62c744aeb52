"""Reads a schedule as LangGraph means it, and spells it so that Kubernetes fires it as it was meant.

LangGraph's server accepts what croniter accepts, so that is what people write; the cluster fires by Go's robfig/cron
v3, so that is what happens. What is only spelled differently is rewritten, the rest is refused with a sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from croniter import CroniterError, croniter

from graphcron.schedule import Field, Schedule

FIVE_FIELDS = (
    "Invalid cron schedule. Ensure the schedule uses the standard cron format "
    "(minute hour day_of_month month day_of_week). Example: '*/5 * * * *' for every 5 minutes."
)
"""LangGraph's own words, so that its users read what they know."""

CEL_FIVE_FIELDS = {
    "rule": r"self.startsWith('@') || self.matches('^\\s*\\S+(\\s+\\S+){4}\\s*$')",
    "messageExpression": f'"Invalid cron schedule: \'" + self + "\'. Reason: {FIVE_FIELDS}"',
    "message": FIVE_FIELDS,
}
"""The part of `read` that the apiserver can check by itself, in the same words."""

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""The named schedules that croniter and robfig/cron share."""


class InvalidSchedule(ValueError):
    """A schedule that cannot be fired as written; the message names it and says what to write instead."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"Invalid cron schedule: '{text}'. Reason: {reason}")


@dataclass(frozen=True)
class _Kind:
    name: str
    low: int
    high: int
    names: dict[str, int]


_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_WEEKDAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}

_KINDS = (
    _Kind("minute", 0, 59, {}),
    _Kind("hour", 0, 23, {}),
    _Kind("day of month", 1, 31, {}),
    _Kind("month", 1, 12, _MONTHS),
    _Kind("day of week", 0, 6, _WEEKDAYS),
)

_PIECE = re.compile(r"(?:(?P<star>[*?])|(?P<first>[A-Za-z0-9]+)(?:-(?P<last>[A-Za-z0-9]+))?)(?:/(?P<step>[0-9]{1,4}))?")


@lru_cache(maxsize=4096)
def read(text: str) -> Schedule:
    """The schedule that a text means, by croniter's dialect as far as Kubernetes can fire it.

    Day 7 is Sunday, ranges may run backwards (`22-2`, `fri-mon`), names may be written in any case. Raises
    InvalidSchedule with a reason and a suggestion for all else, dates that never come included.
    """
    spec = text.strip()
    _refuse_known(text, spec)
    parts = DESCRIPTORS.get(spec.lower(), spec).split()
    if len(parts) != 5:
        raise InvalidSchedule(text, FIVE_FIELDS)
    for part, kind in zip(parts, _KINDS, strict=True):
        _check_values(text, part, kind)
    try:
        meant = croniter.expand(" ".join(parts))[0]
    except (CroniterError, ValueError):
        raise InvalidSchedule(text, FIVE_FIELDS) from None
    fields = [_spell(part, values, kind) for part, values, kind in zip(parts, meant, _KINDS, strict=True)]
    schedule = Schedule(*fields)
    if not schedule.ever_fires():
        raise InvalidSchedule(text, "It never fires: no month that it names has such a day.")
    return schedule


def _refuse_known(text: str, spec: str) -> None:
    """What people write elsewhere, with what to write here."""
    lowered = spec.lower()
    if re.match(r"(cron_)?tz=", lowered):
        raise InvalidSchedule(text, "A time zone does not belong into the schedule: name it in 'timezone'.")
    if lowered.startswith("@every"):
        raise InvalidSchedule(
            text,
            "'@every' counts from an unknown start. Write five fields, such as '*/5 * * * *' for every 5 minutes.",
        )
    if lowered.startswith("@") and lowered not in DESCRIPTORS:
        raise InvalidSchedule(text, f"Unknown name. Known are {', '.join(DESCRIPTORS)}.")
    parts = lowered.split()
    if len(parts) in (6, 7):
        raise InvalidSchedule(
            text, f"Seconds and years are not supported: write five fields, such as '{' '.join(parts[:5])}'."
        )
    if len(parts) != 5:
        return
    for part, kind in zip(parts, _KINDS, strict=True):
        without_names = re.sub("|".join(kind.names) or "$^", "", part)
        if unsupported := re.search("[lwrh#]", without_names):
            raise InvalidSchedule(
                text,
                f"'{unsupported.group().upper()}' in the {kind.name} is not supported: "
                "list the values, such as '1,15'.",
            )


def _check_values(text: str, part: str, kind: _Kind) -> None:
    """Say which value is out of range, where croniter only says that something is."""
    highest = kind.high + 1 if kind.names is _WEEKDAYS else kind.high
    for piece in part.split(","):
        match = _PIECE.fullmatch(piece)
        if not match:
            raise InvalidSchedule(text, f"'{piece}' is no valid {kind.name}. {FIVE_FIELDS}")
        if match["step"] is not None and int(match["step"]) < 1:
            raise InvalidSchedule(text, f"The step of '{piece}' in the {kind.name} must be 1 or more.")
        for value in (match["first"], match["last"]):
            if value is None or value.lower() in kind.names:
                continue
            if not re.fullmatch("[0-9]{1,4}", value) or not kind.low <= int(value) <= highest:
                raise InvalidSchedule(text, f"'{value}' is no valid {kind.name}: it goes from {kind.low} to {highest}.")


def _spell(part: str, meant: Sequence[int | str], kind: _Kind) -> Field:
    """A field as croniter means it, for robfig/cron. What both read alike stays as it was written; the rest
    (Sunday as 7, ranges that run backwards) becomes a list of numbers."""
    star = "*" in meant
    values = frozenset(range(kind.low, kind.high + 1)) if star else frozenset(int(value) for value in meant)
    if _read_plain(part, kind) == (values, star):
        return Field(part.lower(), values, star)
    return Field("*" if star else ",".join(map(str, sorted(values))), values, star)


def _read_plain(part: str, kind: _Kind) -> tuple[frozenset[int], bool] | None:
    """What robfig/cron makes of a field, values and whether it counts as `*`; None when it would refuse it."""
    values: set[int] = set()
    star = False
    for piece in part.split(","):
        match = _PIECE.fullmatch(piece)
        assert match, "checked by _check_values"
        step = int(match["step"] or 1)
        if match["star"]:
            first, last = kind.low, kind.high
            star = star or step == 1  # with a step above 1 it no longer counts as `*` (robfig/cron, getRange)
        else:
            first = _number(match["first"], kind)
            last = _number(match["last"], kind) if match["last"] else kind.high if match["step"] else first
        if not kind.low <= first <= last <= kind.high:
            return None
        values.update(range(first, last + 1, step))
    return frozenset(values), star


def _number(value: str, kind: _Kind) -> int:
    lowered = value.lower()
    return kind.names[lowered] if lowered in kind.names else int(value)
