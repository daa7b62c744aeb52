"""Webhooks: the hosts that are allowed, and the masking of credentials in URLs. Pure: hosts are resolved before."""

import re
from collections.abc import Sequence

from graphcron.resource.addresses import complaint, spelt_addresses

PREFIX = "Webhook host blocked: "
"""LangGraph's own words."""


def refusal(host: str, addresses: Sequence[str]) -> str | None:
    """Why a webhook's host is refused, by all of its addresses; None when it is allowed."""
    if not addresses:
        return f"{PREFIX}'{host}' has no address that the facade could find in DNS"
    for text in (*addresses, *spelt_addresses(host)):
        if wrong := complaint(text):
            of = "" if text == host else f" has the address {text}, which"
            return f"{PREFIX}'{host}'{of} is {wrong}"
    return None


MASK = "***"

_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\\]*@")

# In two steps, each of which reads a character once: in one expression the time would grow with the cube of the
# length, to seconds for four kilobytes of "?key".
_PARAMETER = re.compile(r"(?P<name>[?&;][^=&;#?]*=)(?P<value>[^&;#]+)")

_SECRET = re.compile(r"token|key|secret|passw|sig|auth|code|cred", re.IGNORECASE)
"""In the name of a query parameter: its value is a secret. `sig` and `code` are Azure's."""


def mask_url(url: str) -> str:
    """With `***` for a user and password, and for the values of query parameters that are secret by their name."""
    shown = _USER.sub(lambda found: f"{found[1] or ''}//{MASK}@", url)
    return _PARAMETER.sub(lambda found: f"{found['name']}{MASK}" if _SECRET.search(found["name"]) else found[0], shown)


def is_masked(url: str) -> bool:
    """Whether it is what `mask_url` made of another one, which would be stored in place of the credentials."""
    user = _USER.match(url)
    return (user is not None and user[0].endswith(f"//{MASK}@")) or any(
        found["value"] == MASK and _SECRET.search(found["name"]) for found in _PARAMETER.finditer(url)
    )
