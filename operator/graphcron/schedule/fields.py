"""A parsed schedule: its five fields, and the days they match."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from graphcron.firing.day_rules import Days
from graphcron.firing.slots import to_json


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
    return numbers_match(day, weekday, local.day, local.isoweekday() % 7)


def numbers_match(day: Field, weekday: Field, date_number: int, weekday_number: int) -> bool:
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

    @property
    def slots(self) -> dict[str, Any]:
        """Its fields as an order carries them (`firing.slots`)."""
        return to_json([field.values for field in self.fields], either=not (self.day.star or self.weekday.star))

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
