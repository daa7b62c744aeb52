"""Budgets of a namespace, of an owner and of the installation: whose sums they are, and when they are within again."""

import json
import random
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from graphcron.operator.exceeded import Exceeded, Shared
from graphcron.operator.shared_spending import RECORD_LIMIT, SharedSpending
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.windows import begin
from tests.support.world import World, at

TOMORROW = datetime(2026, 12, 2, tzinfo=UTC)
AUCKLAND = "Pacific/Auckland"
"""Whose day ends at 11:00 UTC."""


def spending(
    tokens: int, *, cost: str | None = None, since: datetime | None = None, incomplete: int | None = None
) -> dict[str, Any]:
    window = {"since": (since or at("00:00")).isoformat(), "firings": 1, "tokens": tokens}
    window |= {name: value for name, value in (("cost", cost), ("incomplete", incomplete)) if value is not None}
    return {"today": window, "week": window, "month": window} | ({"currency": "EUR"} if cost else {})


def cron(
    name: str = "a", tokens: int | None = None, *, namespace: str = "team", owner: str | None = None, **given: Any
) -> dict[str, Any]:
    zone = given.pop("timezone", "Etc/UTC")
    since = begin("Day", at("09:00"), ZoneInfo(zone))
    status = {} if tokens is None else {"timezone": zone, "spending": spending(tokens, since=since, **given)}
    labels = {"labels": {"graphcron.dev/owner": owner}} if owner else {}
    metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}"} | labels
    return {"metadata": metadata, "spec": {}, "status": status}


def sums(**budgets: Any) -> SharedSpending:
    given = {kind: {"per": "Day"} | budget for kind, budget in budgets.items()}
    return SharedSpending(SharedBudgets.model_validate(given), "home")


def over(shared: Shared) -> Exceeded:
    assert shared.exceeded
    return shared.exceeded


NAMESPACE = {"namespace": {"tokens": 100}}


def test_the_sum_of_a_namespace_counts_for_all_in_it_and_for_nobody_else() -> None:
    spent = sums(**NAMESPACE)
    spent.put(cron("a", 60))
    spent.put(cron("idle"))
    spent.put(cron("other", 99, namespace="other"))
    assert spent.crossed(at("10:00")) == []
    spent.put(cron("b", 40))
    assert sorted(spent.crossed(at("10:00"))) == [("team", "a"), ("team", "b"), ("team", "idle")]
    assert over(spent.of(cron("idle"), at("10:00"))) == Exceeded(
        "Suspended: the budget of namespace team is used up until 2026-12-02T00:00:00Z: 100 tokens of 100 tokens for "
        "each day. It resumes by itself then, without what is due until then. An administrator can raise "
        "guardrails.budgets.namespace of the Helm chart.",
        TOMORROW,
        sum=": 100 tokens of ",
    )
    assert spent.of(cron(namespace="other"), at("10:00")).exceeded is None


def test_a_budget_that_stays_used_up_queues_nobody_again() -> None:
    spent = sums(**NAMESPACE)
    spent.put(cron("a", 100))
    assert spent.crossed(at("10:00"))
    spent.put(cron("a", 110))
    assert spent.crossed(at("10:01")) == []
    spent.put(cron("b", 1))
    assert spent.crossed(at("10:02")) == []


def test_it_is_within_again_when_the_window_ends_and_can_be_used_up_anew() -> None:
    spent = sums(**NAMESPACE)
    spent.put(cron("a", 100))
    spent.crossed(at("10:00"))
    assert spent.of(cron("a"), TOMORROW).exceeded is None
    later = cron("a")
    later["status"] = {"spending": spending(100, since=TOMORROW)}
    spent.put(later)
    assert spent.crossed(TOMORROW) == [("team", "a")]


