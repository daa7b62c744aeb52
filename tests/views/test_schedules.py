"""A GraphCron's schedule in words."""

import pytest

from graphcron.views.schedules import schedule_in_words


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("30 8 * * mon-fri", "At 08:30, Monday through Friday"),
        ("30 8 L * *", "the last day"),
        ("@every 5m", "@every"),
        ("", ""),
    ],
)
def test_it_is_in_english_or_says_what_is_wrong(schedule: str, words: str) -> None:
    assert words in schedule_in_words({"metadata": {"uid": "u"}, "spec": {"schedule": schedule}})


def test_a_hashed_one_depends_on_the_uid() -> None:
    said = {schedule_in_words({"metadata": {"uid": str(uid)}, "spec": {"schedule": "H H * * *"}}) for uid in range(5)}
    assert len(said) == 5
    assert schedule_in_words({"metadata": {"uid": "u"}, "spec": None})
