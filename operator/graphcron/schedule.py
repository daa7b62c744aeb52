"""When a schedule fires: the instants at which the CronJob controller will, clock changes included."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from graphcron.days import Days, meant, month_length

HORIZON_YEARS = 5
"""robfig/cron stops looking for a firing after five years (spec.go, Next)."""


DAYS_HORIZON_YEARS = 50
"""How long a day is looked for among those that a CronJob fires on, as croniter does: 29 February is a fifth Friday
once in 28 years."""


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

    @cached_property
    def ordered(self) -> list[int]:
        return sorted(self.values)

    def from_(self, least: int) -> int | None:
        """Its first value that is not below `least`, None when there is none."""
        place = bisect_left(self.ordered, least)
        return self.ordered[place] if place < len(self.ordered) else None


def days_match(day: Field, weekday: Field, local: date) -> bool:
    """Day of month and day of week are alternatives when both are restricted, and must both hold otherwise
    (crontab(5); robfig/cron, dayMatches)."""
    return _match(day, weekday, local.day, local.isoweekday() % 7)


def _match(day: Field, weekday: Field, date_number: int, weekday_number: int) -> bool:
    by_date, by_weekday = date_number in day.values, weekday_number in weekday.values
    return (by_date and by_weekday) if day.star or weekday.star else (by_date or by_weekday)


@dataclass(frozen=True)
class Schedule:
    """A schedule that was understood."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    days: Days = ()
    """The days that are meant, when Kubernetes cannot name them: then the two day fields let more days through."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.minute, self.hour, self.day, self.month, self.weekday)

    @cached_property
    def kubernetes(self) -> str:
        """Its spelling for a CronJob: five fields that robfig/cron reads as it was meant."""
        return " ".join(field.text for field in self.fields)

    def __hash__(self) -> int:
        return hash(self.kubernetes)  # next times are looked up by it, and the hash of a text is found once

    def on_day(self, local: date) -> bool:
        """Whether the CronJob fires on this date."""
        return days_match(self.day, self.weekday, local)

    def ever_fires(self) -> bool:
        """False for dates that no calendar has, such as 31 February."""
        if self.day.star or not self.weekday.star:
            return True
        return any(min(self.day.values) <= _longest(month) for month in self.month.values)


def _longest(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


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


def next_times(
    schedule: Schedule,
    zone: ZoneInfo,
    after: datetime,
    count: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    until: datetime | None = None,
) -> list[datetime]:
    """The first `count` firings later than `after`, not before `start` and before `end`, in UTC; fewer when none comes
    within five years. The walk stops after `until`, which a firing may be at."""
    if start is not None and start > after:
        # The walk goes by whole seconds, and finds what is later.
        after = start - timedelta(seconds=1) if start.year > MINYEAR else start
    times = _next_times(schedule, zone, after, count, until)
    return [found for found in times if end is None or found < end]


def _next_times(
    schedule: Schedule, zone: ZoneInfo, after: datetime, count: int, until: datetime | None
) -> list[datetime]:
    times = list(_known(schedule, zone, after, count))
    if until is not None and times and times[-1] > until:
        return [found for found in times if found <= until]
    moment = last = times[-1] if times else after
    with suppress(OverflowError, ValueError):  # the calendar ends with the year 9999, and a startTime may be as late
        while len(times) < count and (found := _next(schedule, zone, moment)) is not None:
            if until is not None and found > until:
                break
            local = found.astimezone(zone)
            if meant(schedule.days, local):
                times.append(found)
                moment = last = found
            elif found.year - last.year > DAYS_HORIZON_YEARS:
                break
            else:
                # The rest of a day that is not meant need not be walked minute by minute.
                end = local.replace(hour=23, minute=59, second=0, fold=0)
                moment = max(found, end.astimezone(UTC))
    return times


class _Chain:
    """Firings of a schedule, one after another, the first of them the next after `since`: those that were found last,
    each by the calendar alone."""

    since: datetime
    times: tuple[datetime, ...] = ()


@lru_cache(maxsize=4096)
def _chain(schedule: Schedule, zone: ZoneInfo) -> _Chain:
    return _Chain()


def _known(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int) -> Sequence[datetime]:
    """The next firings, as far as the calendar alone says them. Most schedules are those of many GraphCrons, and each
    is asked for again and again before it fires: so what was found is kept.

    From any moment between two firings the next is the same one, unless the clocks change about that moment."""
    if schedule.days or count > KEPT_TIMES:
        return ()
    chain = _chain(schedule, zone)
    found: list[datetime] = []
    if chain.times and chain.since <= after < chain.times[-1] and _is_plain_day(zone, _departure(zone, after)):
        first = bisect_right(chain.times, after)
        if first + count <= len(chain.times):
            return chain.times[first : first + count]
        found += chain.times[first:]
    with suppress(OverflowError, ValueError):
        found += by_calendar(schedule, zone, found[-1] if found else after, count - len(found))
    if len(found) >= len(chain.times) or after >= chain.times[-1]:
        chain.since, chain.times = after, tuple(found)
    return found


KEPT_TIMES = 5
"""Of a schedule: as many as a status tells."""


def shortest_interval(schedule: Schedule, after: datetime) -> timedelta | None:
    """The least time between two firings within five years, by the clock on the wall: an hour that a clock change
    takes away does not count. None when there are no two.

    A schedule is the same times on each of its days. So it is the least of the gaps between those times, and of that
    from the last of them to the first on the next day that fires: three milliseconds at most, where walking through
    the firings of five years takes minutes.
    """
    times = sorted(60 * hour + minute for hour in schedule.hour.values for minute in schedule.minute.values)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    nights = 0
    for earlier, later in pairwise(_days(schedule, after.replace(hour=0, minute=0, second=0, microsecond=0))):
        apart = (later - earlier).days
        nights = min(nights or apart, apart)
        if nights == 1:
            break
    if nights:
        gaps.append(nights * 24 * 60 - times[-1] + times[0])
    return timedelta(minutes=min(gaps)) if gaps else None


def too_frequent(text: str, schedule: Schedule, least: timedelta, now: datetime) -> str | None:
    """What to say of a schedule, written as `text`, two of whose firings are nearer than the installation allows; None
    when there is nothing to say. A `least` of nothing allows all."""
    closest = shortest_interval(schedule, now) if least else None
    if closest is None or closest >= least:
        return None
    return (
        f"The schedule '{text}' fires again after {_in_words(closest)}, and the limit is once in {_in_words(least)}: "
        "choose a rarer one, or ask the administrator (guardrails.minimumIntervalSeconds of the Helm chart)"
    )


def _in_words(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    number, unit = next((seconds // size, unit) for size, unit in units if seconds % size == 0)
    return f"{number} {unit}{'s' if number != 1 else ''}"


def _days(schedule: Schedule, first: datetime) -> Iterator[datetime]:
    for number in range(HORIZON_YEARS * 366):
        day = first + timedelta(days=number)
        if day.month in schedule.month.values and schedule.on_day(day):
            yield day


def _next(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    found = by_calendar(schedule, zone, after)
    return found[0] if found else walked(schedule, zone, after)


def walked(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The next firing by the walk that robfig/cron takes (spec.go, Next): month, day, hour, minute, each from the
    field's own start, starting over when one rolls. That walk, and not the definition of a schedule, is what
    decides about hours that a clock change skips or repeats, so it is followed step by step. None when no firing comes
    within five years.
    """
    walk = _Walk(zone, after)
    last_year = walk.local.year + HORIZON_YEARS
    while walk.local.year <= last_year:
        if _advance(schedule, walk):
            return walk.utc
    return None


