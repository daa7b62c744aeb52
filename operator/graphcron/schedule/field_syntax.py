"""One field of a cron expression: which values it may have, and its spelling for robfig/cron."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphcron.schedule.fields import Field

FIVE_FIELDS = (
    "Invalid cron schedule. Ensure the schedule uses the standard cron format "
    "(minute hour day_of_month month day_of_week). Example: '*/5 * * * *' for every 5 minutes."
)
"""LangGraph's own sentence, so that its users read what they know."""

ZONE_INSIDE = "A time zone does not belong into the schedule: name it in 'timezone'."
AN_INTERVAL = "'@every' counts from an unknown start. Write five fields, such as '*/5 * * * *' for every 5 minutes."
SECONDS = "Seconds and years are not supported: write five fields, such as '{}'."
OUT_OF_RANGE = "'{}' is no valid {kind.name}: it goes from {kind.low} to {kind.highest}."
HASH_RANGE = "The range of '{}' in the {kind.name} must lie within {kind.low} and {kind.high}, and run forwards."
SPECIAL_DATE = "'{}' is no valid day of month: write 'L' for the last day, '15W' for the weekday nearest it."
SPECIAL_WEEKDAY = "'{}' is no valid day of week: write 'L5' for the month's last Friday, '5#2' for the second one."
"""The sentences that the apiserver says, too (`admission`)."""

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

UNKNOWN_NAME = f"Unknown name. Known are {', '.join(DESCRIPTORS)}."


class InvalidSchedule(ValueError):
    """A schedule that cannot be fired as written; the message names it and says what to write instead."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"Invalid cron schedule: '{text}'. Reason: {reason}")


@dataclass(frozen=True)
class FieldKind:
    name: str
    low: int
    high: int
    names: dict[str, int]
    larger: str
    """The unit that has all values once."""

    @property
    def highest(self) -> int:
        """The highest value that may be written: Sunday is 0 and 7."""
        return self.high + 1 if self.names is WEEKDAYS else self.high


MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
WEEKDAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}

KINDS = (
    FieldKind("minute", 0, 59, {}, "hour"),
    FieldKind("hour", 0, 23, {}, "day"),
    FieldKind("day of month", 1, 31, {}, "month"),
    FieldKind("month", 1, 12, MONTHS, "year"),
    FieldKind("day of week", 0, 6, WEEKDAYS, "week"),
)

_PIECE = re.compile(r"(?:(?P<star>[*?])|(?P<first>[A-Za-z0-9]+)(?:-(?P<last>[A-Za-z0-9]+))?)(?:/(?P<step>[0-9]{1,4}))?")


_BLANK = " \t\n\r\f\v"
"""What separates fields to croniter: ASCII's white space, and no other."""


_FIELD = re.compile(rf"[^{_BLANK}]+")


def fields_of(text: str) -> list[str]:
    """The fields of a schedule, as they are written."""
    return _FIELD.findall(text)


def refuse_known(text: str, spec: str) -> None:
    """What people write elsewhere, with what to write here."""
    lowered = spec.lower()
    if re.match(r"(cron_)?tz=", lowered):
        raise InvalidSchedule(text, ZONE_INSIDE)
    if lowered.startswith("@every"):
        raise InvalidSchedule(text, AN_INTERVAL)
    if lowered.startswith("@") and lowered not in DESCRIPTORS:
        raise InvalidSchedule(text, UNKNOWN_NAME)
    parts = fields_of(lowered)
    if len(parts) in (6, 7):
        raise InvalidSchedule(text, SECONDS.format(" ".join(parts[:5])))
    if len(parts) != 5:
        return
    for part, kind in zip(parts, KINDS, strict=True):
        without_names = re.sub("|".join(kind.names) or "$^", "", part)
        allowed = {"day of month": "[r#]", "day of week": "[wr]"}
        if unsupported := re.search(allowed.get(kind.name, "[lwr#]"), without_names):
            raise InvalidSchedule(
                text,
                f"'{unsupported.group().upper()}' in the {kind.name} is not supported: "
                "list the values, such as '1,15'.",
            )


