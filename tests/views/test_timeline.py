"""Which minutes of the next 24 hours are too full, and what the last 24 hours brought."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.views import timeline
from graphcron.views.glance import keep
from graphcron.views.timeline import ahead, behind, level, spread

NOW = datetime(2026, 11, 27, 13, 30, 20, tzinfo=UTC)


def graphcron(schedule: str, number: int = 0, **spec: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": f"cron-{number}", "uid": f"uid-{number}"}
    return {
        "metadata": metadata,
        "spec": {"schedule": schedule, **spec},
        "status": {"nextRunTimes": ["2026-11-27T14:00:00Z"]},
    }


def at(hour: int, minute: int, day: int = 27) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_each_minute_has_its_number_of_firings_in_the_zones_of_the_crons() -> None:
    found = ahead([graphcron("0 15 * * *"), graphcron("0 16 * * *", timezone="Europe/Berlin")], NOW)
    assert found.start == at(13, 30)
    assert {found.start + timedelta(minutes=i): n for i, n in enumerate(found.minutes) if n} == {at(15, 0): 2}
    assert (found.firings, found.fullest, found.crons, found.unread) == (2, 2, 2, 0)


def test_it_ends_after_24_hours_and_nothing_of_the_minute_that_goes_on_is_ahead() -> None:
    found = ahead([graphcron("30 13 * * *")], NOW)
    assert found.firings == 0
    found = ahead([graphcron("29 13 * * *")], NOW)
    assert found.minutes[-1] == 1


@pytest.mark.parametrize("status", [{}, {"nextRunTimes": []}])
def test_what_does_not_fire_is_not_in_it(status: dict[str, Any]) -> None:
    assert ahead([graphcron("* * * * *") | {"status": status}], NOW).crons == 0


def test_a_cron_of_which_a_glance_is_kept_counts_as_a_whole_one() -> None:
    whole = graphcron("0 15 * * *")
    kept = {name: value for name, value in whole.items() if name != "status"} | keep(whole)
    assert ahead([kept], NOW) == ahead([whole], NOW)
    assert ahead([kept], NOW).firings == 1
    ran = with_history(entry("2026-11-27T13:30:00Z"))
    kept = {name: value for name, value in ran.items() if name != "status"} | keep(ran)
    assert behind([kept], NOW).totals == Counter(Succeeded=1)


def test_hours_have_their_minutes_with_the_shade_of_each() -> None:
    crowd = [graphcron("40 13 * * *", number) for number in range(3)] + [graphcron("0 13 * * *")]
    hours = ahead(crowd, NOW).hours
    assert (len(hours), hours[0], hours[-1]) == (25, (at(13, 0), [(40, 3, 2)]), (at(13, 0, 28), [(0, 1, 1)]))
    assert [level(number) for number in (0, 1, 2, 3, 84, 85, 10_000)] == [0, 1, 1, 2, 4, 5, 5]


def test_start_and_end_hold() -> None:
    bounded = graphcron("0 * * * *", startTime="2026-11-27T15:00:00Z", endTime="2026-11-27T17:00:00Z")
    found = ahead([bounded], NOW)
    assert [i for i, number in enumerate(found.minutes) if number] == [90, 150]


def test_a_schedule_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    found = ahead([graphcron("banana"), graphcron("0 15 * * *", timezone="Mars/Base"), graphcron("0 15 * * *")], NOW)
    assert (found.firings, found.unread) == (1, 2)


def test_a_minute_is_hot_when_its_last_job_starts_ten_seconds_late() -> None:
    few = [graphcron("0 15 * * *", number) for number in range(84)]
    assert ahead(few, NOW).hot == ()
    (hot,) = ahead([*few, graphcron("0 15 27 * *", 84)], NOW).hot
    assert (hot.at, hot.number, hot.waiting, hot.late) == (at(15, 0), 85, 0, timedelta(seconds=10))
    assert [(crowd.schedule, crowd.number, crowd.spread) for crowd in hot.crowds] == [
        ("0 15 * * *", 84, "H 15 * * *"),
        ("0 15 27 * *", 1, "H 15 27 * *"),
    ]


def test_what_a_minute_leaves_makes_the_next_one_late() -> None:
    crowd = [graphcron("0 15 * * *", number) for number in range(1000)] + [graphcron("1 15 * * *", 1000)]
    first, second = ahead(crowd, NOW).hot
    assert (first.at, round(first.late.total_seconds())) == (at(15, 0), 118)
    assert (second.at, second.number, second.waiting) == (at(15, 1), 1, 490)
    assert round(second.late.total_seconds()) == 58


def test_few_of_many_hot_minutes_are_told_the_fullest_first() -> None:
    crowd = [graphcron("0 * * * *", number) for number in range(100)]
    found = ahead([*crowd, graphcron("0 20 * * *")], NOW)
    assert found.hot_minutes == 24
    assert len(found.hot) == timeline.SHOWN_MINUTES
    assert found.hot[0].at == at(20, 0)


def test_work_is_bounded_and_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "WALKED", 1000)
    crons = [graphcron(f"{number} * * * *", number) for number in range(60)]
    found = ahead([*crons, graphcron("0 * * * *", 60)], NOW)
    assert found.unread == 60 - 41, "each of the 41 others has 24 firings, and its walk one more step"
    assert found.minutes[30] == 2, "the most frequent schedule is in it"


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("0 9 * * mon-fri", "H 9 * * mon-fri"),
        ("@hourly", "H * * * *"),
        ("@daily", "H 0 * * *"),
        ("*/15 * * * *", "H/15 * * * *"),
        ("* * * * *", None),
        ("*/1 * * * *", None),
        ("H * * * *", None),
        ("0,30 * * * *", None),
        ("banana", None),
    ],
)
def test_a_schedule_with_h_fires_as_often(schedule: str, wanted: str | None) -> None:
    assert spread(schedule) == wanted
    if wanted:
        before, after = (ahead([graphcron(text)], NOW).firings for text in (schedule, wanted))
        assert abs(before - after) <= 1, "the window may cut one off"


def entry(time: str, outcome: str = "Succeeded", **more: Any) -> dict[str, Any]:
    return {"scheduledTime": time, "outcome": outcome, "reason": outcome, **more}


def with_history(*entries: dict[str, Any]) -> dict[str, Any]:
    found = graphcron("0 * * * *")
    found["status"]["history"] = list(entries)
    return found


def test_firings_of_the_last_24_hours_are_counted_by_quarter_and_outcome() -> None:
    found = behind(
        [
            with_history(entry("2026-11-27T13:30:00Z", "Failed"), entry("2026-11-26T13:44:00Z")),
            with_history(entry("2026-11-27T13:31:00Z"), entry("2026-11-27T12:00:00Z"), entry("2026-11-25T13:44:00Z")),
        ],
        NOW,
    )
    assert (found.start, found.slot, len(found.slots)) == (at(13, 45, 26), timedelta(minutes=15), 96)
    assert found.slots[-1] == Counter(Failed=1, Succeeded=1)
    assert found.totals == Counter(Failed=1, Succeeded=2)
    assert found.cut == 0


def test_an_entry_of_several_firings_counts_them_all_where_the_last_was_due() -> None:
    missed = entry("2026-11-27T10:00:00Z", "Missed", count=5, lastScheduledTime="2026-11-27T13:30:00Z")
    assert behind([with_history(missed)], NOW).slots[-1] == Counter(Missed=5)


def test_crons_whose_history_is_too_short_are_counted() -> None:
    frequent = with_history(*(entry(f"2026-11-27T{13 - hour:02}:00:00Z") for hour in range(10)))
    daily = with_history(*(entry(f"2026-11-{27 - day}T09:00:00Z") for day in range(10)))
    assert behind([frequent, daily, graphcron("0 * * * *")], NOW).cut == 1
