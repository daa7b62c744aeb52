"""Which proxy leads to a URL, by the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, for run pods and facade alike.

Each may also be in lower case, which then counts. NO_PROXY lists, with commas, what is reached directly: a name with
all below it (`example.com`, `.example.com`), an address or a network (`10.0.0.0/8`), each with a port if only that is
meant; or `*`. That is what curl takes. `urllib.request` knows no networks, which clusters need, and is dear to import.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_of(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL; None for none, and for a URL that cannot be read."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    direct = _variable(environ, "no_proxy").replace(",", " ").split()
    if parts.scheme not in ("http", "https") or not host or any(_covers(entry, host, port) for entry in direct):
        return None
    return _variable(environ, f"{parts.scheme}_proxy") or None


def _variable(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if found := re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", entry):
        entry = found[1]
        if int(found[2]) != port:
            return False
    name, host = entry.strip("[]").lower().removeprefix("*").lstrip("."), host.lower().rstrip(".")
    if "/" in name:
        from ipaddress import ip_address, ip_network  # some milliseconds, which most pods need not pay

        try:
            return ip_address(host) in ip_network(name, strict=False)
        except ValueError:
            return False
    return bool(name) and (host == name or host.endswith("." + name))
