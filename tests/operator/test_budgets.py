"""Budgets: when one is used up, nothing more starts than what is under way, until its window ends or it is raised."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcron.firing.order import BACKFILL, MANUAL, ORDER_ANNOTATION, Order, gate
from graphcron.operator.backfill_verdict import held_up
from graphcron.operator.budgets import is_to_be_judged
from graphcron.operator.exceeded import Exceeded, Shared
from graphcron.resource.usage import Spending, SpendingWindow
from graphcron.resource.windows import PERS, current
from tests.support.world import World, at

ZONE = "Pacific/Auckland"
"""Whose day ends at 11:00 UTC, in the middle of the day that these tests play on."""
SUCCEEDED = '{"outcome": "Succeeded", "reason": "RunSucceeded", "message": ""}'


def spend(world: World, now: str, tokens: int, cost: str | None = None, *, incomplete: int | None = None) -> None:
    """The status has one more firing that ended at that time and used so many tokens; `cost` is their sum."""
    status = world.graphcron["status"]
    old = Spending.model_validate(status["spending"]) if "spending" in status else None
    windows = {}
    for per, name in zip(PERS, ("today", "week", "month"), strict=True):
        before = current(old, per, at(now), ZoneInfo(ZONE))
        windows[name] = SpendingWindow(
            since=before.since, firings=before.firings + 1, tokens=before.tokens + tokens, cost=cost,
            incomplete=incomplete,
        )  # fmt: skip
    status["spending"] = Spending(**windows, currency="EUR" if cost else None).to_dict()


def order(world: World) -> Order:
    assert world.cron_job
    return Order.from_json(
        world.cron_job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][ORDER_ANNOTATION]
    )


def suspended(world: World) -> bool:
    assert world.cron_job
    return bool(world.cron_job["spec"]["suspend"])


def budgeted(**budget: Any) -> World:
    """An hourly one that has been reconciled."""
    world = World(timezone=ZONE, budget={"per": "Day"} | budget)
    world.reconcile("05:05")
    return world


def over(**budget: Any) -> World:
    """The same, after a firing that used 10,250 tokens."""
    world = budgeted(**({"tokens": 10_000} | budget))
    spend(world, "06:01", 10_250)
    world.reconcile("06:01")
    return world


class TestSuspend:
    def test_the_sentence_names_the_sum_the_limit_the_window_and_its_end(self) -> None:
        world = over()
        assert suspended(world)
        ready = world.condition("Ready")
        assert (ready["status"], ready["reason"]) == ("True", "OverBudget")
        assert ready["message"] == (
            "Suspended: 10,250 tokens are used of the 10,000 tokens that spec.budget allows for each day, which ends "
            "at 2026-12-01T11:00:00Z. It resumes by itself then, without what is due until then; a higher limit "
            "resumes it at once."
        )
        found = world.condition("OverBudget")
        assert (found["status"], found["reason"], found["message"]) == ("True", "OverBudget", ready["message"])
        assert world.condition("Suspended")["reason"] == "OverBudget"
        assert "Stalled" not in world.conditions
        assert world.events[-1] == "Warning OverBudget"
        assert world.events.count("Warning OverBudget") == 1
        assert (world.graphcron["status"]["enabled"], world.graphcron["status"]["nextRunTimes"]) == (False, [])

    def test_a_token_less_is_within_it(self) -> None:
        world = budgeted(tokens=10_000)
        spend(world, "06:01", 9_999)
        world.reconcile("06:01")
        assert not suspended(world)
        assert "OverBudget" not in world.conditions
        spend(world, "06:02", 1)
        world.reconcile("06:02")
        assert suspended(world)

    def test_an_operator_that_died_after_it_wrote_the_sum_is_made_up_for_by_the_next(self) -> None:
        """Nothing but the sum has changed since the last reconciliation."""
        world = budgeted(tokens=10_000)
        assert world.unchanged_until("05:10") == at("06:00")
        spend(world, "05:10", 10_000)
        world.reconcile("05:11")
        assert suspended(world)

    def test_it_resumes_by_itself_when_the_window_ends(self) -> None:
        world = over()
        assert world.decide("06:02").wake_at == at("11:00")
        writes = len(world.writes)
        world.reconcile("10:59:59")
        assert len(world.writes) == writes
        world.reconcile("11:00:01")
        assert not suspended(world)
        assert "OverBudget" not in world.conditions
        assert world.condition("Ready")["reason"] == "Scheduled"

    def test_what_was_due_meanwhile_is_not_caught_up_and_what_the_new_day_begins_with_is(self) -> None:
        world = over()
        world.reconcile("11:00:20")
        assert gate(order(world), at("10:00")) is not None
        assert gate(order(world), at("11:00")) is None
        world.reconcile("11:02")
        assert not [entry for entry in world.graphcron["status"].get("history", []) if entry["outcome"] == "Missed"]

    def test_an_operator_that_comes_late_promises_what_is_due_since_the_end(self) -> None:
        world = over()
        world.reconcile("14:30")
        assert order(world).not_before == "2026-12-01T11:00:00Z"
        assert order(world).skip_until is None

    def test_a_raised_limit_resumes_at_once_without_what_was_due(self) -> None:
        world = over()
        world.edit(budget={"tokens": 20_000, "per": "Day"})
        world.reconcile("08:30")
        assert not suspended(world)
        assert order(world).not_before == "2026-12-01T08:30:00Z"
        assert world.condition("Ready")["reason"] == "Scheduled"

    def test_a_limit_that_is_still_too_low_does_not(self) -> None:
        world = over()
        world.edit(budget={"tokens": 10_001, "per": "Day"})
        world.reconcile("08:30")
        assert suspended(world)
        assert "of the 10,001 tokens" in world.condition("Ready")["message"]

    def test_whoever_resumes_its_cronjob_by_hand_starts_nothing(self) -> None:
        assert gate(order(over()), at("07:00")) == (
            "OverBudget",
            "was due at 2026-12-01T07:00:00Z, and a budget is used up until its window ends at 2026-12-01T11:00:00Z",
        )

    def test_a_requested_run_is_refused_with_the_sentence(self) -> None:
        world = over()
        world.request("now")
        world.reconcile("06:05")
        last = world.graphcron["status"]["lastRequest"]
        assert (last["outcome"], last["reason"]) == ("Refused", "OverBudget")
        assert last["message"].startswith("Suspended: 10,250 tokens are used")
        world.edit(enabled=False)
        world.request("again")
        world.reconcile("06:06")
        assert world.condition("Ready")["reason"] == "Paused"
        assert world.graphcron["status"]["lastRequest"]["reason"] == "OverBudget"

    def test_a_backfill_is_held(self) -> None:
        world = over()
        assert held_up(world.observed()) == ("OverBudget", world.condition("OverBudget")["message"])
        world.reconcile("11:01")
        assert held_up(world.observed()) is None

    def test_what_somebody_must_mend_is_said_first(self) -> None:
        world = budgeted(tokens=1)
        world.edit(maxFailures=1)
        world.reconcile("05:10")
        world.fire("06:00", "Failed")
        spend(world, "06:01", 5)
        world.reconcile("06:01")
        assert world.condition("Ready")["reason"] == "MaxFailuresReached"
        assert "OverBudget" in world.conditions


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"enabled": False}, "Paused"), ({"endTime": "2026-12-01T07:30:00Z"}, "Expired"), ({}, "OverBudget")],
)
def test_nothing_promises_that_it_resumes_when_it_does_not(spec: dict[str, Any], reason: str) -> None:
    world = over()
    world.edit(**spec)
    world.fire("07:00", "Complete", SUCCEEDED)
    world.reconcile("07:01")
    world.reconcile("07:01")
    assert world.condition("Ready")["reason"] == reason
    message = world.condition("OverBudget")["message"]
    assert message.endswith(" But Ready has another reason, for which it stays suspended.") == bool(spec)


def test_a_paused_one_is_not_written_with_each_firing_of_others() -> None:
    world = World(enabled=False)

    def used(tokens: int) -> None:
        limit = f"the budget of namespace team is used up until then: {tokens} tokens of 100"
        world.shared = Shared(Exceeded(f"Suspended: {limit}.", at("20:00"), sum=f": {tokens} tokens of "))
        world.reconcile("10:05")

    used(101)
    before = world.condition("OverBudget")["message"]
    assert ": 101 tokens of 100. But Ready has" in before
    writes = len(world.writes)
    used(102)
    assert (world.condition("OverBudget")["message"], len(world.writes)) == (before, writes)


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/New_York", "Asia/Tokyo"])
def test_an_edit_of_the_zone_does_not_resume_it(zone: str) -> None:
    """Not even until the status has the window of the new zone."""
    world = over()
    world.edit(timezone=zone)
    for now in ("06:05", "06:06"):
        world.reconcile(now)
        assert suspended(world)


@pytest.mark.parametrize("action", ["Suspend", "Skip"])
def test_the_last_firing_is_not_lost_when_it_is_due_as_the_window_ends(action: str) -> None:
    """The cluster makes its Job some seconds later."""
    world = over(onExceeded=action)
    world.edit(endTime="2026-12-01T11:30:00Z")
    world.reconcile("10:30")
    for now in ("11:00:00", "11:00:01", "11:00:20"):
        world.reconcile(now)
        assert not suspended(world), now
        assert gate(order(world), at("11:00")) is None
    assert world.decide("11:00:20").overdue == at("11:00")


class TestSkip:
    def test_it_stays_scheduled_and_firings_of_the_schedule_skip_until_the_window_ends(self) -> None:
        world = over(onExceeded="Skip")
        assert not suspended(world)
        assert world.condition("Ready")["reason"] == "Scheduled"
        assert world.condition("OverBudget")["message"].endswith(
            "Until then firings of the schedule are skipped (budget.onExceeded is Skip); a higher limit ends it."
        )
        assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T11:00:00Z"
        for due in ("07:00", "10:00"):
            assert gate(order(world), at(due)).reason == "OverBudget"  # type: ignore[union-attr]
        assert gate(order(world), at("11:00")) is None
        assert gate(order(world), at("07:00"), BACKFILL) is None
        assert gate(order(world), None, MANUAL) is None

    def test_the_history_has_it_as_skipped(self) -> None:
        world = over(onExceeded="Skip")
        skip = gate(order(world), at("07:00"))
        assert skip
        said = f'{{"outcome": "Skipped", "reason": "{skip.reason}", "message": "{skip.message}"}}'
        world.fire("07:00", "Complete", said)
        world.reconcile("07:01")
        entry = world.graphcron["status"]["history"][0]
        assert (entry["outcome"], entry["reason"]) == ("Skipped", "OverBudget")

    def test_when_the_window_ends_what_is_due_from_then_on_counts(self) -> None:
        world = over(onExceeded="Skip")
        assert world.decide("10:59").wake_at == at("11:00")
        world.reconcile("11:00:01")
        assert (order(world).skip_until, order(world).not_before) == (None, "2026-12-01T11:00:00Z")
        assert "OverBudget" not in world.conditions

    def test_a_raised_limit_ends_it_at_once(self) -> None:
        world = over(onExceeded="Skip")
        world.edit(budget={"tokens": 20_000, "per": "Day", "onExceeded": "Skip"})
        world.reconcile("08:30")
        assert (order(world).skip_until, order(world).not_before) == (None, "2026-12-01T08:30:00Z")

    def test_a_request_runs_and_a_backfill_is_held(self) -> None:
        world = over(onExceeded="Skip")
        world.request("now")
        world.reconcile("06:05")
        assert world.graphcron["status"]["lastRequest"]["outcome"] == "Started"
        refused = held_up(world.observed())
        assert refused
        assert refused[0] == "OverBudget"


def test_notify_only_says_so() -> None:
    world = over(onExceeded="Notify")
    found = world.condition("OverBudget")
    assert (found["status"], found["reason"]) == ("True", "BudgetExceeded")
    assert found["message"].endswith("It fires all the same (budget.onExceeded is Notify).")
    assert (suspended(world), order(world).skip_until) == (False, None)
    assert held_up(world.observed()) is None
    assert world.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T07:00:00Z"
    world.reconcile("11:00:01")
    assert "OverBudget" not in world.conditions


class TestMoney:
    def test_a_limit_in_money(self) -> None:
        world = budgeted(cost="4.50")
        spend(world, "06:01", 1_000, "4.499999999")
        world.reconcile("06:01")
        assert not suspended(world)
        spend(world, "06:02", 1, "4.5", incomplete=1)
        world.reconcile("06:02")
        assert world.condition("Ready")["message"].startswith(
            "Suspended: at least 4.5 EUR are used of the 4.5 EUR that spec.budget allows for each day, "
        )

    def test_without_prices_it_says_that_nothing_is_held(self) -> None:
        world = budgeted(cost=5)
        assert "BudgetNotHeld" not in world.conditions
        spend(world, "06:01", 10_000_000)
        world.reconcile("06:01")
        found = world.condition("BudgetNotHeld")
        assert (found["status"], found["reason"]) == ("True", "NoPrices")
        assert found["message"].startswith("spec.budget.cost limits nothing: the installation has no price")
        assert world.events[-1] == "Warning NoPrices"
        assert not suspended(world)


def test_usage_that_nobody_knows_is_no_silence() -> None:
    world = budgeted(tokens=10)
    spend(world, "06:01", 0, incomplete=1)
    world.reconcile("06:01")
    assert world.condition("BudgetNotHeld")["reason"] == "UsageUnknown"
    spend(world, "06:02", 9, incomplete=1)
    world.reconcile("06:02")
    assert "BudgetNotHeld" not in world.conditions, "what is known in part counts"
    spend(world, "06:03", 1, incomplete=1)
    world.reconcile("06:03")
    assert world.condition("Ready")["message"].startswith("Suspended: at least 10 tokens")


@pytest.mark.parametrize(("per", "ends"), [("Day", "2026-12-01"), ("Week", "2026-12-06"), (None, "2026-12-31")])
def test_each_window_ends_by_the_crons_own_zone(per: str | None, ends: str) -> None:
    world = over(per=per) if per else over(per="Month")
    if per is None:
        del world.graphcron["spec"]["budget"]["per"]
        world.reconcile("06:02")
    assert f"ends at {ends}T11:00:00Z" in world.condition("Ready")["message"]


def test_only_another_sum_of_one_with_a_budget_is_judged_again() -> None:
    old, new = {"spending": 1}, {"spending": 2}
    assert is_to_be_judged(old, new, {"budget": {}})
    assert not is_to_be_judged(old, new, {})
    assert not is_to_be_judged(old, old, {"budget": {}})


class Cluster:
    """A World whose controller manager and run pods work on, whose status gets the sums of what has ended, and whose
    operator dies between its two writes, or is down."""

    def __init__(self, spec: dict[str, Any], rng: random.Random) -> None:
        self.world, self.rng = World(timezone=ZONE, **spec), rng
        self.started: list[str] = []
        self.counted = 0

    def minute(self, due: str) -> None:
        world = self.world
        if world.cron_job is None or suspended(world) or gate(order(world), at(due)):
            return
        self.started.append(due)
        world.fire(due, "Complete", SUCCEEDED)

    def operator(self, now: str) -> None:
        if self.rng.random() < 0.3:
            return
        for _ in self.started[self.counted :]:
            spend(self.world, now, 1_000)
        self.counted = len(self.started)
        if self.rng.random() < 0.3:
            return  # it dies after the status is written
        self.world.reconcile(now)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4), st.sampled_from(["Suspend", "Skip"]), st.integers(0, 10**9))
def test_nothing_starts_once_the_operator_was_at_work_after_the_last_allowed_one(
    limit: int, action: str, seed: int
) -> None:
    """With an operator at work, at most those overshoot that started before it could see the end of the last one."""
    cluster = Cluster({"budget": {"tokens": limit * 1_000, "per": "Day", "onExceeded": action}}, random.Random(seed))
    cluster.world.reconcile("00:05")
    for hour in range(1, 11):
        cluster.minute(f"{hour:02}:00")
        for minute in (10, 30):
            cluster.operator(f"{hour:02}:{minute}")
        if cluster.counted >= limit:
            cluster.world.reconcile(f"{hour:02}:40")
            allowed = len(cluster.started)
            for later in range(hour + 1, 11):
                cluster.minute(f"{later:02}:00")
                cluster.operator(f"{later:02}:10")
            assert len(cluster.started) == allowed
            break
    cluster.world.reconcile("11:00:01")
    before = len(cluster.started)
    cluster.minute("12:00")
    assert len(cluster.started) == before + 1
