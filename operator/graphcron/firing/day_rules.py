"""Days that a CronJob cannot name, such as the last of a month: a predicate on dates, shared by operator and run pods.

A CronJob fires on more days than are meant; its run pods start nothing on the others, and lists of
next firings leave them out. Both call `meant`.

Standard library only, and little of it: run pods import this at every firing.
"""

from collections.abc import Sequence
from datetime import date, datetime

Days = Sequence[Sequence[str]]
"""Groups of rules, as an order carries them. A date is meant when each group has a rule that it fulfils: `15` the day,
`L` the last day, `15W` the weekday (Monday to Friday) nearest to that day within the month, `5#2` the second Friday,
`5#L` the last Friday, `5#*` each Friday. Sunday is 0."""


def meant(days: Days, day: date) -> bool:
    """Whether this date, in the schedule's own zone, is one of the days. No groups mean every date."""
    return all(any(_fulfils(rule, day) for rule in group) for group in days)


def local_date(moment: datetime, timezone: str) -> date:
    """The date of an instant in an IANA zone. Raises KeyError for a zone that is none."""
    from graphcron.firing.zones import zone_of  # a few milliseconds, which only a firing with such days has to pay

    return moment.astimezone(zone_of(timezone)).date()


def _fulfils(rule: str, day: date) -> bool:
    weekday, marked, which = rule.partition("#")
    if marked:
        if day.isoweekday() % 7 != int(weekday):
            return False
        if which == "L":
            return day.day + 7 > month_length(day.year, day.month)
        return which == "*" or (day.day + 6) // 7 == int(which)
    if rule == "L":
        return day.day == month_length(day.year, day.month)
    if rule.endswith("W"):
        return day.day == _nearest_weekday(int(rule[:-1]), day)
    return day.day == int(rule)


def _nearest_weekday(wanted: int, day: date) -> int:
    """The day of that month, Monday to Friday, nearest to the wanted one; it never leaves the month (croniter, W)."""
    last = month_length(day.year, day.month)
    wanted = min(wanted, last)
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 7:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def month_length(year: int, month: int) -> int:
    """Days of a month. `calendar` knows it too, and costs more to import than the rest of this."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