def by_calendar(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int = 1) -> list[datetime]:
    """The next `count` firings, as far as no change of clocks can turn the walk to one aside. Each is what `walked`
    comes to from the one before, for a tenth of its work at best."""
    wall = _departure(zone, after).replace(tzinfo=None)
    times: list[datetime] = []
    plain = _is_plain_day(zone, wall)
    while plain and len(times) < count and (found := _next_wall(schedule, wall)) is not None:
        if not _leads_straight(zone, wall, found):
            break
        times.append(found.replace(tzinfo=zone).astimezone(UTC))
        # The day of arrival is plain, so the next walk sets out from a second later on the wall as well.
        wall = found + _SECOND
        plain = wall.year < MAXYEAR - HORIZON_YEARS
    return times


_SECOND = timedelta(seconds=1)


def _leads_straight(zone: ZoneInfo, wall: datetime, found: datetime) -> bool:
    """Whether a walk between those times on the wall meets no change of clocks: the day of arrival is as long as any,
    and each day between begins at midnight."""
    if found.toordinal() in _changes(zone, found.year).near:
        return False
    first, last = wall.toordinal() - wall.day + 1, found.toordinal()  # the walk sets out at the start of the month
    for year in range(wall.year, found.year + 1):
        for day in _changes(zone, year).late:
            if first <= day <= last:
                return False
    return True


