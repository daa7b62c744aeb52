"""The addresses to which nothing may be sent; tests/facade/test_webhook_hosts.py has many more of them."""

import pytest

from graphcron.resource.addresses import complaint, spelt_addresses


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("169.254.169.254", "loopback, link-local"),
        ("100.100.100.200", "metadata"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.96.0.10", ""),
        ("93.184.216.34", ""),
        ("fd12::1", ""),
    ],
)
def test_private_addresses_are_allowed_and_those_of_the_machine_are_not(address: str, says: str) -> None:
    assert says in (complaint(address) or "")
    assert bool(complaint(address)) is bool(says)


def test_a_host_of_numbers_is_an_address() -> None:
    assert spelt_addresses("0x7f.1") == ["127.0.0.1"]
    assert spelt_addresses("hooks.slack.com") == []
