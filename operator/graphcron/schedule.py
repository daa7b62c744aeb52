"""Cron schedules: what LangGraph accepts, said so that Kubernetes fires it, and when that will be.

Three parties read a schedule. LangGraph's server accepts what croniter accepts, so that is what people write; the
cluster fires by Go's robfig/cron v3, so that is what happens. `read` joins them: it rewrites what is only spelled
differently, and refuses the rest with a sentence. `next_times` then tells the instants at which the CronJob
controller fires, daylight-saving changes included, where croniter would not agree.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

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

HORIZON_YEARS = 5
"""robfig/cron stops looking for a firing after five years (spec.go, Next)."""


class InvalidSchedule(ValueError):
    """A schedule that cannot be fired as written; the message names it and says what to write instead."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"Invalid cron schedule: '{text}'. Reason: {reason}")


class InvalidTimezone(ValueError):
    """A time zone that is not an IANA name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid timezone: '{name}'. Use IANA timezone format (e.g. 'America/New_York').")


@dataclass(frozen=True)
class Field:
    """One of the five fields: its spelling for Kubernetes, its values, and whether it counts as `*`, which decides
    how the two day fields combine."""

    text: str
    values: frozenset[int]
    star: bool


@dataclass(frozen=True)
class Schedule:
    """A schedule that was understood."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def kubernetes(self) -> str:
        """Its spelling for a CronJob: five fields that robfig/cron reads as it was meant."""
        return " ".join(field.text for field in (self.minute, self.hour, self.day, self.month, self.weekday))

    def on_day(self, local: datetime) -> bool:
        """Whether it fires on this date. Day of month and day of week are alternatives when both are restricted,
        and must both hold otherwise (crontab(5); robfig/cron, dayMatches)."""
        day = local.day in self.day.values
        weekday = local.isoweekday() % 7 in self.weekday.values
        if self.day.star or self.weekday.star:
            return day and weekday
        return day or weekday

    def ever_fires(self) -> bool:
        """False for dates that no calendar has, such as 31 February."""
        if self.day.star or not self.weekday.star:
            return True
        return any(min(self.day.values) <= _longest(month) for month in self.month.values)


def _longest(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


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


@lru_cache(maxsize=1024)
def read_timezone(name: str | None) -> ZoneInfo:
    """The zone of that IANA name; None means Etc/UTC. Names are case-sensitive, as in Kubernetes.

    Raises InvalidTimezone.
    """
    name = "Etc/UTC" if name is None else name
    # Kubernetes refuses "Local" and any part over 14 characters (validation of CronJob's timeZone); ZoneInfo would
    # also find the leap-second files and the machine's own zone.
    acceptable = re.fullmatch(r"[A-Za-z0-9_+-]{1,14}(/[A-Za-z0-9_+-]{1,14}){0,2}", name)
    if not acceptable or name.lower() in ("local", "localtime") or name.startswith(("posix/", "right/")):
        raise InvalidTimezone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidTimezone(name) from None


def next_times(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int) -> list[datetime]:
    """The first `count` firings later than `after`, in UTC; fewer when none comes within five years."""
    times: list[datetime] = []
    moment = after
    while len(times) < count and (found := _next(schedule, zone, moment)) is not None:
        times.append(found)
        moment = found
    return times


def _next(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The next firing by the walk that robfig/cron takes (spec.go, Next): month, day, hour, minute, each from the
    field's own start, starting over when one rolls. That walk, and not the definition of a schedule, is what
    decides about hours that a clock change skips or repeats, so it is followed step by step.
    """
    walk = _Walk(zone, after)
    last_year = walk.local.year + HORIZON_YEARS
    while walk.local.year <= last_year:
        if _advance(schedule, walk):
            return walk.utc
    return None


def _advance(schedule: Schedule, walk: "_Walk") -> bool:
    """One round: True when the walk stands on a firing, False when a field rolled over and all begins anew."""
    while walk.local.month not in schedule.month.values:
        walk.to_next_month()
        if walk.local.month == 1:
            return False
    while not schedule.on_day(walk.local):
        walk.to_next_day()
        if walk.local.day == 1:
            return False
    while walk.local.hour not in schedule.hour.values:
        walk.to_next_hour()
        if walk.local.hour == 0:
            return False
    while walk.local.minute not in schedule.minute.values:
        walk.to_next_minute()
        if walk.local.minute == 0:
            return False
    return True


class _Walk:
    """A moment that moves forward. The first move of a walk goes to the start of the field that did not match."""

    def __init__(self, zone: ZoneInfo, after: datetime) -> None:
        self._zone = zone
        self._moved = False
        # The first whole minute after `after`: schedules have no seconds.
        self._set(after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1))

    def _set(self, utc: datetime) -> None:
        self.utc = utc
        self.local = utc.astimezone(self._zone)

    def _set_local(self, wall: datetime) -> None:
        """Go's time.Date: of a wall-clock time that occurs twice or never, the instant by the offset in force at
        the first guess."""
        guess = wall.replace(tzinfo=UTC)
        self._set(guess - self._offset(guess - self._offset(guess)))

    def _offset(self, utc: datetime) -> timedelta:
        return utc.astimezone(self._zone).utcoffset() or timedelta()

    def _first_move(self) -> bool:
        first, self._moved = not self._moved, True
        return first

    @property
    def _wall(self) -> datetime:
        return self.local.replace(tzinfo=None, fold=0)

    def to_next_month(self) -> None:
        if self._first_move():
            self._set_local(self._wall.replace(day=1, hour=0, minute=0))
        wall = self._wall
        self._set_local(wall.replace(year=wall.year + wall.month // 12, month=wall.month % 12 + 1))

    def to_next_day(self) -> None:
        if self._first_move():
            self._set_local(self._wall.replace(hour=0, minute=0))
        self._set_local(self._wall + timedelta(days=1))
        # Where the clocks change at midnight, the day begins at 23:00 or 01:00.
        if hour := self.local.hour:
            self._set(self.utc + timedelta(hours=24 - hour if hour > 12 else -hour))

    def to_next_hour(self) -> None:
        if self._first_move():
            self._set_local(self._wall.replace(minute=0))
        self._set(self.utc + timedelta(hours=1))

    def to_next_minute(self) -> None:
        self._first_move()
        self._set(self.utc + timedelta(minutes=1))
