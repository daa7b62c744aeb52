"""The settings of the notifier: the variables that the chart sets, and the error for a wrong one."""

import pytest

from graphcron.environ import InvalidSettings
from graphcron.notifier.settings import NotifierSettings

LEAST = {"GRAPHCRON_NAMESPACE": "graphcron"}


def test_no_host_is_allowed_unless_it_is_named() -> None:
    settings = NotifierSettings.read(LEAST)
    assert (settings.allowed_hosts, settings.messages_per_minute, settings.namespace) == ((), 60, None)


def test_the_variables_are_the_charts() -> None:
    given = {
        "GRAPHCRON_WATCH_NAMESPACE": "team",
        "GRAPHCRON_NOTIFIER_ALLOWED_HOSTS": '["hooks.slack.com", "*.example.com"]',
        "GRAPHCRON_NOTIFIER_MESSAGES_PER_MINUTE": "5",
        "GRAPHCRON_CONSOLE_URL": "https://crons.example.com/console",
        "GRAPHCRON_HEALTH_PORT": "8082",
        "GRAPHCRON_METRICS_PORT": "9091",
    }
    settings = NotifierSettings.read(LEAST | given)
    assert settings.allowed_hosts == ("hooks.slack.com", "*.example.com")
    assert (settings.namespace, settings.messages_per_minute) == ("team", 5)
    assert settings.console_url == "https://crons.example.com/console"
    assert (settings.health_port, settings.metrics_port) == (8082, 9091)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"GRAPHCRON_NOTIFIER_ALLOWED_HOSTS": "hooks.slack.com"}, "ALLOWED_HOSTS is not readable: it must be a JSON"),
        ({"GRAPHCRON_NOTIFIER_ALLOWED_HOSTS": '["*"]'}, "'*' is neither a host"),
        ({"GRAPHCRON_NOTIFIER_MESSAGES_PER_MINUTE": "0"}, "MESSAGES_PER_MINUTE is not readable: it must be a whole"),
        ({"GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "20"}, "GRAPHCRON_LEASE_*_SECONDS do not go together"),
        ({"GRAPHCRON_NAMESPACE": ""}, "GRAPHCRON_NAMESPACE is not set: it names the namespace of the installation"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidSettings) as failed:
        NotifierSettings.read(LEAST | given)
    assert says in str(failed.value)
