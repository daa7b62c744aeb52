"""What a channel's Secret says: the address of the receiver, and the key that signs. Pure."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from graphcron.notifier.hosts import is_allowed
from graphcron.resource.channel import ChannelSpec
from graphcron.resource.fields import KeySelector

URL_LIMIT = 4096
HOST_LIMIT = 253
_SCHEMES = {"Email": ("smtp", "smtps")}
_PORTS = {"smtp": 587, "smtps": 465}


class NotReady(Exception):
    """A channel cannot be used as it is: `reason` in CamelCase, and a sentence without any secret."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Receiver:
    """Where messages of a channel go. Nothing of it but the host may be shown."""

    url: URL = field(repr=False)
    key: bytes | None = field(repr=False, default=None)

    @property
    def host(self) -> str:
        """Of the URL."""
        return self.url.host or ""

    @property
    def port(self) -> int:
        """Of the URL, or its scheme's own."""
        return self.url.explicit_port or _PORTS.get(self.url.scheme) or self.url.port or 0

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password of a mail server."""
        return (self.url.user, self.url.password or "") if self.url.user else None


def receiver(spec: ChannelSpec, secrets: dict[str, dict[str, Any]], allowed: Sequence[str]) -> Receiver:
    """The receiver by the Secrets that the spec names, by their names. Raises NotReady."""
    text = value(spec.url_secret_ref, secrets).strip()
    key = _signing_key(spec.signing_secret_ref, secrets) if spec.signing_secret_ref else None
    where = f"key {spec.url_secret_ref.key} of Secret {spec.url_secret_ref.name}"
    schemes = _SCHEMES.get(spec.kind, ("http", "https"))
    try:
        url = URL(text) if len(text) <= URL_LIMIT else URL()
        host = url.host or ""
    except ValueError:  # of the host, too: it is decoded only when it is asked for
        url, host = URL(), ""
    if url.scheme not in schemes or not 0 < len(host) <= HOST_LIMIT:
        raise NotReady("InvalidUrl", f"{where} is no {' or '.join(schemes)} URL")
    if not is_allowed(host, allowed):
        raise NotReady(
            "HostNotAllowed",
            f"{where} names host {host}, and the administrator does not allow it: see the chart's value "
            "notifier.allowedHosts",
        )
    return Receiver(url, key)


def signing_bytes(text: str) -> bytes:
    """Base64 after `whsec_`, as Standard Webhooks writes a key, else the text itself. Raises ValueError."""
    if text.startswith(_MARK):
        return base64.b64decode(text.removeprefix(_MARK), validate=True)
    return text.encode()


_MARK = "whsec_"


def _signing_key(selector: KeySelector, secrets: dict[str, dict[str, Any]]) -> bytes:
    where = f"key {selector.key} of Secret {selector.name}"
    try:
        key = signing_bytes(value(selector, secrets).strip())
    except ValueError:
        raise NotReady("InvalidSigningKey", f"{where} is no Base64 after {_MARK}") from None
    if not key:
        raise NotReady("InvalidSigningKey", f"{where} is empty, and messages are to be signed")
    return key


def value(selector: KeySelector, secrets: dict[str, dict[str, Any]]) -> str:
    """One key of a Secret as text. Raises NotReady."""
    data = secrets[selector.name].get("data") or {}
    if selector.key not in data:
        raise NotReady("SecretKeyMissing", f"Secret {selector.name} has no key {selector.key}")
    try:
        return base64.b64decode(data[selector.key]).decode()
    except (binascii.Error, ValueError):
        raise NotReady("SecretUnreadable", f"key {selector.key} of Secret {selector.name} is no text") from None
