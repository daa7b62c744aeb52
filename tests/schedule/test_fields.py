"""The days of a parsed schedule: how its two day fields combine, and dates that no calendar has."""

from datetime import date

import pytest

from graphcron.schedule.field_syntax import KINDS, spell
from graphcron.schedule.fields import Field, Schedule

FRIDAY_13, FRIDAY_20, SATURDAY_13 = date(2026, 2, 13), date(2026, 2, 20), date(2026, 6, 13)


def schedule(day: str, month: str, weekday: str) -> Schedule:
    def field(text: str, place: int) -> Field:
        return spell(text, [text if text == "*" else int(text)], KINDS[place])

    return Schedule(field("0", 0), field("0", 1), field(day, 2), field(month, 3), field(weekday, 4))


@pytest.mark.parametrize(
    ("day", "weekday", "days"),
    [
        ("13", "5", [FRIDAY_13, FRIDAY_20, SATURDAY_13]),
        ("13", "*", [FRIDAY_13, SATURDAY_13]),
        ("*", "5", [FRIDAY_13, FRIDAY_20]),
        ("*", "*", [FRIDAY_13, FRIDAY_20, SATURDAY_13]),
    ],
)
def test_two_restricted_day_fields_are_alternatives(day: str, weekday: str, days: list[date]) -> None:
    parsed = schedule(day, "*", weekday)
    assert [each for each in (FRIDAY_13, FRIDAY_20, SATURDAY_13) if parsed.on_day(each)] == days


@pytest.mark.parametrize(
    ("day", "month", "weekday", "ever"),
    [("29", "2", "*", True), ("30", "2", "*", False), ("31", "4", "*", False), ("31", "2", "1", True)],
)
def test_a_date_that_no_calendar_has_never_fires(day: str, month: str, weekday: str, ever: bool) -> None:
    assert schedule(day, month, weekday).ever_fires() is ever
