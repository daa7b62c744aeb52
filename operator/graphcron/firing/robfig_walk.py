"""robfig/cron's search for the next firing, step by step, as the CronJob controller does it."""

from collections.abc import Callable
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from graphcron.firing.day_rules import month_length

HORIZON_YEARS = 5
"""robfig/cron stops its search for a firing after five years (spec.go, Next)."""


class _Values(Protocol):
    @property
    def values(self) -> frozenset[int]: ...


class Pattern(Protocol):
    """The fields of a schedule, and the dates that the two of days let through together."""

    @property
    def minute(self) -> _Values: ...
    @property
    def hour(self) -> _Values: ...
    @property
    def month(self) -> _Values: ...
    def on_day(self, local: date, /) -> bool:
        """Whether the CronJob fires on this date."""


def walked(schedule: Pattern, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The next firing by the walk that robfig/cron takes (spec.go, Next): month, day, hour, minute, each from the
    field's own start, starting over when one rolls. That walk, and not the definition of a schedule, is what
    decides about hours that a clock change skips or repeats, so it is followed step by step. None when no firing comes
    within five years.
    """
    try:
        walk = _Walk(zone, after)
        last_year = walk.local.year + HORIZON_YEARS
        while walk.local.year <= last_year:
            if _advance(schedule, walk):
                return walk.utc
    except OverflowError:
        pass  # Python's calendar ends with the year 9999; `timedelta` and `astimezone` raise this there, and only there
    return None


def _advance(schedule: Pattern, walk: "_Walk") -> bool:
    """One round: True when the walk stands on a firing, False when a field rolled over and all begins anew."""
    while walk.local.month not in schedule.month.values:
        walk.to_next_month()
        if walk.local.month == 1:
            return False
    while not schedule.on_day(walk.local):
        walk.to_next_day(schedule.on_day)
        if walk.local.day == 1:
            return False
    while walk.local.hour not in schedule.hour.values:
        walk.to_next_hour(schedule.hour.values)
        if walk.local.hour == 0:
            return False
    while walk.local.minute not in schedule.minute.values:
        walk.to_next_minute(schedule.minute.values)
        if walk.local.minute == 0:
            return False
    if walk.local.second:
        walk.to_whole_minute()
        return False
    return True


def rest_of_day(found: datetime, local: datetime) -> datetime:
    """From where to walk on after a day that is not meant: it need not be walked minute by minute."""
    end = local.replace(hour=23, minute=59, second=0, fold=0)
    return max(found, end.astimezone(UTC)) if found.year < MAXYEAR else found


@lru_cache(maxsize=8192)  # walks meet at the starts of months and days
def instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """Go's time.Date: of a wall-clock time that occurs twice or never, the instant by the offset in force at the first
    guess."""
    guess = wall.replace(tzinfo=UTC)
    return guess - utc_offset(zone, guess - utc_offset(zone, guess))


def utc_offset(zone: ZoneInfo, utc: datetime) -> timedelta:
    return utc.astimezone(zone).utcoffset() or timedelta()


class _Walk:
    """A moment that moves forward. The first move of a walk goes to the start of the field that did not match."""

    def __init__(self, zone: ZoneInfo, after: datetime) -> None:
        self._zone = zone
        self._moved = False
        # The next second and not the next minute, as robfig/cron has it: a minute before the clocks change, the walk
        # begins on the day or in the hour before the change, and does not ask again when it came out after it.
        self._set(after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1))

    def _set(self, utc: datetime) -> None:
        self.utc = utc
        self.local = utc.astimezone(self._zone)

    def _set_local(self, wall: datetime) -> None:
        self._set(instant(self._zone, wall))

    def _first_move(self) -> bool:
        first, self._moved = not self._moved, True
        return first

    @property
    def _wall(self) -> datetime:
        return self.local.replace(tzinfo=None, fold=0)

    def to_next_month(self) -> None:
        if self._first_move():
            self._set_local(self._wall.replace(day=1, hour=0, minute=0, second=0))
        wall = self._wall
        # Where clocks change at midnight, the 1st may have become the 31st: Go's AddDate counts the days that the next
        # month lacks into the one after it.
        first = wall.replace(day=1) + timedelta(days=month_length(wall.year, wall.month))
        self._set_local(first + timedelta(days=wall.day - 1))

    def to_next_day(self, wanted: Callable[[datetime], bool]) -> None:
        """As if day by day: to the next of those that are wanted, or to the end of the month. Only where the clocks
        change on the way every day counts."""
        if self._first_move():
            self._set_local(self._wall.replace(hour=0, minute=0, second=0))
        here, wall, offset = self.utc, self._wall, self.local.utcoffset()
        goal = tomorrow = wall + timedelta(days=1)
        while wall.hour == 0 and goal.day != 1 and not wanted(goal):
            goal += timedelta(days=1)
        self._to_day(goal)
        if goal != tomorrow and self.local.utcoffset() != offset:
            self._set(here)
            self._to_day(tomorrow)

    def _to_day(self, wall: datetime) -> None:
        before = self.utc
        self._set_local(wall)
        if self.utc <= before:
            # The zone left a whole day out (Samoa, 30 December 2011). robfig/cron never returns from there.
            self._set(before + timedelta(days=1))
        # Where the clocks change at midnight, the day begins at 23:00 or 01:00.
        if hour := self.local.hour:
            self._set(self.utc + timedelta(hours=24 - hour if hour > 12 else -hour))

    def to_next_hour(self, wanted: frozenset[int]) -> None:
        """As if hour by hour: to the next of those that are wanted, or to the end of the day. Only where the clocks
        change on the way every hour counts."""
        if self._first_move():
            self._set_local(self._wall.replace(minute=0, second=0))
        here, hour, offset = self.utc, self.local.hour, self.local.utcoffset()
        goal = min((value for value in wanted if value > hour), default=24)
        self._set(here + timedelta(hours=goal - hour))
        if self.local.utcoffset() != offset:
            self._set(here + timedelta(hours=1))

    def to_next_minute(self, wanted: frozenset[int]) -> None:
        """As if minute by minute: to the next of those that are wanted, or to the end of the hour. Only where the
        clocks change on the way every minute counts."""
        if self._first_move():
            self._set(self.utc.replace(second=0))
        here, minute = self.utc, self.local.minute
        goal = min((value for value in wanted if value > minute), default=60)
        self._set(here + timedelta(minutes=goal - minute))
        if self.local.minute != goal % 60:
            self._set(here + timedelta(minutes=1))

    def to_whole_minute(self) -> None:
        self._first_move()
        self._set(self.utc + timedelta(seconds=60 - self.local.second))
