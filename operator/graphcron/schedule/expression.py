"""The parser of cron expressions: reads one as LangGraph means it, and spells it as Kubernetes fires it.

LangGraph's server accepts what croniter accepts, so that is what people write; the cluster fires by Go's robfig/cron
v3, so that is what happens. What is only spelled differently is rewritten, the rest is refused with a sentence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from croniter import CroniterError, CroniterUnsupportedSyntaxError, croniter
from croniter.croniter import HashExpander

from graphcron.firing.day_rules import Days, month_length
from graphcron.firing.day_rules import meant as is_meant
from graphcron.schedule.field_syntax import (
    DESCRIPTORS,
    FIVE_FIELDS,
    HASH_RANGE,
    KINDS,
    FieldKind,
    InvalidSchedule,
    check_values,
    fields_of,
    refuse_known,
    spell,
)
from graphcron.schedule.fields import Field, Schedule, days_match


def read(text: str, seed: str = "") -> Schedule:
    """The schedule that a text means, by croniter's dialect as far as Kubernetes can fire it.

    Day 7 is Sunday, ranges may run backwards (`22-2`, `fri-mon`), names may be written in any case. `H` is a value that
    depends on `seed` alone, the uid of the GraphCron. Raises InvalidSchedule with a reason and a suggestion for all
    else, dates that never come included.
    """
    return _read(text, seed if is_hashed(text) else "")  # who writes the same shares what was made of it


@lru_cache(maxsize=16384)
def _read(text: str, seed: str) -> Schedule:
    parts = fields_of(text)
    if len(parts) == len(KINDS):
        minute, hour, days, month = (_plain_fields(at, *(parts[index] for index in at)) for at in _ALONE)
        if minute and hour and days and month:
            return _checked(text, minute[0], hour[0], days[0], month[0], days[1])
    return read_in_full(text, seed)


_ALONE = ((0,), (1,), (2, 4), (3,))
"""Fields that mean the same whatever the others are. The two of days do together: `1-31` is `*` to croniter, unless
days of the week are named as well."""

_PLAIN = re.compile(r"[0-9*,/-]+|([a-z]{3}[,-]?)+")


@lru_cache(maxsize=4096)  # there are many schedules, and few fields that they are made of
def _plain_fields(at: tuple[int, ...], *parts: str) -> tuple[Field, ...]:
    """Fields of numbers or names alone, by their places; none when one is anything else, or wrong: then the schedule
    has to be read in full."""
    whole = ["*"] * len(KINDS)
    try:
        for index, part in zip(at, parts, strict=True):
            if not _PLAIN.fullmatch(part):
                return ()
            check_values(part, part, KINDS[index])
            whole[index] = part
        meant, _ = croniter.expand(" ".join(whole))
    except (InvalidSchedule, CroniterError, ValueError):
        return ()
    return tuple(spell(whole[index], meant[index], KINDS[index]) for index in at)


def _checked(text: str, minute: Field, hour: Field, day: Field, month: Field, weekday: Field) -> Schedule:
    schedule = Schedule(minute, hour, day, month, weekday)
    if not schedule.ever_fires():
        raise InvalidSchedule(text, "It never fires: no month that it names has such a day.")
    return schedule


def read_in_full(text: str, seed: str) -> Schedule:
    """What `read` comes to, for ten times its work on most schedules: croniter reads the five fields together."""
    spec = " ".join(fields_of(text))
    refuse_known(text, spec)
    parts = fields_of(DESCRIPTORS.get(spec.lower(), spec))
    if len(parts) != 5:
        raise InvalidSchedule(text, FIVE_FIELDS)
    # "to the last day" is for croniter "to the 31st"
    parts[2] = re.sub(r"(?i)(?<=\d-)l\b", "31", parts[2])
    parts = [_unhashed(text, index, part, seed) for index, part in enumerate(parts)]
    for part, kind in zip(parts, KINDS, strict=True):
        check_values(text, part, kind)
    try:
        meant, numbered = croniter.expand(" ".join(parts))
    except CroniterUnsupportedSyntaxError:
        raise InvalidSchedule(text, "Days of the week are all numbered, such as '1#1,5#2', or none is.") from None
    except (CroniterError, ValueError):
        raise InvalidSchedule(text, FIVE_FIELDS) from None
    if numbered or "l" in meant[2] or "w" in parts[2].lower():
        return _beyond_kubernetes(text, parts, meant, numbered)
    fields = [spell(part, values, kind) for part, values, kind in zip(parts, meant, KINDS, strict=True)]
    minute, hour, day, month, weekday = fields
    return _checked(text, minute, hour, day, month, weekday)


_HASHES = HashExpander(croniter)  # type: ignore[arg-type]  # it takes the class, whatever its annotation says
_HASHED = re.compile(r"(?i)h(\((?P<first>[0-9]{1,2})-(?P<last>[0-9]{1,2})\))?(/(?P<step>[0-9]{1,4}))?")


def is_hashed(text: str) -> bool:
    """Whether a schedule has an `H`, so that it is another one for each seed."""
    return any(part.lower().startswith("h") for part in fields_of(text))


def _unhashed(text: str, index: int, part: str, seed: str) -> str:
    """A field with `H` as croniter spells it out for this seed; others as they are."""
    if not part.lower().startswith("h"):
        return part
    kind = KINDS[index]
    if not (found := _HASHED.fullmatch(part)):
        raise InvalidSchedule(
            text,
            f"'{part}' is no valid {kind.name}: 'H' is the whole field, with a range or a step at most, such as "
            "'H(0-29)' or 'H/15'.",
        )
    if found["step"] is not None and int(found["step"]) < 1:
        raise InvalidSchedule(text, f"The step of '{part}' in the {kind.name} must be 1 or more.")
    try:
        return str(_HASHES.expand(None, index, part.lower(), hash_id=seed.encode()))
    except CroniterError:
        raise InvalidSchedule(text, HASH_RANGE.format(part, kind=kind)) from None


def _beyond_kubernetes(
    text: str, parts: list[str], meant: Sequence[Sequence[int | str]], numbered: Mapping[Any, set[Any]]
) -> Schedule:
    """A schedule with days that robfig/cron cannot name: the CronJob gets the fewest days that hold all that are
    meant, and the rest is left to `Schedule.days`."""
    minute, hour, month = (spell(parts[i], meant[i], KINDS[i]) for i in (0, 1, 3))
    dates, weekdays = _rules(parts[2], meant[2], meant[4], numbered)
    days, needed = _combine(dates, weekdays, alternatives=meant[2][0] != "*" and meant[4][0] != "*")
    calendar = _calendar(month.values)
    wanted = _on(days, calendar)
    if not wanted or not _on(needed, calendar):
        raise InvalidSchedule(text, "It never fires: no month that it names has such a day.")
    day, weekday = _fewest_days(days, wanted, calendar)
    schedule = Schedule(minute, hour, day, month, weekday)
    if all(date in wanted for date in calendar if schedule.on_day(date)):
        days = ()
    return replace(schedule, days=days)


def _rules(
    part: str, dates: Sequence[int | str], weekdays: Sequence[int | str], numbered: Mapping[Any, set[Any]]
) -> tuple[list[str], list[str]]:
    """The rules (see day_rules.py) of the two day fields; none for a field that lets every day through."""
    if "w" in part.lower():
        by_date = [f"{int(part.lower().strip('w'))}W"]
    else:
        by_date = [] if "*" in dates else [str(date).upper() for date in dates]
    if numbered:
        by_weekday = [f"{day}#{str(nth).upper()}" for day, nths in numbered.items() for nth in nths]
    else:
        by_weekday = [] if "*" in weekdays else [f"{day}#*" for day in weekdays]
    return by_date, sorted(by_weekday)


def _combine(dates: list[str], weekdays: list[str], *, alternatives: bool) -> tuple[Days, Days]:
    """The days that croniter means, and days of which there must be one: it fires when either of two restricted fields
    matches, unless one of them has `#` or `W`. Those always have to hold, so a plain field beside them changes nothing
    (croniter, _calc_next); but when the two together never hold, croniter finds no date at all."""
    both = tuple(tuple(group) for group in (dates, weekdays) if group)
    if not alternatives:
        return both, both
    nearest, numbered = dates[0].endswith("W"), not weekdays[0].endswith("*")
    if nearest and not numbered:
        return (tuple(dates),), both
    if numbered and not nearest:
        return (tuple(weekdays),), both
    return (both, both) if nearest else (((*dates, *weekdays),), ())


def _calendar(months: Iterable[int]) -> list[date]:
    """Each day of each kind of month: of a length that these months have, beginning on each day of the week."""
    kinds = {}
    for year in range(2000, 2028):  # after 28 years weekdays and leap years come again in the same order
        for month in months:
            kinds[month_length(year, month), date(year, month, 1).weekday()] = (year, month)
    return [date(year, month, day) for (length, _), (year, month) in kinds.items() for day in range(1, length + 1)]


def _on(days: Days, calendar: Iterable[date]) -> set[date]:
    return {day for day in calendar if is_meant(days, day)}


def _fewest_days(days: Days, wanted: set[date], calendar: list[date]) -> tuple[Field, Field]:
    """Day of month and day of week for the CronJob: dates, weekdays or both as alternatives, whichever is fewest."""
    every_day, every_weekday = _field(range(1, 32), KINDS[2]), _field(range(7), KINDS[4])
    dates = _field({day.day for day in wanted}, KINDS[2])
    weekdays = _field({day.isoweekday() % 7 for day in wanted}, KINDS[4])
    spellings = [(dates, every_weekday), (every_day, weekdays)]
    if len(days) == 1:
        by_date = [rule for rule in days[0] if "#" not in rule]
        by_weekday = {int(rule[0]) for rule in days[0] if "#" in rule}
        if by_date and 0 < len(by_weekday) < 7:  # all seven would be `*`, which turns "or" into "and"
            numbers = {day.day for day in _on([by_date], calendar)}
            spellings.append((_field(numbers, KINDS[2]), _field(by_weekday, KINDS[4])))
    return min(spellings, key=lambda pair: sum(days_match(pair[0], pair[1], day) for day in calendar))


def _field(values: Iterable[int], kind: FieldKind) -> Field:
    numbers = frozenset(values)
    star = len(numbers) == kind.high - kind.low + 1
    return Field("*" if star else ",".join(map(str, sorted(numbers))), numbers, star)
