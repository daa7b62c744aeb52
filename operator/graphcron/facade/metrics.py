"""The metrics of the facade."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class FacadeMetrics:
    """A registry of its own, so that tests can have many. Labels take few values: routes, and no paths."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "graphcron_facade_requests",
            "Requests that were answered, by method, route and status; 499 means that the client left.",
            ["method", "route", "code"],
            registry=self.registry,
        )
        self.durations = Histogram(
            "graphcron_facade_request_duration_seconds",
            "Seconds from a request to the end of its answer; streams of the Agent Server take as long as their runs.",
            ["method", "route"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self.conflicts = Counter(
            "graphcron_facade_conflicts",
            "Updates that were decided again, because others changed what they depend on.",
            registry=self.registry,
        )

    def observe_cache(self, age: Callable[[], float | None]) -> None:
        """Registers the age of the watch cache in seconds, read at each scrape; NaN while there is none."""
        gauge = Gauge(
            "graphcron_facade_cache_age_seconds",
            "Seconds since the watch of GraphCrons last brought anything; it does once a minute. NaN: no watch.",
            registry=self.registry,
        )
        gauge.set_function(lambda: float("nan") if (found := age()) is None else found)
