"""Hosts of webhooks: as LangGraph's own server was seen to judge them."""

import pytest

from graphcron.facade.webhook import PREFIX, refusal

CALLED = (
    "1.1.1.1 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 100.100.100.199 fc00::1 fd12:3456:789a::1 "
    "2606:4700:4700::1111 2001:4860:4860::8888 ::ffff:1.1.1.1 ::ffff:10.0.0.1"
).split()
BLOCKED = (
    "127.0.0.1 127.8.8.8 0.0.0.0 169.254.169.254 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 "
    "192.0.0.1 192.0.0.9 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 "
    "::1 :: fe80::1 fe80::1%eth0 fe80::a9fe:a9fe ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 2001:db8::1 3fff::1 "
    # Site-local, 6to4, Teredo, NAT64 and IPv4-compatible addresses, and those that nobody routes.
    "fec0::1 2002:a9fe:a9fe:: 2002:101:101:: 2001:0:a9fe:a9fe:: 64:ff9b::169.254.169.254 64:ff9b::1.1.1.1 "
    "64:ff9b:1::a9fe:a9fe 64:ff9b:1::1.1.1.1 ::169.254.169.254 ::1.1.1.1 100::1 5f00::1 4000::1"
).split()
METADATA = (
    "168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42 "
    "fd00:a9fe:a9fe::1 ::ffff:100.100.100.200"
).split()
SPELT = {
    "2852039166": "169.254.169.254",
    "0xa9fea9fe": "169.254.169.254",
    "0XA9.0xFE.0xA9.0xFE": "169.254.169.254",
    "0251.0376.0251.0376": "169.254.169.254",
    "169.254.43518": "169.254.169.254",
    "169.16689662": "169.254.169.254",
    "169.254.169.254.": "169.254.169.254",
    "0x7f.1": "127.0.0.1",
    "0177.0.0.1": "127.0.0.1",
    "0127.0.0.1": "127.0.0.1",
    "0": "0.0.0.0",  # noqa: S104  it is called, and not listened on
}
"""Hosts of numbers, and what they mean; the first number of the last but one is 87 in octal."""


@pytest.mark.parametrize("address", CALLED)
def test_the_internet_and_networks_of_ones_own_may_be_called(address: str) -> None:
    assert refusal("hook.example", [address]) is None


@pytest.mark.parametrize("address", BLOCKED)
def test_nothing_else_may(address: str) -> None:
    assert refusal(address, [address]) == f"{PREFIX}'{address}' is loopback, link-local or reserved"


@pytest.mark.parametrize("address", METADATA)
def test_no_metadata_service_may_be_called_wherever_it_is(address: str) -> None:
    assert refusal(address, [address]) == f"{PREFIX}'{address}' is a cloud's metadata service"


@pytest.mark.parametrize(("host", "address"), SPELT.items())
def test_a_spelling_that_a_resolver_reads_in_another_way_is_judged_too(host: str, address: str) -> None:
    said = refusal(host, ["1.1.1.1"])
    assert said == f"{PREFIX}'{host}' has the address {address}, which is loopback, link-local or reserved"


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.1.1.1", "4294967296", "1..1", "0x7f.example", "127.0.0.1.example"])
def test_what_only_looks_like_a_number_is_a_name(host: str) -> None:
    assert refusal(host, ["1.1.1.1"]) is None


def test_one_bad_address_is_enough_and_is_named() -> None:
    said = refusal("hook.example", ["1.1.1.1", "127.0.0.1"])
    assert said == f"{PREFIX}'hook.example' has the address 127.0.0.1, which is loopback, link-local or reserved"


def test_a_host_without_an_address_is_none() -> None:
    assert refusal("hook.example", []) == f"{PREFIX}'hook.example' has no address that the facade could find in DNS"