def test_each_part_counts_until_its_own_zones_day_ends() -> None:
    spent = sums(**NAMESPACE)
    spent.put(cron("a", 60, timezone=AUCKLAND))
    spent.put(cron("b", 60))
    assert over(spent.of(cron("a"), at("10:00"))).ends == at("11:00")
    assert spent.of(cron("a"), at("11:00")).exceeded is None
    spent.put(cron("c", 50))
    assert over(spent.of(cron("a"), at("11:00"))).ends == TOMORROW


def test_an_owner_has_a_budget_in_the_namespace_of_the_facade_alone() -> None:
    spent = sums(owner={"tokens": 10})
    spent.put(cron("a", 10, namespace="home", owner="ada"))
    spent.put(cron("b", 10, namespace="team", owner="bob"))
    assert "the budget of owner ada" in over(spent.of(cron("x", namespace="home", owner="ada"), at("10:00"))).message
    assert spent.of(cron("x", namespace="home", owner="bob"), at("10:00")).exceeded is None
    assert spent.of(cron("x", namespace="home"), at("10:00")).exceeded is None


def test_money_of_all_together() -> None:
    spent = sums(installation={"cost": "10"})
    spent.put(cron("a", 1, cost="4.5"))
    spent.put(cron("b", 1, cost="5.5", namespace="other", incomplete=1))
    said = over(spent.of(cron("x", namespace="third"), at("10:00"))).message
    assert said.startswith("Suspended: the budget of the installation is used up until 2026-12-02T00:00:00Z: ")
    assert "at least 10 EUR of 10 EUR for each day." in said


def test_money_without_prices_is_no_silence() -> None:
    spent = sums(namespace={"cost": 5})
    spent.put(cron("a", 1_000_000))
    reason, message = spent.of(cron("a"), at("10:00")).not_held or ("", "")
    assert reason == "NoPrices"
    assert message.startswith("The budget of namespace team limits nothing here: the installation has no price")


def test_what_a_deleted_one_used_counts_on_and_its_namesake_adds_to_it() -> None:
    spent = sums(**NAMESPACE)
    spent.put(cron("a", 60))
    spent.drop(("team", "a"), "team/a")
    anew = cron("a", 40)
    anew["metadata"]["uid"] = "another"
    spent.put(anew)
    assert over(spent.of(anew, at("10:00")))
    assert spent.crossed(at("10:00")) == [("team", "a")]


def test_a_restart_knows_what_deleted_ones_used_and_counts_nothing_twice() -> None:
    spent = sums(**NAMESPACE, owner={"cost": "3"})
    spent.put(cron("a", 60))
    spent.put(cron("b", 39))
    spent.drop(("team", "a"), "team/a")
    text = spent.recorded(at("10:00"))
    again = sums(**NAMESPACE, owner={"cost": "3"})
    again.put(cron("b", 39))
    again.restore(text, at("10:01"))
    assert again.recorded(at("10:01")) == text
    again.put(cron("b", 40))
    assert over(again.of(cron("b"), at("10:02")))
    assert again.of(cron("b"), TOMORROW).exceeded is None


LATER, EARLIER = "2026-12-02T00:00:00Z", "2026-12-01T09:00:00Z"
TEAM = "namespace/tokens.Day/team"


@pytest.mark.parametrize(
    "record",
    [
        [],
        {TEAM: 7},
        {TEAM: {"x": ["1", 2]}},
        {TEAM: {LATER: ["NaN", 0]}},
        {TEAM: {EARLIER: ["500", 0]}},
        {"namespace/tokens.Week/team": {LATER: ["500", 0]}},
        {"owner/tokens.Day/team": {LATER: ["500", 0]}},
    ],
)
def test_a_record_that_says_nothing_is_left_out(record: Any) -> None:
    spent = sums(**NAMESPACE)
    for text in (json.dumps(record), "", "nonsense"):
        spent.restore(text, at("10:00"))
    assert spent.of(cron("a"), at("10:00")).exceeded is None
    spent.restore(json.dumps({TEAM: {LATER: ["500", 0]}}), at("10:00"))
    assert spent.of(cron("a"), at("10:00")).exceeded


