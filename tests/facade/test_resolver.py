"""The addresses of hosts, as the system knows them."""

import pytest

from graphcron.facade.resolver import addresses_of


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "two words"])
async def test_what_has_no_address_has_none(host: str) -> None:
    assert await addresses_of(host) == []


@pytest.mark.parametrize(("host", "address"), [("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("::1", "::1")])
async def test_odd_spellings_are_the_addresses_that_they_mean(host: str, address: str) -> None:
    assert await addresses_of(host) == [address]
