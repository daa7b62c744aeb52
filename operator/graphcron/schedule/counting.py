"""How many firings a schedule makes: in an average month, and between two moments. Pure.

They are counted by days and times of the day, as if clocks never changed: walking through a month of a schedule of each
minute takes a second. A change of clocks moves the number by an hour's firings.
"""

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from graphcron.firing.day_rules import Days, meant, month_length
from graphcron.schedule.fields import Field, Schedule, numbers_match

_YEARS = range(2025, 2029)
"""Four in a row, one of them a leap year: an average month is a 48th of them."""


def per_month(schedule: Schedule) -> float:
    """Firings of an average month; 0 for what comes less than once in four years, such as a fifth Friday that is 29
    February."""
    days = _days_of_years(schedule.day, schedule.month, schedule.weekday, tuple(map(tuple, schedule.days)))
    return days * _times_before(schedule, _DAY) / (12 * len(_YEARS))


@lru_cache(maxsize=4096)  # each cron of a list is asked for it
def _days_of_years(day: Field, month: Field, weekday: Field, rules: Days) -> int:
    return sum(len(_days(day, weekday, rules, year, one)) for year in _YEARS for one in month.ordered)


def per_month_in_words(number: float) -> str:
    """How often that is, without a full stop: `About 30 firings a month`."""
    unit = "month"
    if number < 1:
        number, unit = number * 12, "year"
    whole = round(number)
    if not whole:
        return "Less than one firing a year"
    return f"About {whole:,} firing{'' if whole == 1 else 's'} a {unit}"


def between(schedule: Schedule, zone: ZoneInfo, after: datetime, before: datetime) -> int:
    """Firings later than `after` and before `before`. They may be some months apart."""
    if before <= after:
        return 0  # in a year that a zone may not have
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (after, before))
    if last <= first:
        return 0
    begin, final = first.date(), last.date()
    number, month = 0, begin.replace(day=1)
    while month <= final:
        if month.month in schedule.month.values:
            days = _days_of(schedule, month.year, month.month)
            low = bisect_left(days, begin.day) if (begin.year, begin.month) == (month.year, month.month) else 0
            high = (
                bisect_right(days, final.day) if (final.year, final.month) == (month.year, month.month) else len(days)
            )
            number += (high - low) * _times_before(schedule, _DAY)
        month = (month + timedelta(days=32)).replace(day=1)
    # A firing is at a whole minute, so the number up to a moment is that before the next minute.
    passed, due = _minute(first) + 1, _minute(last) + bool(last.second or last.microsecond)
    if _is_on(schedule, begin):
        number -= _times_before(schedule, passed)
    if _is_on(schedule, final):
        number -= _times_before(schedule, _DAY) - _times_before(schedule, due)
    return number


def _is_on(schedule: Schedule, day: date) -> bool:
    return day.month in schedule.month.values and day.day in _days_of(schedule, day.year, day.month)


_DAY = 24 * 60


def _minute(wall: datetime) -> int:
    return 60 * wall.hour + wall.minute


def _times_before(schedule: Schedule, minute: int) -> int:
    """Its times of the day before that minute of the day."""
    hour, rest = divmod(minute, 60)
    number = bisect_left(schedule.hour.ordered, hour) * len(schedule.minute.values)
    return number + (bisect_left(schedule.minute.ordered, rest) if hour in schedule.hour.values else 0)


def _days_of(schedule: Schedule, year: int, month: int) -> tuple[int, ...]:
    return _days(schedule.day, schedule.weekday, tuple(map(tuple, schedule.days)), year, month)


@lru_cache(maxsize=16_384)  # ten thousand crons with H have few days among them
def _days(day: Field, weekday: Field, rules: Days, year: int, month: int) -> tuple[int, ...]:
    dates = [date(year, month, number) for number in range(1, month_length(year, month) + 1)]
    fires = [one for one in dates if numbers_match(day, weekday, one.day, one.isoweekday() % 7)]
    return tuple(one.day for one in fires if meant(rules, one))
