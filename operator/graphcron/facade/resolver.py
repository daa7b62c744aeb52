"""The resolver of webhooks' hosts: looks names up as the system does, by /etc/hosts and DNS."""

import asyncio
import socket
from collections.abc import Sequence

LOOKUP_SECONDS = 5.0


async def addresses_of(host: str) -> Sequence[str]:
    """The IP addresses of a host; none when it has none, or when the lookup takes longer than `LOOKUP_SECONDS`."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label of more than 63 characters is a UnicodeError
        return []
    return sorted({str(address[0]) for *_, address in found})
