"""IP addresses to which nothing may be sent that a user names. Pure.

Private networks are allowed, and with them the Services of a cluster. What is refused is on the sender's own machine,
is a cloud's metadata service, or is reserved. The networks are listed here: what Python's `ipaddress` calls global
differs between its versions, and none of them knows the metadata services.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, text.split()))


_METADATA = _networks(
    # Those outside of the link-local networks: Azure, Alibaba, Oracle (classic); AWS with the identities of EKS,
    # Google, Oracle, Scaleway, Linode.
    "168.63.129.16/32 100.100.100.200/32 192.0.0.192/32 "
    "fd00:ec2::/32 fd20:ce::/32 fd00:c1::/32 fd00:42::/32 fd00:a9fe:a9fe::/48"
)

_RESERVED = _networks(
    # The special-purpose registries of IANA, except the private networks; 6to4 with its relay and Teredo are there.
    "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 "
    "203.0.113.0/24 224.0.0.0/3 2001::/23 2001:db8::/32 2002::/16 3ffe::/16 3fff::/20"
)

_ALLOWED = _networks("0.0.0.0/0 2000::/3 fc00::/7")
"""What is not reserved in here. Of IPv6 these are the addresses that are routed, and private networks; NAT64's and
others that contain an IPv4 address are not among them."""


def complaint(text: str) -> str | None:
    """What is wrong with an address, such as `loopback, link-local or reserved`; None when it is allowed."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in _METADATA):
        return "a cloud's metadata service"
    if any(address in network for network in _RESERVED) or not any(address in network for network in _ALLOWED):
        return "loopback, link-local or reserved"
    return None


_NUMBER = re.compile("0[xX][0-9a-fA-F]*|[0-9]+")


def spelt_addresses(host: str) -> list[str]:
    """The IPv4 addresses that a host of numbers can mean: in decimal, hexadecimal or octal, in one to four parts, with
    or without a dot at its end. Resolvers differ in which spellings they read; 010 is eight to some and ten to others.
    """
    parts = host.removesuffix(".").split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) and len(part) <= 32 for part in parts):
        return []
    found = (_address([_value(part, octal=octal) for part in parts]) for octal in (True, False))
    return [text for text in dict.fromkeys(found) if text]


def _value(part: str, *, octal: bool) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if octal and part.startswith("0") and not set(part) & {"8", "9"} else int(part)


def _address(values: list[int]) -> str | None:
    """As inet_aton(3): the last part has the bytes that are left."""
    *first, last = values
    if any(value > 255 for value in first) or last >= 256 ** (4 - len(first)):
        return None
    return str(IPv4Address(sum(value << 8 * (3 - place) for place, value in enumerate(first)) + last))