def check_values(text: str, part: str, kind: FieldKind) -> None:
    """Say which value is out of range, where croniter only says that something is."""
    for piece in part.split(","):
        if kind.name == "day of month" and re.search("(?i)[lw]", piece):
            _check_special_date(text, piece, alone=piece == part)
            continue
        if kind.names is WEEKDAYS and re.search("(?i)#|l", piece):
            _check_special_weekday(text, piece)
            continue
        match = _PIECE.fullmatch(piece)
        if not match:
            raise InvalidSchedule(text, f"'{piece}' is no valid {kind.name}. {FIVE_FIELDS}")
        if match["step"] is not None and int(match["step"]) < 1:
            raise InvalidSchedule(text, f"The step of '{piece}' in the {kind.name} must be 1 or more.")
        for value in (match["first"], match["last"]):
            if value is None or value.lower() in kind.names:
                continue
            if not re.fullmatch("[0-9]{1,4}", value) or not kind.low <= int(value) <= kind.highest:
                raise InvalidSchedule(text, OUT_OF_RANGE.format(value, kind=kind))


def _check_special_date(text: str, piece: str, *, alone: bool) -> None:
    if piece.lower() == "l":
        return
    nearest = re.fullmatch("(?i)0*([0-9]{1,2})w|w0*([0-9]{1,2})", piece)
    if not nearest or not 1 <= int(nearest[1] or nearest[2]) <= 31:
        raise InvalidSchedule(text, SPECIAL_DATE.format(piece))
    if not alone:
        raise InvalidSchedule(text, f"'{piece}' can only stand alone in the day of month.")


def _check_special_weekday(text: str, piece: str) -> None:
    if not _SPECIAL_WEEKDAY.fullmatch(piece):
        raise InvalidSchedule(text, SPECIAL_WEEKDAY.format(piece))


_NAME = "|".join(WEEKDAYS)
_SPECIAL_WEEKDAY = re.compile(rf"(?i)l0*[0-7]|(0*[0-7]|({_NAME})(-({_NAME}))?)#0*[1-5]")


def spell(part: str, meant: Sequence[int | str], kind: FieldKind) -> Field:
    """A field as croniter means it, for robfig/cron. What both read alike stays as it was written; the rest
    (Sunday as 7, ranges that run backwards) becomes a list of numbers."""
    star = "*" in meant
    values = frozenset(range(kind.low, kind.high + 1)) if star else frozenset(int(value) for value in meant)
    if _read_plain(part, kind) == (values, star):
        return Field(part.lower(), values, star)
    return Field("*" if star else ",".join(map(str, sorted(values))), values, star)


def _read_plain(part: str, kind: FieldKind) -> tuple[frozenset[int], bool] | None:
    """What robfig/cron makes of a field, values and whether it counts as `*`; None when it would refuse it."""
    values: set[int] = set()
    star = False
    for piece in part.split(","):
        match = _PIECE.fullmatch(piece)
        assert match, "checked by check_values"
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


def _number(value: str, kind: FieldKind) -> int:
    lowered = value.lower()
    return kind.names[lowered] if lowered in kind.names else int(value)


_STEPPED = re.compile(
    r"(?i)(?:[*?]|h(?:\((?P<from>\d+)-(?P<to>\d+)\))?|(?P<first>\w+?)(?:-(?P<last>\w+))?)/(?P<step>\d+)"
)


def oversized_steps(text: str) -> list[str]:
    """A sentence for each step of an accepted schedule that leads out of its range at once, as `*/90` in the minute: it
    fires hourly, and its author may have meant something else."""
    found = []
    for part, kind in zip(fields_of(DESCRIPTORS.get(text.strip().lower(), text)), KINDS, strict=False):
        for piece in part.split(","):
            match = _STEPPED.fullmatch(piece)
            if not match:
                continue
            first = _number(match["first"] or match["from"] or str(kind.low), kind)
            last = _number(match["last"] or match["to"] or str(kind.high), kind)
            length = last - first if last != first else kind.high - kind.low  # croniter: `5-5` is the whole field
            if last < first:
                length += kind.high - kind.low + 1
            if int(match["step"]) > length:
                found.append(
                    f"The step of '{piece}' in the {kind.name} is larger than its range, so it is one value alone: "
                    f"steps start anew in each {kind.larger}."
                )
    return found
