"""A schedule in English."""

from collections.abc import Sequence

from cron_descriptor import Options, get_description

from graphcron.schedule.field_syntax import KINDS, FieldKind
from graphcron.schedule.fields import Field, Schedule


def in_words(schedule: Schedule) -> str:
    """The schedule in English, such as `At 08:30, Monday through Friday`."""
    if not schedule.days:
        return _described(schedule.fields)
    every = Field("*", frozenset(), star=True)
    fields = (schedule.minute, schedule.hour, every, schedule.month, every)
    named = (" or ".join(map(_named, group)) for group in schedule.days)
    return f"{_described(fields)}, on {', when that is '.join(named)} of the month"


def _described(fields: Sequence[Field]) -> str:
    # The locale of the machine would otherwise choose the language and the clock.
    options = Options(locale_code="en_US", use_24hour_time_format=True)
    return str(get_description(" ".join(map(_spelled, fields, KINDS)), options))


def _spelled(field: Field, kind: FieldKind) -> str:
    """A field for cron_descriptor, which makes "every n" of each step: one of which that is untrue is a list of values.

    Within a range of two values or more "every n" is true. Without a range the step also has to divide the field, and
    months are not of one length.
    """
    text = field.text.replace("?", "*")
    if "/" not in text or field.star:
        return "*" if field.star else text
    if "," not in text:
        _, is_range, _ = text.partition("-")
        period = int(text.rpartition("/")[2])
        if len(field.values) > 1 if is_range else period * len(field.values) == kind.high - kind.low + 1 != 31:
            return text
    return ",".join(map(str, field.ordered))


_WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()
_WHICH = {"1": "the first", "2": "the second", "3": "the third", "4": "the fourth", "5": "the fifth", "L": "the last"}


def _named(rule: str) -> str:
    """A rule of day_rules.py in words."""
    weekday, marked, which = rule.partition("#")
    if marked:
        return f"{_WHICH.get(which, 'each')} {_WEEKDAYS[int(weekday)]}"
    if rule.endswith("W"):
        return f"the weekday nearest day {rule[:-1]}"
    return "the last day" if rule == "L" else f"day {rule}"
