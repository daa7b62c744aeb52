"""The notifier's Prometheus metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.process_collector import ProcessCollector

from graphcron.notifier.cron import Name

CHANNELS_LIMIT = 200
"""Channels with a label of their own; all further ones are `other`."""


class NotifierMetrics:
    """A registry of its own, so that tests can have many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._sent = Counter(
            "graphcron_notifications",
            "Messages that were sent through a channel, by result: delivered or failed.",
            ["channel", "result"],
            registry=self.registry,
        )
        self._known: set[str] = set()

    def sent(self, channel: Name, *, delivered: bool) -> None:
        """Count an attempt."""
        label = "/".join(channel)
        if label not in self._known and len(self._known) >= CHANNELS_LIMIT:
            label = "other"
        self._known.add(label)
        self._sent.labels(label, "delivered" if delivered else "failed").inc()

    def observe(
        self,
        *,
        pending: Callable[[], float],
        oldest: Callable[[], float],
        failing: Callable[[], float],
        leads: Callable[[], bool],
        last_watch: Callable[[], float],
    ) -> None:
        """Gauges that are read at each scrape."""
        for name, says, read in (
            ("graphcron_notifications_pending", "Notifications that are due and not delivered.", pending),
            (
                "graphcron_notifications_oldest_pending_seconds",
                "For how long the oldest of them has been due; 0 without any.",
                oldest,
            ),
            ("graphcron_notification_channels_failing", "Channels that are not ready or not delivering.", failing),
            ("graphcron_notifier_leader", "1 in the replica that sends, 0 in those that wait.", lambda: float(leads())),
            (
                "graphcron_notifier_last_watch_timestamp_seconds",
                "When the watch that has been silent for the longest last brought something; each does once a minute.",
                last_watch,
            ),
        ):
            Gauge(name, says, registry=self.registry).set_function(read)
