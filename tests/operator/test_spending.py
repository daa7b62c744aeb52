"""What firings used: in the history, and in the sums of day, week and month, each firing once."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from graphcron.firing.formats import format_time
from graphcron.operator.observed import Observed
from graphcron.operator.phase import Phase, Verdict
from graphcron.operator.reconcile import Plan, conclude
from graphcron.resource import windows
from graphcron.resource.prices import Ledger, Prices
from graphcron.resource.status import GraphCronStatus, read_status
from graphcron.resource.usage import BACKFILLS_LIMIT, BackfillSpent
from tests.support.world import World, terminated

PRICES = Prices.model_validate(
    {"models": {"big": {"input": "2", "output": "10"}, "small": {"input": "1", "output": 1}}}
)
LEDGER = Ledger(PRICES, "https://trace.example/{run_id}")


def said(tokens: int = 1_000_000, model: str = "big", complete: bool = True, **more: Any) -> str:
    """The termination message of a run that used so many tokens of input."""
    counts = {"inputTokens": tokens, "outputTokens": 0, "totalTokens": tokens}
    usage = counts | {"models": {model: counts}, "source": "Callback", "complete": complete}
    return json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1", "usage": usage} | more)


@pytest.fixture
def world() -> World:
    world = World()
    world.ledger = LEDGER
    world.reconcile("10:05")
    return world


def newest(world: World) -> dict[str, Any]:
    entry: dict[str, Any] = world.graphcron["status"]["history"][0]
    return entry


def month(world: World) -> dict[str, Any]:
    """The sums of the month, without its beginning."""
    window: dict[str, Any] = world.graphcron["status"]["spending"]["month"]
    return {name: value for name, value in window.items() if name != "since"}


def test_an_entry_has_what_the_run_reported_and_what_it_cost(world: World) -> None:
    world.fire("11:00", "Complete", said(duration=42, answer="All is well."))
    world.reconcile("11:01")
    entry = newest(world)
    assert entry["usage"]["totalTokens"] == 1_000_000
    assert (entry["cost"], entry["durationSeconds"], entry["answer"]) == ("2", 42, "All is well.")
    assert entry["traceUrl"] == "https://trace.example/r1"
    assert "costIncomplete" not in entry
    assert not any("All is well" in event for event in world.events)
    assert not any("All is well" in condition["message"] for condition in world.conditions.values())


def test_sums_are_those_of_the_day_the_week_and_the_month(world: World) -> None:
    world.fire("11:00", "Complete", said())
    world.reconcile("11:01")
    world.fire("12:00", "Failed", said(500_000, outcome="Failed"), reason="PodFailurePolicy")
    world.reconcile("12:01")
    assert world.graphcron["status"]["spending"] == {
        "today": {"since": "2026-12-01T00:00:00Z", "firings": 2, "tokens": 1_500_000, "cost": "3"},
        "week": {"since": "2026-11-30T00:00:00Z", "firings": 2, "tokens": 1_500_000, "cost": "3"},
        "month": {"since": "2026-12-01T00:00:00Z", "firings": 2, "tokens": 1_500_000, "cost": "3"},
        "currency": "USD",
    }


def made_by_hand(world: World, number: int) -> list[dict[str, Any]]:
    """Jobs as of `kubectl create job --from`, all of the same second."""
    moment, name = "2026-12-01T11:00:07Z", "by-hand-{:02}".format
    return [
        {
            "metadata": {"name": name(one), "uid": name(one), "creationTimestamp": moment},
            "status": {"startTime": moment},
        }
        for one in range(number)
    ]


@pytest.mark.parametrize("last", [0, 6, 12])
def test_jobs_made_by_hand_in_the_same_second_count_once_each(world: World, last: int) -> None:
    world.jobs = made_by_hand(world, 13)
    world.reconcile("11:01")
    for number in [one for one in range(13) if one != last]:
        world.job_ends(number, "11:02")
        world.pods.append(world.pod_of(world.jobs[number], terminated(0, "11:02:00", said(100))))
    for minute in ("11:03", "11:04", "11:05"):
        world.reconcile(minute)
        assert month(world)["firings"] == world.graphcron["status"]["firings"]["succeeded"] == 12
    assert month(world)["tokens"] == 1200
    world.job_ends(last, "11:06")
    world.pods.append(world.pod_of(world.jobs[last], terminated(0, "11:06:00", said(100))))
    for minute in ("11:07", "11:08"):
        world.reconcile(minute)
        assert month(world)["tokens"] == 1300


def test_without_prices_only_tokens_are_shown(world: World) -> None:
    world.ledger = Ledger()
    world.fire("11:00", "Complete", said())
    world.reconcile("11:01")
    assert {"cost", "costIncomplete", "traceUrl"}.isdisjoint(newest(world))
    assert month(world) == {"firings": 1, "tokens": 1_000_000}
    assert "currency" not in world.graphcron["status"]["spending"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (said(complete=False), {"firings": 1, "tokens": 1_000_000, "cost": "2", "incomplete": 1}),
        (said(model="free"), {"firings": 1, "tokens": 1_000_000, "incomplete": 1}),
        ('{"outcome": "Succeeded", "reason": "RunSucceeded"}', {"firings": 1, "incomplete": 1}),
    ],
)
def test_what_is_unknown_is_not_zero(world: World, message: str, expected: dict[str, Any]) -> None:
    world.fire("11:00", "Complete", message)
    world.reconcile("11:01")
    assert month(world) == expected


@pytest.mark.parametrize("usage", ["?", [], {"inputTokens": 7}, {"source": "Callback", "complete": True, "models": 3}])
def test_a_usage_that_is_none_leaves_the_outcome(world: World, usage: object) -> None:
    forged = {"outcome": "Succeeded", "reason": "RunSucceeded", "usage": usage, "answer": [], "duration": "long"}
    world.fire("11:00", "Complete", json.dumps(forged))
    world.reconcile("11:01")
    entry = newest(world)
    assert (entry["outcome"], entry["reason"]) == ("Succeeded", "RunSucceeded")
    assert {"usage", "answer", "durationSeconds", "cost"}.isdisjoint(entry)


def test_skipped_and_missed_firings_are_none(world: World) -> None:
    world.fire("11:00", "Complete", '{"outcome": "Skipped", "reason": "TooLate"}')
    world.reconcile("11:01")
    world.reconcile("13:30")
    assert {entry["outcome"] for entry in world.graphcron["status"]["history"]} == {"Skipped", "Missed"}
    assert "spending" not in world.graphcron["status"]


def test_usage_that_becomes_known_later_is_added(world: World) -> None:
    world.fire("11:00", "Complete")
    world.reconcile("11:01")
    assert month(world) == {"firings": 1, "incomplete": 1}
    world.pods.append(World.pod_of(world.jobs[0], terminated(0, "11:00:08", said())))
    world.reconcile("11:02")
    assert month(world) == {"firings": 1, "tokens": 1_000_000, "cost": "2"}
    world.pods.clear()
    world.reconcile("11:03")
    assert month(world) == {"firings": 1, "tokens": 1_000_000, "cost": "2"}
    assert newest(world)["usage"]["totalTokens"] == 1_000_000


def test_a_new_price_is_for_new_firings(world: World) -> None:
    world.fire("11:00", "Complete", said())
    world.reconcile("11:01")
    world.ledger = Ledger(
        Prices.model_validate({"models": {"big": {"input": 100, "output": 100}}}), "https://n/{run_id}"
    )
    world.reconcile("11:02")
    assert (newest(world)["cost"], newest(world)["traceUrl"]) == ("2", "https://trace.example/r1")
    world.fire("12:00", "Complete", said())
    world.reconcile("12:01")
    assert month(world)["cost"] == "102"


def test_another_currency_begins_anew(world: World) -> None:
    world.fire("11:00", "Complete", said())
    world.reconcile("11:01")
    world.ledger = Ledger(PRICES.model_copy(update={"currency": "EUR"}))
    world.fire("12:00", "Complete", said())
    world.reconcile("12:01")
    assert world.graphcron["status"]["spending"]["currency"] == "EUR"
    assert month(world) == {"firings": 2, "tokens": 2_000_000, "cost": "2", "incomplete": 1}


@pytest.mark.parametrize("priced_first", [True, False])
def test_money_of_a_part_is_not_shown_as_that_of_all(world: World, priced_first: bool) -> None:
    """Prices are set, or taken away, in the middle of a month."""
    for due, priced in (("11", priced_first), ("12", not priced_first), ("13", not priced_first)):
        world.ledger = LEDGER if priced else Ledger()
        world.fire(f"{due}:00", "Complete", said())
        world.reconcile(f"{due}:01")
    unpriced, cost = (2, "2") if priced_first else (1, "4")
    assert month(world) == {"firings": 3, "tokens": 3_000_000, "cost": cost, "incomplete": unpriced}


def test_firings_that_used_nothing_lack_no_price(world: World) -> None:
    world.ledger = Ledger()
    world.fire("11:00", "Complete", said(0))
    world.reconcile("11:01")
    world.ledger = LEDGER
    world.fire("12:00", "Complete", said())
    world.reconcile("12:01")
    assert month(world) == {"firings": 2, "tokens": 1_000_000, "cost": "2"}


def test_a_run_that_the_deadline_cut_off_counts_with_what_it_used(world: World) -> None:
    message = said(complete=False, outcome="Failed", reason="PodStopped")
    world.fire("11:00", "Failed", message, reason="DeadlineExceeded")
    world.reconcile("11:01")
    assert newest(world)["reason"] == "DeadlineExceeded"
    assert month(world) == {"firings": 1, "tokens": 1_000_000, "cost": "2", "incomplete": 1}


def test_a_long_run_counts_although_the_history_has_no_room_for_it(world: World) -> None:
    world.edit(schedule="* * * * *")
    world.reconcile("10:06")
    world.fire("10:10")
    for minute in range(11, 22):
        world.fire(f"10:{minute}", "Complete", said(1))
        world.reconcile(f"10:{minute}:30")
    slow = world.jobs[0]["metadata"]["name"]
    assert world.graphcron["status"]["olderJobs"] == [slow]
    world.pods[0] = World.pod_of(world.jobs[0], terminated(0, "10:21:40", said()))
    world.job_ends(0, "10:22")
    for _ in range(3):  # its Job is kept, and counts once
        world.reconcile("10:22:30")
    status = world.graphcron["status"]
    assert slow not in [entry["jobName"] for entry in status["history"]]
    assert (status["firings"]["succeeded"], month(world)["firings"], month(world)["tokens"]) == (12, 12, 1_000_011)
    assert "olderJobs" not in status


def test_an_edit_of_the_zone_does_not_empty_the_windows(world: World) -> None:
    world.fire("11:00", "Complete", said())
    world.reconcile("11:01")
    world.edit(timezone="America/New_York")
    world.reconcile("11:02")
    found = windows.current(
        read_status(world.graphcron["status"]).spending,
        "Month",
        datetime(2026, 12, 1, 11, 2, tzinfo=UTC),
        ZoneInfo("America/New_York"),
    )
    assert (found.since, found.tokens) == (datetime(2026, 12, 1, 5, tzinfo=UTC), 1_000_000)


def test_sums_that_somebody_forged_stay_writable_and_stand_in_the_way_of_nothing(world: World) -> None:
    window = {"since": "2999-01-01T00:00:00Z", "tokens": 10**30, "firings": -7, "cost": "999999999999999"}
    forged: list[Any] = [{"today": window, "week": window, "month": window}, "?", {"today": {}}]
    for spending in forged:
        world.graphcron["status"]["spending"] = spending
        world.fire(f"1{1 + len(world.jobs)}:00", "Complete", said())
        world.reconcile(f"1{len(world.jobs)}:01")
        assert month(world) == {"firings": 1, "tokens": 1_000_000, "cost": "2"}
    full = {"since": "2026-12-01T00:00:00Z", "tokens": 10**30, "firings": 2**53, "cost": "999999999999999"}
    world.graphcron["status"]["spending"] |= {"month": full}
    world.fire("15:00", "Complete", said())
    world.reconcile("15:01")
    assert month(world) == {"firings": 2**53 - 1, "tokens": 2**53 - 1, "cost": "999999999999999.999999999"}


def test_the_firings_of_backfills_count_once(world: World) -> None:
    def spent(number: int, firings: int) -> BackfillSpent:
        began = datetime(2026, 12, 1, 11, number, tzinfo=UTC)
        return BackfillSpent(uid=str(number), started_at=began, firings=firings, tokens=100 * firings, cost="0.5")

    world.backfills = (spent(0, 2),)
    for _ in range(2):
        world.reconcile("11:30")
        assert month(world) == {"firings": 2, "tokens": 200, "cost": "0.5"}
    world.backfills = (spent(0, 3).model_copy(update={"cost": "0.7"}),)
    world.reconcile("11:31")
    assert month(world) == {"firings": 3, "tokens": 300, "cost": "0.7"}
    world.backfills = (spent(0, 1),)  # as a replica has it that has not heard of the rest
    world.reconcile("11:31")
    assert month(world) == {"firings": 3, "tokens": 300, "cost": "0.7"}
    world.backfills = tuple(spent(number, 1) for number in range(1, BACKFILLS_LIMIT + 1))
    world.reconcile("11:32")
    expected = month(world)
    assert expected["firings"] == 3 + BACKFILLS_LIMIT
    world.backfills = (spent(0, 3), spent(3, 1), spent(9, 0))  # old ones that are still there
    world.reconcile("11:33")
    assert month(world) == expected
    world.backfills = ()
    world.reconcile("11:34")
    assert month(world) == expected


class Cluster:
    """A cron that fires every ten minutes, whatever its last run does, and an operator that is killed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.zone = self.dice.choice(["Etc/UTC", "Europe/Berlin", "America/New_York", "Pacific/Chatham"])
        self.now = datetime(2026, self.dice.choice([3, 10, 12]), self.dice.randint(20, 31), 3, tzinfo=UTC)
        self.status: dict[str, Any] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.words: dict[str, tuple[datetime, str]] = {}
        """When the pod of a Job is observed, and what it says."""
        self.ends: dict[str, datetime] = {}
        self.truth: list[tuple[datetime, int, Decimal | None, bool]] = []
        """Of each firing that counts: its end, its tokens, its cost, and whether these are all."""
        self.skipped = 0

    def run(self, steps: int) -> None:
        lost = 0
        for _ in range(steps):
            for _ in range(self.dice.randint(0, 3)):
                self.now += timedelta(minutes=10)
                self._fire()
            self._end()
            lost = 0 if self._reconcile(written=lost >= 2 or self.dice.random() < 0.6) else lost + 1
        self.now = max([self.now, *self.ends.values()]) + timedelta(hours=1)
        self._end()
        for _ in range(3):
            self._reconcile(written=True)

    def _fire(self) -> None:
        name = f"hello-{int(self.now.timestamp()) // 60}"
        made = format_time(self.now)
        metadata = {"name": name, "uid": name, "creationTimestamp": made, "namespace": "team"}
        self.jobs[name] = {"metadata": metadata, "status": {"startTime": made}}
        slow = self.dice.random() < 0.15
        minutes = self.dice.randint(100, 600) if slow else self.dice.randint(1, 15)
        end = self.ends[name] = self.now + timedelta(minutes=minutes)
        late = timedelta(minutes=25) if not slow and self.dice.random() < 0.3 else timedelta()
        self.words[name] = (end + late, self._word(end))

    def _word(self, end: datetime) -> str:
        kind = self.dice.choice(["priced", "priced", "priced", "unpriced", "partial", "unknown", "skipped"])
        tokens = self.dice.randint(0, 10**7)
        if kind == "skipped":
            self.skipped += 1
            return '{"outcome": "Skipped", "reason": "TooLate"}'
        if kind == "unknown":
            self.truth.append((end, 0, None, False))
            return '{"outcome": "Succeeded", "reason": "RunSucceeded"}'
        if kind == "unpriced" and tokens:
            self.truth.append((end, tokens, None, False))
            return said(tokens, "free")
        self.truth.append((end, tokens, Decimal(tokens) / 1_000_000, kind != "partial"))
        return said(tokens, "small", complete=kind != "partial")

    def _end(self) -> None:
        for name, end in self.ends.items():
            if end <= self.now and name in self.jobs:
                over = {"type": "Complete", "status": "True", "lastTransitionTime": format_time(end)}
                self.jobs[name]["status"] |= {"conditions": [over]}

    def _pods(self) -> Iterator[dict[str, Any]]:
        for name, (moment, words) in self.words.items():
            if moment <= self.now and name in self.jobs:
                yield World.pod_of(self.jobs[name], terminated(0, "10:00:00", words))

    def _reconcile(self, *, written: bool) -> bool:
        """What the operator concludes is lost when it is killed before it writes. Jobs and pods come in any order; what
        was reported may be deleted afterwards, or be kept."""
        jobs, pods = list(self.jobs.values()), list(self._pods())
        self.dice.shuffle(jobs)
        self.dice.shuffle(pods)
        metadata = {"name": "hello", "namespace": "team", "uid": "u", "generation": 1}
        graphcron = {"metadata": metadata, "spec": {"schedule": "*/10 * * * *"}, "status": self.status}
        observed = Observed(graphcron, None, tuple(jobs), tuple(pods))
        plan = Plan(Verdict(Phase.SCHEDULED, ""), timezone=self.zone)
        wanted, _ = conclude(observed, plan, self.now, LEDGER)
        assert GraphCronStatus.model_validate(wanted).to_dict() == wanted
        if written:
            self.status = wanted
            for name in list(self.jobs):
                if self.words[name][0] <= self.now and self.dice.random() < 0.5:
                    del self.jobs[name]
        return written


@pytest.mark.parametrize("seed", range(30))
def test_sums_are_the_truth_whatever_is_killed(seed: int) -> None:
    cluster = Cluster(seed)
    cluster.run(60)
    spending = read_status(cluster.status).spending
    assert spending is not None
    zone, last = ZoneInfo(cluster.zone), max(end for end, *_ in cluster.truth)
    for per in windows.PERS:
        since = windows.begin(per, last, zone)
        inside = [one for one in cluster.truth if one[0] >= since]
        window = windows.of(spending, per)
        costs = [cost for _, _, cost, _ in inside if cost is not None]
        assert window.since == since
        assert (window.firings, window.tokens) == (len(inside), sum(tokens for _, tokens, _, _ in inside)), per
        assert Decimal(window.cost or 0) == sum(costs, Decimal()), per
        assert (window.incomplete or 0) == sum(not complete for *_, complete in inside), per
