"""Expectations: what is not so becomes a condition when its time comes, and of one that does not fire nothing is
expected."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.operator.expectations import Limits
from graphcron.resource.spec_parts import Expect
from tests.support.world import World, at, pod, terminated


def world_of(spec: dict[str, Any] | None = None, **expect: str) -> World:
    world = World(expect=expect, **(spec or {}))
    world.reconcile("10:05")
    return world


def unmet(world: World) -> set[str]:
    return {"Overdue", "Late", "Slow"} & world.conditions.keys()


def said(world: World, kind: str) -> str:
    condition = world.condition(kind)
    assert condition["status"] == "True"
    return f"{condition['reason']}: {condition['message']}"


def succeed(world: World, due: str, ran: str = "") -> None:
    """The firing of that minute succeeded; `ran` is from and to, as HH:MM:SS."""
    begun, _, ended = (ran or f"{due}:02 {due}:08").partition(" ")
    outcome = '{"outcome": "Succeeded", "reason": "RunSucceeded", "message": "", "started_at": "2026-12-01T%sZ"}'
    world.fire(due, "Complete", outcome % begun, lastTransitionTime=f"2026-12-01T{ended}Z")


def started(world: World, moment: str) -> None:
    """The last pod's container did at that time."""
    state = {"running": {"startedAt": f"2026-12-01T{moment}Z"}}
    world.pods[-1]["status"]["containerStatuses"][0]["state"] = state


class TestOverdue:
    def test_it_becomes_so_at_the_moment_and_not_before(self) -> None:
        world = world_of(successWithin="90m")
        assert world.decide("10:05").wake_at == at("11:00:30")
        succeed(world, "11:00")
        world.reconcile("11:01")
        assert world.decide("12:20").wake_at == at("12:21"), "it is a minute after the last look for a Job"
        assert world.decide("12:29:30").wake_at == at("12:30:08")
        world.reconcile("12:30:07")
        assert unmet(world) == set()
        world.reconcile("12:30:08")
        assert unmet(world) == {"Overdue"}
        assert world.events[-1] == "Warning NoSuccessInTime"

    def test_it_says_since_when_how_long_is_allowed_and_what_to_do(self) -> None:
        world = world_of(successWithin="90m")
        succeed(world, "11:00")
        world.reconcile("13:00")
        assert said(world, "Overdue") == (
            "NoSuccessInTime: No firing has succeeded since 2026-12-01T11:00:08Z. One was expected within 1h30m "
            "(expect.successWithin), by 2026-12-01T12:30:08Z. The history says what the firings did; a success, also "
            "of a requested run, ends this."
        )

    def test_one_that_never_succeeded_counts_from_its_creation(self) -> None:
        world = world_of(successWithin="26h")
        world.graphcron["metadata"]["creationTimestamp"] = "2026-11-30T07:59:00Z"
        world.reconcile("10:05")
        assert "since the GraphCron was created at 2026-11-30T07:59:00Z. None ever has." in said(world, "Overdue")

    def test_failures_are_no_success_and_a_success_ends_it_without_writing_in_between(self) -> None:
        world = world_of(successWithin="1h")
        world.fire("11:00", "Failed")
        world.reconcile("11:30")
        assert unmet(world) == {"Overdue"}
        writes = len(world.writes)
        world.reconcile("11:40")
        assert len(world.writes) == writes
        succeed(world, "12:00")
        world.reconcile("12:01")
        assert unmet(world) == set()

    def test_from_its_resumption_on_it_has_the_whole_time_again(self) -> None:
        world = world_of(successWithin="1h")
        world.edit(enabled=False)
        world.reconcile("10:30")
        assert world.decide("10:30").wake_at is None
        world.reconcile("20:00")
        assert unmet(world) == set()
        world.edit(enabled=True)
        world.reconcile("20:10")
        assert unmet(world) == set()
        world.reconcile("21:10")
        assert "it was resumed or its schedule changed at 2026-12-01T20:10:00Z" in said(world, "Overdue")

    def test_before_its_start_time_nothing_is_expected(self) -> None:
        world = world_of({"startTime": "2026-12-01T14:00:00Z"}, successWithin="1h")
        world.reconcile("13:59")
        assert unmet(world) == set()
        world.reconcile("15:00")
        assert "its startTime at 2026-12-01T14:00:00Z" in said(world, "Overdue")


@pytest.mark.parametrize(
    "edit",
    [
        {"enabled": False},
        {"endTime": "2026-12-01T10:30:00Z"},
        {"maxFailures": 1},
        {"schedule": "99 * * * *"},
        {"server": {"url": "none"}},
    ],
    ids=["paused", "expired", "given up", "stalled", "invalid"],
)
def test_of_one_that_does_not_fire_nothing_is_expected(edit: dict[str, Any]) -> None:
    world = world_of({"maxFailures": 5}, successWithin="1h", startWithin="1m", finishWithin="1m")
    world.fire("11:00", "Failed")
    world.reconcile("11:20")
    assert unmet(world) == {"Overdue"}
    world.graphcron["status"]["consecutiveFailures"] = 1
    world.graphcron["spec"] |= edit
    world.reconcile("12:00")
    assert unmet(world) == set()


