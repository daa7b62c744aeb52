"""Which scheduled times a backfill runs: those of the schedule as it fires, and no other."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.resource.backfill import BackfillSpec, read_backfill
from graphcron.resource.backfill_plan import Timetable, ends, plan_of, succeeded_in, until_of
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.status import HistoryEntry
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import read_timezone

UID = "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def graphcron(schedule: str = "0 * * * *", uid: str = UID, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "hello", "uid": uid}, "spec": {"schedule": schedule, "assistantId": "agent"} | spec}


def between(begin: str, end: str, **fields: Any) -> BackfillSpec:
    return read_backfill({"graphCron": "hello", "from": begin, "to": end} | fields)


def text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def planned(
    spec: BackfillSpec,
    cron: dict[str, Any],
    until: datetime = LATER,
    succeeded: Collection[datetime] = (),
    running: Collection[datetime] = (),
) -> tuple[list[str], dict[str, int]]:
    """The scheduled times as text, and how many are left out, by reason."""
    plan = plan_of(spec, Timetable.of(cron), until, succeeded, running)
    return [f"{slot:%m-%dT%H:%M}" for slot in plan.slots], {group.reason: group.count for group in plan.left_out}


def test_from_counts_and_to_does_not() -> None:
    """So that two backfills side by side share no scheduled time."""
    times, left_out = planned(between("2026-11-01T03:00:00Z", "2026-11-01T06:00:00Z"), graphcron())
    assert (times, left_out) == (["11-01T03:00", "11-01T04:00", "11-01T05:00"], {})


def test_times_before_start_time_and_from_end_time_on_are_left_out_and_counted() -> None:
    cron = graphcron(startTime="2026-11-01T04:00:00Z", endTime="2026-11-01T06:00:00Z")
    times, left_out = planned(between("2026-11-01T00:00:00Z", "2026-11-01T09:00:00Z"), cron)
    assert times == ["11-01T04:00", "11-01T05:00"]
    assert left_out == {"BeforeStartTime": 4, "AfterEndTime": 3}


def test_a_graphcron_that_was_not_there_at_all_then_leaves_all_out() -> None:
    late, over = graphcron(startTime="2026-12-01T00:00:00Z"), graphcron(endTime="2026-10-01T00:00:00Z")
    spec = between("2026-11-01T00:00:00Z", "2026-11-01T09:00:00Z")
    assert planned(spec, late) == ([], {"BeforeStartTime": 9})
    assert planned(spec, over) == ([], {"AfterEndTime": 9})


def test_days_that_are_not_meant_are_no_scheduled_times() -> None:
    times, left_out = planned(between("2026-09-01T00:00:00Z", "2026-12-01T00:00:00Z"), graphcron("0 9 L * *"))
    assert (times, left_out) == (["09-30T09:00", "10-31T09:00", "11-30T09:00"], {})


def test_what_is_not_due_yet_is_left_out() -> None:
    spec = between("2026-11-01T00:00:00Z", "2026-11-01T09:00:00Z")
    times, left_out = planned(spec, graphcron(), datetime(2026, 11, 1, 7, tzinfo=UTC))
    assert (times[-1], left_out) == ("11-01T06:00", {"NotDue": 2})
    assert planned(spec, graphcron(), datetime(2026, 10, 1, tzinfo=UTC)) == ([], {"NotDue": 9})


def test_what_succeeded_or_runs_is_left_out_and_a_rerun_takes_the_first_of_them() -> None:
    three, four = (datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (3, 4))
    whole = ("2026-11-01T03:00:00Z", "2026-11-01T06:00:00Z")
    assert planned(between(*whole), graphcron(), succeeded={three}, running={four, three}) == (
        ["11-01T05:00"], {"AlreadySucceeded": 1, "StillRunning": 1},
    )  # fmt: skip
    assert planned(between(*whole, rerun=True), graphcron(), succeeded={three}) == (
        ["11-01T03:00", "11-01T04:00", "11-01T05:00"], {},
    )  # fmt: skip


def test_over_a_change_of_clocks_it_has_what_the_cluster_fires() -> None:
    """At 02:30 nothing fires on the day of the gap, and twice on that of the overlap, as in a CronJob."""
    cron = graphcron("30 2 * * *", timezone="Europe/Berlin")
    spring, _ = planned(between("2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"), cron)
    assert spring == ["03-28T01:30", "03-30T00:30"]
    autumn, _ = planned(between("2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z"), cron)
    assert autumn == ["10-24T00:30", "10-25T00:30", "10-25T01:30", "10-26T01:30"]


def test_more_than_ten_thousand_are_refused_and_exactly_so_many_are_not() -> None:
    cron, begin = graphcron("* * * * *"), datetime(2026, 1, 1, tzinfo=UTC)
    spec = between("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert len(plan_of(spec, Timetable.of(cron), begin + timedelta(minutes=10_000)).slots) == 10_000
    with pytest.raises(InvalidGraphCron) as refused:
        plan_of(spec, Timetable.of(cron), begin + timedelta(minutes=10_001))
    assert refused.value.reason == "TooManySlots"
    assert "2026-01-07T22:39:00Z" in refused.value.message


def test_of_more_left_out_than_that_it_says_so() -> None:
    cron = graphcron("* * * * *", startTime="2026-12-31T23:00:00Z")
    spec = between("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    (group,) = plan_of(spec, Timetable.of(cron), LATER).left_out
    assert (group.count, group.message.endswith("more than 10000 of them")) == (10_000, True)


@pytest.mark.parametrize(
    ("spec", "reason"), [({"timezone": "Mars/Base"}, "InvalidSchedule"), ({"x": 1}, "InvalidSpec")]
)
def test_a_graphcron_that_cannot_be_scheduled_is_an_error(spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidGraphCron) as invalid:
        Timetable.of(graphcron(**spec))
    assert invalid.value.reason == reason


SCHEDULES = (
    "* * * * *",
    "*/7 * * * *",
    "0 */3 * * *",
    "30 2 * * *",
    "H H * * *",
    "0 9 L * *",
    "15 6 * * 5#2",
    "0 0 15W * *",
)
ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(SCHEDULES), st.sampled_from(ZONES), st.uuids(), moments, st.integers(1, 3 * 24 * 60), moments,
    st.data(),
)  # fmt: skip
def test_each_time_that_fires_is_run_once_or_left_out_once(
    schedule: str, zone: str, uid: Any, begin: datetime, minutes: int, until: datetime, data: st.DataObject
) -> None:
    """Whatever the schedule, its seed, the zone and what is known."""
    end = begin + timedelta(minutes=minutes)
    cron = graphcron(schedule, str(uid), timezone=zone)
    if data.draw(st.booleans()):
        cron["spec"]["startTime"] = (
            f"{begin + timedelta(minutes=data.draw(st.integers(-99, minutes))):%Y-%m-%dT%H:%M:%SZ}"
        )
    fires = next_times(
        read(schedule, str(uid)),
        read_timezone(zone),
        begin - timedelta(seconds=1),
        9999,
        until=end - timedelta(seconds=1),
    )
    known = set(data.draw(st.lists(st.sampled_from(fires), max_size=5))) if fires else set()
    spec = between(text(begin), text(end))
    plan = plan_of(spec, Timetable.of(cron), until, succeeded=known)
    assert plan.slots == sorted(set(plan.slots))
    assert set(plan.slots) <= set(fires) - known
    assert all(slot < until for slot in plan.slots)
    assert len(plan.slots) + sum(group.count for group in plan.left_out) == len(fires)


def test_what_is_due_and_may_still_fire_is_the_schedules_own() -> None:
    now = datetime(2026, 12, 1, 12, 0, 30, tzinfo=UTC)
    cron = graphcron() | {"status": {"enabled": True, "lastScheduleTime": "2026-12-01T11:00:00Z"}}
    assert until_of(cron, Timetable.of(cron), now) == datetime(2026, 12, 1, 12, tzinfo=UTC)
    cron["status"] = {"enabled": True, "lastScheduleTime": "2026-12-01T12:00:00Z"}
    assert until_of(cron, Timetable.of(cron), now) == now
    cron["status"] = {"enabled": False, "lastScheduleTime": "2026-12-01T11:00:00Z"}
    assert until_of(cron, Timetable.of(cron), now) == now


def test_a_requested_run_and_a_failure_do_not_count_as_done() -> None:
    def entry(hour: int, outcome: str, **fields: Any) -> HistoryEntry:
        due = datetime(2026, 11, 1, hour, tzinfo=UTC)
        return HistoryEntry.model_validate({"scheduled_time": due, "outcome": outcome, "reason": "X"} | fields)

    history = [
        entry(1, "Succeeded"), entry(2, "Failed"), entry(3, "Succeeded", trigger="Manual"), entry(4, "WaitingForInput"),
    ]  # fmt: skip
    assert {moment.hour for moment in succeeded_in(history)} == {1, 4}


@pytest.mark.parametrize(("number", "first", "last"), [(0, 0, 0), (3, 3, 0), (5, 5, 0), (7, 5, 2), (30, 5, 5)])
def test_the_ends_show_none_twice(number: int, first: int, last: int) -> None:
    times = [LATER + timedelta(hours=hour) for hour in range(number)]
    begin, end = ends(times, 5)
    assert (len(begin), len(end)) == (first, last)
    assert not set(begin) & set(end)
