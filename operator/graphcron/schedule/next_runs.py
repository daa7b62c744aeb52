"""The next firings of a schedule: the instants at which the CronJob controller fires, clock changes included."""

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from graphcron.firing.day_rules import meant, month_length
from graphcron.firing.robfig_walk import HORIZON_YEARS, instant, rest_of_day, utc_offset, walked
from graphcron.schedule.fields import Schedule, numbers_match

DAYS_HORIZON_YEARS = 50
"""How far ahead a day is searched among those that a CronJob fires on, as croniter does: 29 February is a fifth Friday
once in 28 years."""


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
    times = [] if schedule.days else by_calendar(schedule, zone, after, count, until)
    if until is not None and times and times[-1] > until:
        return [found for found in times if found <= until]
    moment = last = times[-1] if times else after
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
            moment = rest_of_day(found, local)
    return times


def _next(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    found = by_calendar(schedule, zone, after)
    return found[0] if found else walked(schedule, zone, after)


def by_calendar(
    schedule: Schedule, zone: ZoneInfo, after: datetime, count: int = 1, until: datetime | None = None
) -> list[datetime]:
    """The next `count` firings up to the first later than `until`, as far as no change of clocks can turn the walk to
    one aside. Each is what `walked` comes to from the one before, for a tenth of its work at best."""
    if not _is_within_calendar(after):
        return []
    # A walk sets out with the next second.
    wall = (after.astimezone(UTC).replace(microsecond=0) + _SECOND).astimezone(zone).replace(tzinfo=None)
    times: list[datetime] = []
    plain = _is_plain_day(zone, wall)
    while plain and len(times) < count and (found := _next_wall(schedule, wall)) is not None:
        if not _leads_straight(zone, wall, found):
            break
        times.append(found.replace(tzinfo=zone).astimezone(UTC))
        if until is not None and times[-1] > until:
            break
        # The day of arrival is plain, so the next walk sets out from a second later on the wall as well.
        wall = found + _SECOND
        plain = _is_within_calendar(wall)
    return times


_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


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


def _is_plain_day(zone: ZoneInfo, wall: datetime) -> bool:
    """Whether no change of clocks is near."""
    return _is_within_calendar(wall) and wall.toordinal() not in _changes(zone, wall.year).near


def _is_within_calendar(moment: datetime) -> bool:
    """Whether each moment of five years from then on has a day before and after it in the calendar of Python."""
    return MINYEAR < moment.year < MAXYEAR - HORIZON_YEARS


class _Changes(NamedTuple):
    """Days of a year, by their ordinals, on which a walk may not go by the calendar: those no more than a day from a
    change of clocks and those whose offset is no whole minute (`near`), and those that do not begin at midnight."""

    near: frozenset[int]
    late: tuple[int, ...]


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> _Changes:
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(-3, 370)]
    offsets = [utc_offset(zone, day) for day in days]
    # The clocks of one place may have the date before or after that of UTC.
    changed = [day.date() for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]
    near = {day.toordinal() + apart for day in changed for apart in range(-2, 3)}
    # A walk goes by minutes of UTC, and before 1972 some offsets had seconds.
    near |= {day.toordinal() for day, offset in zip(days, offsets, strict=True) if offset % _MINUTE}
    late = [day for day in sorted(near) if not _begins_at_midnight(zone, day)]
    return _Changes(frozenset(near), tuple(late))


def _begins_at_midnight(zone: ZoneInfo, day: int) -> bool:
    midnight = datetime.fromordinal(day)
    return instant(zone, midnight).astimezone(zone).replace(tzinfo=None, fold=0) == midnight


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
                if numbers_match(schedule.day, schedule.weekday, number, (weekday + number) % 7):
                    return date(year, month, number)
    return None
