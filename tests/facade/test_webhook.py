"""Hosts of webhooks: as LangGraph's own server was seen to judge them."""

import pytest

from graphcron.facade.webhook import PREFIX, refusal

CALLED = "1.1.1.1 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 fc00::1 2606:4700:4700::1111 ::ffff:1.1.1.1".split()
BLOCKED = (
    "127.0.0.1 127.8.8.8 0.0.0.0 169.254.169.254 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 "
    "::1 :: fe80::1 fe80::1%eth0 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 2001:db8::1"
).split()


@pytest.mark.parametrize("address", CALLED)
def test_the_internet_and_networks_of_ones_own_may_be_called(address: str) -> None:
    assert refusal("hook.example", [address]) is None


@pytest.mark.parametrize("address", BLOCKED)
def test_nothing_else_may(address: str) -> None:
    assert refusal(address, [address]) == f"{PREFIX}'{address}' is loopback, link-local or reserved"


def test_one_bad_address_is_enough_and_is_named() -> None:
    said = refusal("hook.example", ["1.1.1.1", "127.0.0.1"])
    assert said == f"{PREFIX}'hook.example' has the address 127.0.0.1, which is loopback, link-local or reserved"


def test_a_host_without_an_address_is_none() -> None:
    assert refusal("hook.example", []) == f"{PREFIX}'hook.example' has no address that the facade could find in DNS"
