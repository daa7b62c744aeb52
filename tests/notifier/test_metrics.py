"""The notifier's metrics: attempts by channel, of which a bounded number has a label."""

from graphcron.notifier.metrics import CHANNELS_LIMIT, NotifierMetrics


def test_attempts_are_counted_by_channel_and_result_and_many_channels_are_one() -> None:
    metrics = NotifierMetrics()
    metrics.sent(("team", "a"), delivered=True)
    metrics.sent(("team", "a"), delivered=False)
    for number in range(CHANNELS_LIMIT + 5):
        metrics.sent(("team", f"c{number}"), delivered=True)

    def value(channel: str, result: str) -> float | None:
        return metrics.registry.get_sample_value(
            "graphcron_notifications_total", {"channel": channel, "result": result}
        )

    assert (value("team/a", "delivered"), value("team/a", "failed")) == (1, 1)
    assert value("other", "delivered") == 6


def test_gauges_are_read_at_each_scrape() -> None:
    metrics = NotifierMetrics()
    zero = lambda: 0.0  # noqa: E731
    metrics.observe(pending=lambda: 7.0, oldest=zero, failing=zero, leads=lambda: True, last_watch=zero)
    assert metrics.registry.get_sample_value("graphcron_notifications_pending") == 7
    assert metrics.registry.get_sample_value("graphcron_notifier_leader") == 1