def test_a_record_has_room_for_the_largest_sums() -> None:
    spent = sums(namespace={"tokens": 10**9})
    for number in range(12_000):
        spent.put(cron("a", number, namespace=f"team-{number:05}"))
    text = spent.recorded(at("10:00"))
    assert len(text) < RECORD_LIMIT
    assert "team-11999" in text
    assert "team-00001" not in text


def test_without_budgets_nothing_is_kept() -> None:
    spent = sums()
    spent.put(cron("a", 10**9))
    assert (spent.crossed(at("10:00")), spent.of(cron("a"), at("10:00")), spent.recorded(at("10:00"))) == (
        [], Shared(), "{}",
    )  # fmt: skip


def test_running_sums_equal_those_that_are_counted_anew() -> None:
    rng, spent, used, gone, made = random.Random(7), sums(**NAMESPACE), dict[str, int](), 0, dict[str, str]()
    for step in range(500):
        name = f"cron-{rng.randrange(20)}"
        if rng.random() < 0.1 and name in used:
            gone += used.pop(name)
            spent.drop(("team", name), made.pop(name))
            continue
        used[name] = used.get(name, 0) + rng.randrange(5)
        manifest = cron(name, used[name])
        manifest["metadata"]["uid"] = made.setdefault(name, f"made-{step}")
        spent.put(manifest)
        assert f'["{gone + sum(used.values())}",0]' in spent.recorded(at("10:00")) or not sum(used.values())


class TestOneThatIsOver:
    def told(self, used: int) -> Shared:
        spent = sums(**NAMESPACE)
        spent.put(cron("another", used))
        return spent.of(cron("hello"), at("10:00"))

    def test_it_is_suspended_and_resumes_when_it_is_within(self, made: World) -> None:
        made.shared = self.told(100)
        made.reconcile("10:06")
        assert made.cron_job
        assert made.cron_job["spec"]["suspend"]
        assert made.condition("Ready")["message"].startswith("Suspended: the budget of namespace team is used up until")
        assert made.decide("10:07").wake_at == TOMORROW
        made.shared = Shared()
        made.reconcile("12:30")
        assert not made.cron_job["spec"]["suspend"]
        assert made.condition("Ready")["reason"] == "Scheduled"

    def test_what_others_use_meanwhile_is_no_write(self, made: World) -> None:
        made.shared = self.told(100)
        made.reconcile("10:06")
        writes = len(made.writes)
        made.shared = self.told(5_000)
        made.reconcile("10:07")
        assert len(made.writes) == writes

    def test_its_own_budget_that_only_notifies_changes_nothing_of_that(self, made: World) -> None:
        made.edit(budget={"tokens": 1, "onExceeded": "Notify"})
        made.graphcron["status"]["spending"] = spending(5)
        made.shared = self.told(100)
        made.reconcile("10:06")
        assert made.condition("Ready")["reason"] == "OverBudget"
        assert made.condition("OverBudget")["reason"] == "OverBudget"

    def test_an_invalid_one_is_suspended_all_the_same(self, made: World) -> None:
        made.shared = self.told(100)
        made.edit(schedule="99 * * * *")
        plan = made.decide("10:06")
        assert plan.suspend
        assert plan.verdict.message.endswith("Until then its CronJob stays suspended.")


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("zone", ["America/New_York", AUCKLAND])
def test_a_window_that_no_calendar_has_counts_for_nothing(year: int, zone: str) -> None:
    """Its GraphCron is reconciled all the same."""
    spent = SharedSpending(SharedBudgets.model_validate({"namespace": {"tokens": 100}}), "home")
    since = datetime(year, 12 if year > 1 else 1, 31 if year > 1 else 1, tzinfo=UTC)
    spent.put(cron() | {"status": {"timezone": zone, "spending": spending(99, since=since)}})
    spent.put(cron("b", 60))
    assert spent.of(cron(), at("10:00")) == Shared()