class TestLate:
    def test_a_firing_without_a_job_is_late_at_the_moment(self) -> None:
        world = world_of(startWithin="5m")
        world.reconcile("11:01")
        assert world.decide("11:04:30").wake_at == at("11:05")
        world.reconcile("11:04:59")
        assert unmet(world) == set()
        world.reconcile("11:05")
        assert said(world, "Late").startswith(
            "NotStartedInTime: The firing due at 2026-12-01T11:00:00Z has not started its run yet: the cluster has "
            "made no Job for it. 5m (expect.startWithin) are allowed."
        )
        assert world.events[-1] == "Warning NotStartedInTime"

    def test_a_job_without_a_started_pod_is_late(self) -> None:
        world = world_of(startWithin="5m")
        world.fire("11:00")
        world.pods = [pod(world.jobs[0]["metadata"]["name"], "11:00", run={"waiting": {"reason": "ContainerCreating"}})]
        world.reconcile("11:01")
        assert world.decide("11:04:30").wake_at == at("11:05")
        world.reconcile("11:05")
        assert "has not started its run yet. 5m" in said(world, "Late")

    def test_one_that_started_late_stays_so_until_the_next_one_starts_in_time(self) -> None:
        world = world_of(startWithin="5m")
        succeed(world, "11:00", "11:07:30 11:08:00")
        world.reconcile("11:09")
        assert "started its run at 2026-12-01T11:07:30Z, 7m30s later" in said(world, "Late")
        world.fire("12:00")
        started(world, "12:00:03")
        world.reconcile("12:01")
        assert unmet(world) == set()

    def test_one_that_is_waited_for_changes_nothing_yet(self) -> None:
        world = world_of(startWithin="5m")
        succeed(world, "11:00", "11:07:30 11:08:00")
        world.reconcile("12:03")
        assert "2026-12-01T11:00:00Z" in said(world, "Late")

    def test_a_missed_firing_is_late_and_one_that_was_skipped_is_not(self) -> None:
        world = world_of({"startingDeadlineSeconds": 60}, startWithin="30m")
        world.reconcile("11:20")
        assert "due at 2026-12-01T11:00:00Z started no run: StartingDeadlinePassed" in said(world, "Late")
        world.fire("12:00", "Complete", '{"outcome": "Skipped", "reason": "BeforeStartTime", "message": ""}')
        world.reconcile("12:01")
        assert "2026-12-01T11:00:00Z" in said(world, "Late"), "it says nothing of whether runs start in time"

    def test_a_firing_that_forbid_holds_back_is_not_late_yet(self) -> None:
        world = world_of({"concurrencyPolicy": "Forbid"}, startWithin="5m")
        world.fire("11:00")
        world.reconcile("12:10")
        assert unmet(world) == set()

    def test_jitter_comes_on_top(self) -> None:
        world = world_of({"jitterSeconds": 600}, startWithin="5m")
        world.reconcile("11:14:59")
        assert unmet(world) == set()
        world.reconcile("11:15")
        assert "5m (expect.startWithin and jitterSeconds 600) are allowed" in said(world, "Late")

    def test_a_run_that_somebody_requests_has_no_scheduled_time(self) -> None:
        world = world_of(startWithin="10s")
        world.request("now")
        world.reconcile("10:07")
        world.reconcile("10:20")
        assert unmet(world) == set()

    def test_a_firing_before_a_pause_is_not_late_after_it(self) -> None:
        world = world_of(startWithin="5m")
        succeed(world, "11:00", "11:07:30 11:08:00")
        world.reconcile("11:09")
        for enabled, when in ((False, "11:10"), (True, "11:20")):
            world.edit(enabled=enabled)
            world.reconcile(when)
            assert unmet(world) == set()


