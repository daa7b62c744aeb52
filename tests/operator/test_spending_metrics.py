"""Tokens and money by namespace and model: counted once, and a bounded number of series."""

from typing import Any

from prometheus_client import CollectorRegistry

from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.spending_metrics import SERIES_LIMIT, SpendingMetrics
from graphcron.resource.backfill import BackfillFiring
from graphcron.resource.prices import Prices

PRICES = Prices.model_validate({"currency": "EUR", "models": {"big": {"input": 2, "output": 10, "cached": 1}}})


def firing(name: str, model: str = "big", tokens: int = 1_000_000) -> dict[str, Any]:
    counts = {"inputTokens": tokens, "outputTokens": 100_000, "totalTokens": tokens + 100_000, "cachedTokens": 500_000}
    return {
        "scheduledTime": "2026-12-01T10:00:00Z",
        "outcome": "Succeeded",
        "reason": "RunSucceeded",
        "jobName": name,
        "usage": counts | {"models": {model: counts}, "source": "Callback", "complete": True},
    }


def tokens(metrics: OperatorMetrics, kind: str, model: str = "big") -> float | None:
    labels = {"namespace": "team", "model": model, "kind": kind}
    return metrics.registry.get_sample_value("graphcron_tokens_total", labels)


def cost(metrics: OperatorMetrics, model: str = "big") -> float | None:
    labels = {"namespace": "team", "model": model, "currency": "EUR"}
    return metrics.registry.get_sample_value("graphcron_cost_total", labels)


def test_a_firing_counts_when_a_status_first_has_it() -> None:
    metrics, one = OperatorMetrics(PRICES), {"history": [firing("a")]}
    metrics.wrote_status("team", None, one)
    metrics.wrote_status("team", one, one)
    assert [tokens(metrics, kind) for kind in ("input", "output", "cached")] == [1_000_000, 100_000, 500_000]
    assert cost(metrics) == 2.5


def test_usage_that_becomes_known_later_counts_then() -> None:
    metrics, known = OperatorMetrics(PRICES), firing("a")
    without = {key: value for key, value in known.items() if key != "usage"}
    metrics.wrote_status("team", None, {"history": [without]})
    assert tokens(metrics, "input") is None
    metrics.wrote_status("team", {"history": [without]}, {"history": [known]})
    assert tokens(metrics, "input") == 1_000_000


def test_more_usage_counts_as_the_difference() -> None:
    metrics = OperatorMetrics(PRICES)
    less, more = {"history": [firing("a", tokens=600_000)]}, {"history": [firing("a")]}
    metrics.wrote_status("team", None, less)
    metrics.wrote_status("team", less, more)
    assert (tokens(metrics, "input"), tokens(metrics, "output")) == (1_000_000, 100_000)


def test_a_model_without_a_price_has_no_cost() -> None:
    metrics = OperatorMetrics(PRICES)
    metrics.wrote_status("team", None, {"history": [firing("a", "free")]})
    assert (tokens(metrics, "input", "free"), cost(metrics, "free")) == (1_000_000, None)


def test_a_firing_of_a_backfill_counts_once() -> None:
    metrics = OperatorMetrics(PRICES)
    one, two = {"firings": [firing("a")]}, {"firings": [firing("b"), firing("a")]}
    for before, after in ((None, one), (one, two), (two, two), (two, {}), ("?", {"counts": {}})):
        metrics.wrote_backfill("team", before, after)
    assert tokens(metrics, "input") == 2_000_000


def test_the_number_of_series_is_bounded_and_no_token_is_lost() -> None:
    registry = CollectorRegistry()
    metrics = SpendingMetrics(registry, PRICES)
    for number in range(SERIES_LIMIT + 50):
        entry = BackfillFiring.model_validate(firing("a", f"model-{number}"))
        metrics.count(f"team-{number % 7}", entry, None)
    samples = [
        sample for family in registry.collect() for sample in family.samples if sample.name == "graphcron_tokens_total"
    ]
    assert len({(sample.labels["namespace"], sample.labels["model"]) for sample in samples}) <= SERIES_LIMIT + 8
    assert sum(sample.value for sample in samples if sample.labels["kind"] == "input") == 1_000_000 * (
        SERIES_LIMIT + 50
    )


def test_a_namespace_that_makes_up_models_leaves_room_for_others() -> None:
    registry = CollectorRegistry()
    metrics = SpendingMetrics(registry, PRICES)
    for number in range(SERIES_LIMIT + 50):
        metrics.count("hostile", BackfillFiring.model_validate(firing("a", f"model-{number}")), None)
    metrics.count("team", BackfillFiring.model_validate(firing("a")), None)
    read = registry.get_sample_value
    labels = {"namespace": "team", "model": "big", "kind": "input"}
    assert read("graphcron_tokens_total", labels) == 1_000_000
    rest = {"namespace": "hostile", "model": "other", "kind": "input"}
    assert read("graphcron_tokens_total", rest) == 1_000_000 * SERIES_LIMIT
