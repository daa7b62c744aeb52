"""What a Secret says of a receiver: only an allowed host, and no word of the URL in an error."""

import base64
from typing import Any

import pytest

from graphcron.notifier.secret import NotReady, receiver
from graphcron.resource.channel import ChannelSpec

ALLOWED = ("hooks.example.com", "*.mail.example.com", "127.0.0.1")


def spec(kind: str = "Webhook", **more: Any) -> ChannelSpec:
    email = {"email": {"to": ["a@example.com"], "from": "b@example.com"}} if kind == "Email" else {}
    return ChannelSpec.model_validate({"kind": kind, "urlSecretRef": {"name": "hook", "key": "url"}} | email | more)


def secrets(**values: str) -> dict[str, dict[str, Any]]:
    return {"hook": {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}}


def test_url_and_key_are_read_without_the_line_break_of_an_editor() -> None:
    found = receiver(
        spec(signingSecretRef={"name": "hook", "key": "signing"}),
        secrets(url="https://hooks.example.com:8443/s3cret\n", signing="k3y\n"),
        ALLOWED,
    )
    assert (found.host, found.port, found.key) == ("hooks.example.com", 8443, b"k3y")
    assert "s3cret" not in repr(found)
    assert "k3y" not in repr(found)


@pytest.mark.parametrize(
    ("url", "port", "login"),
    [
        ("smtps://me:p%40ss@eu.mail.example.com", 465, ("me", "p@ss")),
        ("smtp://eu.mail.example.com", 587, None),
        ("smtp://127.0.0.1:2525", 2525, None),
    ],
)
def test_a_mail_server_is_a_url(url: str, port: int, login: tuple[str, str] | None) -> None:
    found = receiver(spec("Email"), secrets(url=url), ALLOWED)
    assert (found.port, found.login) == (port, login)


@pytest.mark.parametrize(
    ("kind", "url", "reason"),
    [
        ("Webhook", "https://evil.example/s3cret", "HostNotAllowed"),
        ("Webhook", "https://hooks.example.com@evil.example/s3cret", "HostNotAllowed"),
        ("Webhook", "https://evil.example\\@hooks.example.com/s3cret", "InvalidUrl"),
        ("Webhook", "https://evil.example#@hooks.example.com/s3cret", "HostNotAllowed"),
        ("Webhook", "https://127.0.0.2/s3cret", "HostNotAllowed"),
        ("Webhook", "https://2130706433/s3cret", "HostNotAllowed"),
        ("Webhook", "file:///etc/s3cret", "InvalidUrl"),
        ("Webhook", "smtp://hooks.example.com", "InvalidUrl"),
        ("Webhook", "s3cret", "InvalidUrl"),
        ("Webhook", "https://[s3cret", "InvalidUrl"),
        ("Webhook", "https://hooks.example.com/" + "s" * 5000, "InvalidUrl"),
        ("Webhook", "https://xn--hooks-.example.com/s3cret", "InvalidUrl"),
        ("Webhook", f"https://{'a.' * 1500}example/s3cret", "InvalidUrl"),
        ("Email", "https://hooks.example.com/s3cret", "InvalidUrl"),
    ],
)
def test_another_host_or_scheme_is_refused(kind: str, url: str, reason: str) -> None:
    with pytest.raises(NotReady) as refused:
        receiver(spec(kind), secrets(url=url), ALLOWED)
    assert refused.value.reason == reason
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize(("data", "reason"), [({}, "SecretKeyMissing"), ({"url": "/w=="}, "SecretUnreadable")])
def test_a_secret_without_the_key_or_with_bytes_is_refused(data: dict[str, str], reason: str) -> None:
    with pytest.raises(NotReady) as refused:
        receiver(spec(), {"hook": {"data": data}}, ALLOWED)
    assert refused.value.reason == reason


@pytest.mark.parametrize("key", ["", "\n", "whsec_", "whsec_s3cret!", "whsec_s3cre"])
def test_nothing_is_sent_unsigned_because_the_key_is_empty_or_cut_off(key: str) -> None:
    with pytest.raises(NotReady) as refused:
        receiver(
            spec(signingSecretRef={"name": "hook", "key": "signing"}),
            secrets(url="https://hooks.example.com/s3cret", signing=key),
            ALLOWED,
        )
    assert refused.value.reason == "InvalidSigningKey"
    assert "s3cre" not in refused.value.message
