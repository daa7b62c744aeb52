"""The gauges of each GraphCron: what they tell, up to how many, and what a scrape costs."""

import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import GRAPHCRONS
from graphcron.operator.cron_metrics import EachGraphCron, Name
from graphcron.operator.object_cache import ObjectCache
from graphcron.resource.prices import Ledger, Prices
from tests.support.world import World, at


def cache_of(*manifests: dict[str, Any]) -> ObjectCache:
    cache = ObjectCache()
    for manifest in manifests:
        cache.put(GRAPHCRONS, manifest)
    return cache


def told(each: EachGraphCron) -> dict[tuple[str, ...], float]:
    """Name and labels of each sample to its value."""
    registry = CollectorRegistry()
    registry.register(each)
    return {
        (sample.name.removeprefix("graphcron_"), *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def seen(world: World, version: int = 1) -> dict[str, Any]:
    return world.graphcron | {"metadata": world.graphcron["metadata"] | {"resourceVersion": str(version)}}


def test_a_graphcron_tells_its_failures_last_success_next_run_and_phase(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Complete")
    world.reconcile("11:01")
    world.fire("12:00", "Failed")
    world.reconcile("12:01")
    found = told(EachGraphCron(1, cache_of(seen(world)).graphcrons, dict))
    success = world.graphcron["status"]["lastSuccessfulTime"]
    assert found == {
        ("cron_metrics_omitted",): 0,
        ("consecutive_failures", "team", "hello"): 1,
        ("last_success_timestamp_seconds", "team", "hello"): at(success[11:19]).timestamp(),
        ("next_run_timestamp_seconds", "team", "hello"): at("13:00").timestamp(),
        ("phase", "team", "hello", "ready"): 1,
    }


def test_it_tells_since_when_an_expectation_is_missed_while_it_is(world: World) -> None:
    world.edit(expect={"successWithin": "30m"})
    world.reconcile("10:05")
    assert [key for key in told(EachGraphCron(1, cache_of(seen(world)).graphcrons, dict)) if "expect" in key[0]] == []
    world.reconcile("10:40")
    found = told(EachGraphCron(1, cache_of(seen(world)).graphcrons, dict))
    key = ("unmet_expectation_timestamp_seconds", "team", "hello", "overdue")
    assert found[key] == at("10:40").timestamp()


def test_one_that_the_operator_has_not_seen_is_pending_and_has_no_times(world: World) -> None:
    assert told(EachGraphCron(1, cache_of(seen(world)).graphcrons, dict)) == {
        ("cron_metrics_omitted",): 0,
        ("consecutive_failures", "team", "hello"): 0,
        ("phase", "team", "hello", "pending"): 1,
    }


def test_a_status_that_somebody_forged_fails_no_scrape(world: World) -> None:
    world.graphcron["status"] = {"nextRunTimes": ["tomorrow"], "lastSuccessfulTime": "0000-00-00T00:00:00Z"}
    assert len(told(EachGraphCron(1, cache_of(seen(world)).graphcrons, dict))) == 3


def test_above_the_limit_there_are_none_and_one_gauge_says_so(world: World) -> None:
    manifests = [seen(world)]
    manifests += [seen(world) | {"metadata": seen(world)["metadata"] | {"name": "other", "uid": "other"}}]
    cache = cache_of(*manifests)
    assert told(EachGraphCron(1, cache.graphcrons, dict)) == {("cron_metrics_omitted",): 2}
    assert len(told(EachGraphCron(2, cache.graphcrons, dict))) == 5
    assert told(EachGraphCron(0, cache.graphcrons, dict)) == {("cron_metrics_omitted",): 2}
    cache.drop(GRAPHCRONS, manifests[1])
    assert len(told(EachGraphCron(1, cache.graphcrons, dict))) == 3


def test_a_scrape_parses_only_what_has_changed_since_the_last_one(world: World) -> None:
    class Counted:
        def __init__(self, version: int) -> None:
            self.version, self.parsed = version, 0

        @property
        def manifest(self) -> dict[str, Any]:
            self.parsed += 1
            return world.graphcron

    crons: dict[Name, Counted] = {("team", "a"): Counted(1), ("team", "b"): Counted(2)}
    each = EachGraphCron(2, lambda: crons, dict)
    told(each)
    told(each)
    assert [cron.parsed for cron in crons.values()] == [1, 1]
    changed = crons["team", "b"] = Counted(3)
    told(each)
    assert (crons["team", "a"].parsed, changed.parsed) == (1, 1)
    crons["team", "c"] = Counted(4)
    told(each)
    assert crons["team", "c"].parsed == 0, "above the limit"


@pytest.mark.parametrize("policy", ["Allow", "Forbid"])
def test_a_scheduled_time_that_passes_without_a_job_is_overdue_until_there_is_one(world: World, policy: str) -> None:
    world.edit(concurrencyPolicy=policy)
    world.reconcile("10:05")
    assert world.decide("10:59").overdue is None
    assert world.decide("11:05").overdue == at("11:00")
    world.fire("11:00")
    assert world.decide("11:06").overdue is None


def test_what_forbid_holds_back_and_what_is_suspended_is_not_overdue(world: World) -> None:
    world.edit(concurrencyPolicy="Forbid")
    world.reconcile("10:05")
    world.fire("11:00", said="")
    assert world.cron_job
    world.cron_job["status"]["active"] = [{}]
    assert world.decide("12:10").overdue is None
    world.edit(concurrencyPolicy="Allow")
    assert world.decide("12:10").overdue == at("12:00")
    world.edit(enabled=False)
    assert world.decide("12:10").overdue is None


def test_it_tells_what_it_used_until_the_day_is_over(world: World) -> None:
    world.ledger = Ledger(Prices.model_validate({"models": {"*": {"input": 1, "output": 1}}}))
    world.reconcile("10:05")
    usage = {"inputTokens": 500_000, "source": "Callback", "complete": True}
    world.fire("11:00", "Complete", json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "usage": usage}))
    world.reconcile("11:01")
    cache, now = cache_of(seen(world)), at("11:30").timestamp()
    each = EachGraphCron(1, cache.graphcrons, dict, lambda: now)
    spent = {key[0].removeprefix("spent_"): key for key in told(each) if key[0].startswith("spent_")}
    assert spent.keys() == {"tokens", "cost"}
    for moment, today, month in (
        ("2026-12-01T23:59:59Z", 1, 1),
        ("2026-12-02T00:00:00Z", 0, 1),
        ("2027-01-01T00:00:00Z", 0, 0),
    ):
        now = parse_time(moment).timestamp()
        found = told(each)
        assert found["spent_tokens", "team", "hello", "today"] == 500_000 * today
        assert found["spent_tokens", "team", "hello", "month"] == 500_000 * month
        assert found["spent_cost", "team", "hello", "month", "USD"] == 0.5 * month
