"""Gauges of each GraphCron, with its namespace and name as labels: for as many GraphCrons as the installation allows.

Above that number there are none, and a gauge says so: half of them would be no answer to "does my cron work?".
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import state_of, unmet_of
from graphcron.resource.status import read_status
from graphcron.resource.usage import SpendingWindow
from graphcron.resource.windows import Per, end
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

Name = tuple[str, str]
"""Namespace and name."""


class Figures(NamedTuple):
    """What the gauges tell of one GraphCron; times in seconds since 1970."""

    phase: str
    failures: int
    last_success: float | None
    next_run: float | None
    unmet: tuple[tuple[str, float], ...] = ()
    """Each expectation that is not met, and since when."""
    spent: tuple["Spent", ...] = ()

    @classmethod
    def of(cls, graphcron: Manifest) -> "Figures":
        status = graphcron.get("status") or {}
        times = status.get("nextRunTimes") or [None]
        return cls(
            phase=state_of(graphcron),
            failures=status.get("consecutiveFailures") or 0,
            last_success=_seconds(status.get("lastSuccessfulTime")),
            next_run=_seconds(times[0]),
            unmet=tuple(
                (kind.lower(), since)
                for kind, moment in unmet_of(graphcron).items()
                if (since := _seconds(moment)) is not None
            ),
            spent=_spent(status),
        )


class Spent(NamedTuple):
    """What a window has, which is over at `end`."""

    window: str
    end: float
    tokens: int
    cost: float | None
    currency: str


def _spent(status: Manifest) -> tuple[Spent, ...]:
    """Nothing before the first firing that counts."""
    found = read_status({name: status[name] for name in ("spending", "timezone") if name in status})
    if (spending := found.spending) is None:
        return ()
    try:
        zone = read_timezone(found.timezone)
    except InvalidTimezone:
        return ()
    windows: list[tuple[Per, str, SpendingWindow]] = [
        ("Day", "today", spending.today),
        ("Month", "month", spending.month),
    ]
    return tuple(
        Spent(
            name,
            end(per, window.since, zone).timestamp(),
            window.tokens,
            float(window.cost) if window.cost is not None else None,
            spending.currency or "",
        )
        for per, name, window in windows
        if window.tokens or not window.incomplete  # unknown is not zero
    )


def _seconds(text: str | None) -> float | None:
    try:
        return parse_time(text).timestamp() if text else None
    except ValueError:
        return None  # of a status that somebody else wrote; the operator replaces it


class Kept(Protocol):
    """A GraphCron as the object cache has it."""

    @property
    def version(self) -> int: ...
    @property
    def manifest(self) -> Manifest: ...


class EachGraphCron(Collector):
    """`graphcrons` are those in the object cache; `overdue` has the scheduled times that passed without a Job."""

    def __init__(
        self,
        limit: int,
        graphcrons: Callable[[], Mapping[Name, Kept]],
        overdue: Callable[[], Mapping[Name, datetime]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._graphcrons = graphcrons
        self._overdue = overdue
        self._known: dict[Name, tuple[int, Figures]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._graphcrons()
        omitted = len(found) if len(found) > self._limit else 0
        yield GaugeMetricFamily(
            "graphcron_cron_metrics_omitted",
            "GraphCrons that have no gauges of their own, because there are more than the limit; 0 when all have.",
            value=omitted,
        )
        self._known = {} if omitted else {name: self._figures(name, kept) for name, kept in found.items()}
        failures = _family("graphcron_consecutive_failures", "Failed firings since the last success.")
        success = _family("graphcron_last_success_timestamp_seconds", "When a firing last succeeded.")
        next_run = _family("graphcron_next_run_timestamp_seconds", "When it fires next.")
        overdue = _family(
            "graphcron_overdue_timestamp_seconds",
            "The scheduled time that has passed without a Job, while there is one.",
        )
        unmet = _family(
            "graphcron_unmet_expectation_timestamp_seconds",
            "Since when it is overdue, late or slow by spec.expect, while it is.",
            "expectation",
        )
        phase = _family("graphcron_phase", "1 for the phase of a GraphCron.", "phase")
        tokens = _family("graphcron_spent_tokens", "Tokens that it used today and this month.", "window")
        costs = _family("graphcron_spent_cost", "What they cost.", "window", "currency")
        late, now = self._overdue(), self._clock()
        for name, (_, figures) in self._known.items():
            failures.add_metric(name, figures.failures)
            phase.add_metric((*name, figures.phase), 1)
            for kind, since in figures.unmet:
                unmet.add_metric((*name, kind), since)
            for spent in figures.spent:
                tokens.add_metric((*name, spent.window), spent.tokens if now < spent.end else 0)
                if spent.cost is not None:
                    costs.add_metric((*name, spent.window, spent.currency), spent.cost if now < spent.end else 0)
            if figures.last_success is not None:
                success.add_metric(name, figures.last_success)
            if figures.next_run is not None:
                next_run.add_metric(name, figures.next_run)
            if name in late:
                overdue.add_metric(name, late[name].timestamp())
        yield from (failures, success, next_run, overdue, unmet, phase, tokens, costs)

    def _figures(self, name: Name, kept: Kept) -> tuple[int, Figures]:
        """Those of the last scrape while the GraphCron is the same: parsing takes longer than all else."""
        known = self._known.get(name)
        return known if known and known[0] == kept.version else (kept.version, Figures.of(kept.manifest))


def _family(name: str, explained: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, explained, labels=["namespace", "name", *labels])
