"""Hides the credentials in a URL from those who read it, and leaves all else as it was."""

import re

MASK = "***"

_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\\]*@")

_SECRET_VALUE = re.compile(
    r"(?P<name>[?&;][^=&;#]*(?:token|key|secret|passw|sig|auth|code|cred)[^=&;#]*=)(?P<value>[^&;#]+)", re.IGNORECASE
)
"""A query parameter whose name says that its value is a secret. `sig` and `code` are Azure's."""


def mask_url(url: str) -> str:
    """With `***` for a user and password, and for the values of query parameters that are secret by their name."""
    shown = _USER.sub(lambda found: f"{found[1] or ''}//{MASK}@", url)
    return _SECRET_VALUE.sub(lambda found: f"{found['name']}{MASK}", shown)


def is_masked(url: str) -> bool:
    """Whether it is what `mask_url` made of another one, which would be stored in place of the credentials."""
    user = _USER.match(url)
    return (user is not None and user[0].endswith(f"//{MASK}@")) or any(
        found["value"] == MASK for found in _SECRET_VALUE.finditer(url)
    )
