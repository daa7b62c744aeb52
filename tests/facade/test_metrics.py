"""The metrics of the facade; those of requests are in test_request_log.py."""

from graphcron.facade.metrics import FacadeMetrics


def test_the_age_of_the_cache_is_looked_up_at_the_scrape() -> None:
    metrics, ages = FacadeMetrics(), [None, 2.5]
    metrics.observe_cache(lambda: ages.pop(0))
    name = "graphcron_facade_cache_age_seconds"
    assert metrics.registry.get_sample_value(name) != metrics.registry.get_sample_value(name) == 2.5