def _departure(zone: ZoneInfo, after: datetime) -> datetime:
    """Where a walk sets out: with the next second."""
    return (after.astimezone(UTC).replace(microsecond=0) + _SECOND).astimezone(zone)


def _is_plain_day(zone: ZoneInfo, local: datetime) -> bool:
    """Whether no change of clocks is near. There must be a day before and after to ask about, too."""
    return MINYEAR < local.year < MAXYEAR - HORIZON_YEARS and local.toordinal() not in _changes(zone, local.year).near


class _Changes(NamedTuple):
    """Days of a year, by their ordinals, about the changes of its clocks: those no more than a day from one, and those
    that do not begin at midnight."""

    near: frozenset[int]
    late: tuple[int, ...]


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> _Changes:
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(-3, 370)]
    offsets = [_offset(zone, day) for day in days]
    # The clocks of one place may have the date before or after that of UTC.
    changed = [day.date() for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]
    near = {day.toordinal() + apart for day in changed for apart in range(-2, 3)}
    late = [day for day in sorted(near) if not _begins_at_midnight(zone, day)]
    return _Changes(frozenset(near), tuple(late))


def _begins_at_midnight(zone: ZoneInfo, day: int) -> bool:
    midnight = datetime.fromordinal(day)
    return _instant(zone, midnight).astimezone(zone).replace(tzinfo=None, fold=0) == midnight


def _next_wall(schedule: Schedule, wall: datetime) -> datetime | None:
    """The first time on the schedule that is not before `wall`, as if clocks never changed; None when none comes within
    five years."""
    if wall.second:
        wall += timedelta(seconds=60 - wall.second)
    if wall.month in schedule.month.values and schedule.on_day(wall):
        if wall.hour in schedule.hour.values and (minute := schedule.minute.from_(wall.minute)) is not None:
            return wall.replace(minute=minute)
        if (hour := schedule.hour.from_(wall.hour + 1)) is not None:
            return wall.replace(hour=hour, minute=schedule.minute.ordered[0])
    if (day := _next_day(schedule, wall)) is None:
        return None
    return datetime.combine(day, time(schedule.hour.ordered[0], schedule.minute.ordered[0]))


def _next_day(schedule: Schedule, after: date) -> date | None:
    """The first day later than that one on which it fires."""
    for year in range(after.year, after.year + HORIZON_YEARS + 1):
        for month in schedule.month.ordered:
            if (year, month) < (after.year, after.month):
                continue
            first = after.day + 1 if (year, month) == (after.year, after.month) else 1
            weekday = date(year, month, 1).isoweekday() - 1
            # A weekday that counts as `*` is every one: then the next date of the month is looked up.
            begin = schedule.day.from_(first) if schedule.weekday.star else first
            for number in range(begin or 32, month_length(year, month) + 1):
                if _match(schedule.day, schedule.weekday, number, (weekday + number) % 7):
                    return date(year, month, number)
    return None


def _advance(schedule: Schedule, walk: "_Walk") -> bool:
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


@lru_cache(maxsize=8192)  # walks meet at the starts of months and days
def _instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """Go's time.Date: of a wall-clock time that occurs twice or never, the instant by the offset in force at the first
    guess."""
    guess = wall.replace(tzinfo=UTC)
    return guess - _offset(zone, guess - _offset(zone, guess))


def _offset(zone: ZoneInfo, utc: datetime) -> timedelta:
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
        self._set(_instant(self._zone, wall))

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
        self._set_local(wall.replace(year=wall.year + wall.month // 12, month=wall.month % 12 + 1))

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
