"""A GraphCron's schedule in words."""

from graphcron.views.schedules import schedule_in_words
from tests.support.console_source import cron


def test_a_schedule_is_said_in_words() -> None:
    assert schedule_in_words(cron("a", schedule="30 8 * * 1-5")) == "At 08:30, Monday through Friday"


def test_a_hashed_one_is_said_as_it_is_for_its_graphcron() -> None:
    assert schedule_in_words(cron("a", schedule="H 8 * * *")) != schedule_in_words(cron("b", schedule="H 8 * * *"))


def test_a_wrong_one_is_said_to_be_wrong() -> None:
    assert "61" in schedule_in_words(cron("a", schedule="61 8 * * *"))