class TestSlow:
    def test_a_run_under_way_is_slow_at_the_moment(self) -> None:
        world = world_of(finishWithin="20m")
        world.fire("11:00")
        started(world, "11:00:30")
        world.reconcile("11:01")
        assert world.decide("11:20").wake_at == at("11:20:30")
        world.reconcile("11:20:29")
        assert unmet(world) == set()
        world.reconcile("11:20:30")
        assert "has been under way since 2026-12-01T11:00:30Z, longer than 20m (expect.finishWithin)" in said(
            world, "Slow"
        )
        assert world.events[-1] == "Warning NotFinishedInTime"

    def test_a_second_attempt_has_no_time_of_its_own(self) -> None:
        world = world_of(finishWithin="20m")
        world.fire("11:00")
        name = world.jobs[0]["metadata"]["name"]
        died = pod(name, "11:00", run=terminated(75, "11:10:00"))
        died["status"]["containerStatuses"][0]["state"]["terminated"]["startedAt"] = "2026-12-01T11:00:30Z"
        again = pod(name, "11:11", run={"running": {"startedAt": "2026-12-01T11:11:00Z"}})
        again["metadata"]["name"] += "2"
        world.pods = [died, again]
        world.reconcile("11:20:30")
        assert unmet(world) == {"Slow"}

    def test_one_that_took_too_long_stays_so_until_one_ends_in_time(self) -> None:
        world = world_of(finishWithin="20m")
        succeed(world, "11:00", "11:00:05 11:21:00")
        world.reconcile("11:22")
        assert "took 20m55s, from 2026-12-01T11:00:05Z to 2026-12-01T11:21:00Z" in said(world, "Slow")
        succeed(world, "12:00")
        world.reconcile("12:01")
        assert unmet(world) == set()

    def test_exactly_the_time_is_in_time(self) -> None:
        world = world_of(finishWithin="20m")
        succeed(world, "11:00", "11:00:05 11:20:05")
        world.reconcile("11:22")
        assert unmet(world) == set()


def test_the_installation_expects_it_of_all_that_say_nothing_and_0s_switches_it_off() -> None:
    installation = Expect(success_within="26h", start_within="5m")
    own = Expect(start_within="0s", finish_within="1m")
    assert Limits.of(None, installation) == Limits(timedelta(hours=26), timedelta(minutes=5), None)
    assert Limits.of(own, installation) == Limits(timedelta(hours=26), None, timedelta(minutes=1))
    world = World()
    world.reconcile("10:05")
    world.expect = Expect(success_within="1h")
    world.reconcile("10:06")
    assert world.decide("10:06").wake_at == at("11:00")
    world.reconcile("11:00")
    assert unmet(world) == {"Overdue"}


@settings(deadline=None, max_examples=40)
@given(
    limits=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("successWithin", "startWithin", "finishWithin"), st.sampled_from(["1m", "30m", "2h"])),
    ),
    firings=st.dictionaries(st.integers(11, 22), st.sampled_from(["Complete", "Failed", None])),
    seconds=st.lists(st.integers(10 * 3600 + 300, 24 * 3600 - 1), min_size=1, max_size=8).map(sorted),
)
def test_between_two_moments_of_waking_nothing_changes(
    limits: dict[str, str], firings: dict[int, str | None], seconds: list[int]
) -> None:
    """Whatever happens, the conditions at any time are those of the last waking, unless there was an event."""
    world = World(expect=limits)
    world.reconcile("10:05")
    wake_at = world.decide("10:05").wake_at
    done: set[int] = set()
    for second in seconds:
        now = f"{second // 3600:02}:{second % 3600 // 60:02}:{second % 60:02}"
        due = [hour for hour in firings if hour <= second // 3600 and hour not in done]
        before = unmet(world)
        for hour in sorted(due):
            world.fire(f"{hour}:00", firings[hour])
            done.add(hour)
        world.reconcile(now)
        if not due and (wake_at is None or at(now) < wake_at):
            assert unmet(world) == before
        wake_at = world.decide(now).wake_at
        assert wake_at is None or wake_at > at(now)


def test_what_a_budget_skips_is_not_expected() -> None:
    """Not even right after: the firings that were skipped could not succeed."""
    world = World(
        timezone="Pacific/Auckland",  # whose day ends at 11:00 UTC
        budget={"tokens": 100, "per": "Day", "onExceeded": "Skip"},
        expect={"successWithin": "90m", "startWithin": "5m"},
    )
    world.graphcron["metadata"]["creationTimestamp"] = "2026-12-01T07:00:00Z"
    usage = {"totalTokens": 100, "inputTokens": 100, "source": "Callback", "complete": True}
    said = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "usage": usage})
    world.reconcile("07:05")
    world.fire("08:00", "Complete", said)
    for now in ("08:01", "08:01", "09:40"):
        world.reconcile(now)
        assert not {"Overdue", "Late"} & world.conditions.keys(), now
    for due in ("09:00", "10:00"):
        world.fire(due, "Complete", json.dumps({"outcome": "Skipped", "reason": "OverBudget"}))
    for now in ("10:59", "11:00", "11:00:01", "11:04"):
        world.reconcile(now)
        assert not {"Overdue", "Late"} & world.conditions.keys(), now
    world.reconcile("11:10")
    assert "Late" in world.conditions
    assert "Overdue" not in world.conditions
    world.reconcile("12:31")
    assert "at 2026-12-01T11:00:00Z" in world.conditions["Overdue"]["message"]
