"""The minutes on which a CronJob fires, by its five fields; and the one before a given minute, for run pods.

Standard library only. A run pod imports this when an input asks for the previous time, and no sooner.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from graphcron.firing.day_rules import Days, meant
from graphcron.firing.robfig_walk import Pattern, rest_of_day, walked

_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
"""Of the five fields: minute, hour, day of month, month, day of week from Sunday on."""


class Values(NamedTuple):
    """The values of one field."""

    values: frozenset[int]


class Slots(NamedTuple):
    """The five fields of a schedule as an order carries them. `either` says that a day needs to match one of the two
    day fields only, since both are restricted."""

    minute: Values
    hour: Values
    day: Values
    month: Values
    weekday: Values
    either: bool

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Slots":
        """Raises KeyError, TypeError or ValueError for what `to_json` does not write."""
        fields = (range_ if given is None else given for given, range_ in zip(data["fields"], _RANGES, strict=True))
        minute, hour, day, month, weekday = (Values(frozenset(field)) for field in fields)
        return cls(minute, hour, day, month, weekday, bool(data.get("either")))

    def on_day(self, local: date) -> bool:
        """Whether the CronJob fires on this date."""
        by_date, by_weekday = local.day in self.day.values, local.isoweekday() % 7 in self.weekday.values
        return (by_date or by_weekday) if self.either else (by_date and by_weekday)


def to_json(fields: Sequence[frozenset[int]], *, either: bool) -> dict[str, Any]:
    """What an order carries: the values of each field, null for all of them."""
    lists = [None if len(values) == len(all_) else sorted(values) for values, all_ in zip(fields, _RANGES, strict=True)]
    return {"fields": lists} | ({"either": True} if either else {})


HORIZON = timedelta(days=80 * 366)
"""How far back a minute is searched: 29 February is a fifth Friday once in 28 years, or in 40 around the year 2100."""


def previous_time(pattern: Pattern, days: Days, zone: ZoneInfo, before: datetime) -> datetime | None:
    """The last scheduled minute before that one; None when there is none.

    The walk only goes forward, and around changes of clocks it depends on where it set out: robfig/cron passes over
    some times that are on the schedule. So it sets out further and further back, until it has come by two days: the
    last time was then found from another day, as the CronJob controller finds it. (Where clocks change at midnight, it
    may pass over a whole month, which no such search tells from one on which it fired.)
    """
    span, last = timedelta(minutes=2), None
    while span < HORIZON:
        dates = set()
        for found in _times(pattern, days, zone, before - span):
            if found >= before:
                break
            last = found
            dates.add(found.toordinal())
        if len(dates) > 1:
            break
        span *= 2
    return last


def _times(pattern: Pattern, days: Days, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    moment = after
    while (found := walked(pattern, zone, moment)) is not None:
        local = found.astimezone(zone)
        if meant(days, local):
            yield found
            moment = found
        else:
            moment = rest_of_day(found, local)
