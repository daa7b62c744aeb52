"""Which hosts a webhook may name: those that LangGraph's own server lets through. Pure: names were looked up before.

Networks of one's own are let through, and with them the Services of a cluster. What is not lies on the Agent Server's
own machine, or is a cloud's metadata service, and no webhook that anybody means.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

PREFIX = "Webhook host blocked: "
"""LangGraph's own words."""

_OWN: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def refusal(host: str, addresses: Sequence[str]) -> str | None:
    """What to say of a webhook's host with these addresses, all of which count; None when it may be called."""
    if not addresses:
        return f"{PREFIX}'{host}' has no address that the facade could find in DNS"
    for text in addresses:
        if not _may_be_called(ip_address(text)):
            of = "" if text == host else f" has the address {text}, which"
            return f"{PREFIX}'{host}'{of} is loopback, link-local or reserved"
    return None


def _may_be_called(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in _OWN if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved
