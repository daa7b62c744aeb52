"""The operator's Prometheus metrics. Only the gauges of `cron_metrics` have labels that name a GraphCron.

Each replica reports what it observes (`graphcron_graphcrons`, `graphcron_last_watch_timestamp_seconds`) and what it did
itself. A firing is counted by the replica that writes it into a status, once: so over all replicas and restarts it
counts once, except one whose writer died between the apiserver's answer and the count.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from graphcron.operator.conditions import EXPECTATIONS, STATES
from graphcron.operator.cron_metrics import EachGraphCron
from graphcron.operator.history import added
from graphcron.operator.spending import changes
from graphcron.operator.spending_metrics import SpendingMetrics
from graphcron.resource.prices import NO_PRICES, Prices
from graphcron.resource.status import FiringCounts, read_status

LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DELAYS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds from a scheduled time to the start of its run; a stock controller manager makes about 8.5 Jobs a second."""


BACKFILLED = ("succeeded", "failed", "skipped", "waiting")


class OperatorMetrics:
    """A registry of its own, so that tests can have many."""

    def __init__(self, prices: Prices = NO_PRICES) -> None:
        self.registry = CollectorRegistry()
        self._spending = SpendingMetrics(self.registry, prices)
        ProcessCollector(registry=self.registry)
        reconciled = Histogram(
            "graphcron_reconcile_duration_seconds",
            "Seconds to bring one GraphCron in line, by outcome: ok, stalled (its user must act), retry (it failed).",
            ["outcome"],
            buckets=LATENCIES,
            registry=self.registry,
        )
        self.reconciled = {outcome: reconciled.labels(outcome) for outcome in ("ok", "stalled", "retry")}
        self.retries = Counter(
            "graphcron_retries", "Reconciliations that failed, and were put off.", registry=self.registry
        )
        writes = Counter(
            "graphcron_api_writes", "Writes that the apiserver took.", ["kind", "verb"], registry=self.registry
        )
        self._writes = lru_cache(maxsize=64)(writes.labels)  # there are few, and labels() costs half of a count
        self.firings = Counter(
            "graphcron_firings", "Firings that are over, by outcome.", ["outcome"], registry=self.registry
        )
        self.delays = Histogram(
            "graphcron_firing_delay_seconds",
            "Seconds from the time for which a firing was scheduled to the start of its run.",
            buckets=DELAYS,
            registry=self.registry,
        )
        for outcome in FiringCounts.model_fields:
            self.firings.labels(outcome)
        self.backfilled = Counter(
            "graphcron_backfill_firings",
            "Firings of backfills that are over, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in BACKFILLED:
            self.backfilled.labels(outcome)

    def observe(
        self,
        *,
        queue_depth: Callable[[], float],
        leads: Callable[[], bool],
        last_watch: Callable[[], float],
        states: Callable[[], Mapping[str, int]],
        unmet: Callable[[], Mapping[str, int]],
        each: EachGraphCron,
        quarantined: Callable[[], float],
    ) -> None:
        """Gauges that are read at each scrape."""
        depth = Gauge("graphcron_queue_depth", "GraphCrons that wait for a reconciliation.", registry=self.registry)
        depth.set_function(queue_depth)
        leader = Gauge("graphcron_leader", "1 in the replica that works, 0 in those that wait.", registry=self.registry)
        leader.set_function(lambda: float(leads()))
        watched = Gauge(
            "graphcron_last_watch_timestamp_seconds",
            "When the watch that has been silent for the longest last brought something; each does once a minute.",
            registry=self.registry,
        )
        watched.set_function(last_watch)
        left_alone = Gauge(
            "graphcron_quarantined",
            "GraphCrons that are left alone for a while, since the operator died on them.",
            registry=self.registry,
        )
        left_alone.set_function(quarantined)
        self.registry.register(_States(states))
        self.registry.register(_Unmet(unmet))
        self.registry.register(each)

    def wrote(self, kind: str, verb: str) -> None:
        """Count a write that the apiserver took."""
        self._writes(kind, verb).inc()

    def wrote_status(self, namespace: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
        """Count the firings that this status is the first to have."""
        if not after.get("history"):
            return
        old, new = (
            read_status({name: status[name] for name in ("history", "firings") if name in status})
            for status in (before or {}, after)
        )
        for entry, recorded in changes(old.history or [], new.history or []):
            self._spending.count(namespace, entry, recorded)
        for (outcome, number), (_, known) in zip(new.firings or (), old.firings or FiringCounts(), strict=False):
            self.firings.labels(outcome).inc(max(0, (number or 0) - (known or 0)))
        for entry in added(old.history or [], new.history or []):
            if entry.started_at and entry.outcome in ("Succeeded", "Failed", "WaitingForInput"):
                self.delays.observe(max(0.0, (entry.started_at - entry.scheduled_time).total_seconds()))

    def wrote_backfill(self, namespace: str, before: Any, after: Mapping[str, Any]) -> None:
        """Count the firings of a backfill that this status is the first to have."""
        self._spending.wrote_backfill(namespace, before, after)
        old, new = (status.get("counts") if isinstance(status, Mapping) else None for status in (before, after))
        for outcome in BACKFILLED:
            known, number = (counts.get(outcome) if isinstance(counts, Mapping) else 0 for counts in (old, new))
            if isinstance(known, int) and isinstance(number, int):
                self.backfilled.labels(outcome).inc(max(0, number - known))


class _States(Collector):
    def __init__(self, states: Callable[[], Mapping[str, int]]) -> None:
        self._states = states

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._states()
        family = GaugeMetricFamily("graphcron_graphcrons", "GraphCrons by state.", labels=["state"])
        for state in STATES:
            family.add_metric([state], found.get(state, 0))
        yield family


class _Unmet(Collector):
    def __init__(self, unmet: Callable[[], Mapping[str, int]]) -> None:
        self._unmet = unmet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._unmet()
        family = GaugeMetricFamily(
            "graphcron_unmet_expectations", "GraphCrons that are not as spec.expect says.", labels=["expectation"]
        )
        for kind in EXPECTATIONS:
            family.add_metric([kind.lower()], found.get(kind, 0))
        yield family
