"""Messages go only to hosts that the administrator named."""

import pytest

from graphcron.notifier.hosts import fault_of_pattern, is_allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("hooks.slack.com", True),
        ("HOOKS.slack.com.", True),
        ("evil-hooks.slack.com", False),
        ("hooks.slack.com.evil.example", False),
        ("a.webhook.office.com", True),
        ("a.b.webhook.office.com", True),
        ("webhook.office.com", False),
        ("evilwebhook.office.com", False),
        ("", False),
    ],
)
def test_a_name_is_allowed_as_a_whole_or_under_a_suffix(host: str, *, allowed: bool) -> None:
    assert is_allowed(host, ("hooks.slack.com", "*.webhook.office.com")) is allowed


@pytest.mark.parametrize(
    "pattern", ["*", "*.", "**.example.com", "a.*.example.com", "https://x", "X.example", "", "x y"]
)
def test_a_pattern_that_would_match_nothing_or_everything_is_named(pattern: str) -> None:
    assert repr(pattern) in (fault_of_pattern(pattern) or "")


@pytest.mark.parametrize("pattern", ["smtp", "127.0.0.1", "::1", "*.example.com", "my_host.example"])
def test_hosts_addresses_and_suffixes_are_patterns(pattern: str) -> None:
    assert fault_of_pattern(pattern) is None
