"""The quarantine by plain data; test_crash_marker.py has what survives a process."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from graphcron.operator.quarantine import (
    REMEMBERED,
    Suspect,
    after_death,
    conditions,
    read_mark,
    read_suspects,
    write_suspects,
)

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
WORK = Suspect("team", "hello", "uid-1", 3)


def test_a_mark_is_read_as_it_was_written() -> None:
    assert read_mark(WORK.mark) == WORK


@pytest.mark.parametrize("text", ["", "team\nhello\nuid-1\n3", "team\nhello\nuid-1\n", "team\nhello\nuid-1\n-3\n"])
def test_a_mark_that_was_cut_is_none(text: str) -> None:
    """The process may have died as it wrote it."""
    assert read_mark(text) is None


def test_a_start_after_no_death_leaves_the_suspects_as_they_are() -> None:
    known = {"uid-1": WORK}
    assert after_death(known, "", NOW) == known


def test_deaths_on_the_same_spec_add_up_and_an_edit_begins_anew() -> None:
    once = after_death({}, WORK.mark, NOW)
    assert once["uid-1"].deaths == 1
    assert after_death(once, WORK.mark, NOW)["uid-1"].deaths == 2
    assert after_death(once, replace(WORK, generation=4).mark, NOW)["uid-1"].deaths == 1


@pytest.mark.parametrize(
    ("deaths", "wait"),
    [
        (1, timedelta(minutes=1)),
        (2, timedelta(minutes=10)),
        (3, timedelta(hours=2)),
        (4, timedelta(days=1)),
        (99, timedelta(days=1)),
    ],
)
def test_it_is_left_alone_the_longer_the_more_often_it_was_the_last(deaths: int, wait: timedelta) -> None:
    assert replace(WORK, deaths=deaths, at=NOW.timestamp()).until == NOW + wait


def test_of_too_many_suspects_the_latest_are_remembered() -> None:
    many = [replace(WORK, uid=str(number), at=float(number)) for number in range(REMEMBERED + 3)]
    assert list(read_suspects(write_suspects(reversed(many)))) == [str(n) for n in range(3, REMEMBERED + 3)]


def test_a_time_that_no_calendar_has_is_not_read() -> None:
    assert read_suspects(json.dumps([{"namespace": "a", "name": "b", "uid": "c", "generation": 1, "at": 1e300}])) == {}


def test_its_conditions_are_of_the_generation_that_was_worked_on() -> None:
    found = conditions(replace(WORK, at=NOW.timestamp()), NOW)
    assert [(one["type"], one["status"], one["observedGeneration"]) for one in found] == [
        ("Ready", "False", 3),
        ("Stalled", "True", 3),
    ]
    assert {one["lastTransitionTime"] for one in found} == {"2026-12-01T10:05:00Z"}
