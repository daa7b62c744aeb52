"""Webhooks and ports, at the operator and the REST API; test_doors.py has that the CRD says the same."""

import pytest
from pydantic import TypeAdapter, ValidationError

from graphcron.resource.urls import WEBHOOK_LIMIT, ServerUrl, checked_webhook

PORTS = {1: True, 9: True, 9999: True, 10000: True, 59999: True, 64999: True, 65499: True, 65529: True, 65535: True}
PORTS |= {0: False, 65536: False, 65540: False, 65600: False, 66000: False, 70000: False, 100000: False}


@pytest.mark.parametrize(("port", "there_is"), PORTS.items())
def test_ports_end_at_65535(port: int, there_is: bool) -> None:
    """A regular expression that counts is easily wrong at its seams."""
    assert takes_webhook(f"https://a.example:{port}") is there_is
    assert takes_server(f"https://a.example:{port}") is there_is


def takes_webhook(text: str) -> bool:
    try:
        return checked_webhook(text) == text
    except ValueError:
        return False


def takes_server(text: str) -> bool:
    try:
        return bool(TypeAdapter(ServerUrl).validate_python(text))
    except ValidationError:
        return False


def test_a_webhook_has_at_most_so_many_characters() -> None:
    longest = "https://a.example/".ljust(WEBHOOK_LIMIT, "x")
    assert takes_webhook(longest)
    assert not takes_webhook(longest + "x")


@pytest.mark.parametrize("url", ["https://ada:pw@a.example", "https://a.example?x=y", "https://a.example#x"])
def test_a_webhook_may_have_what_an_agent_server_may_not(url: str) -> None:
    """Its credentials come from a Secret."""
    assert takes_webhook(url)
    assert not takes_server(url)


@pytest.mark.parametrize("character", ["\n", "\x00", "\x7f", "\\"])
def test_no_host_has_a_character_that_readers_take_differently(character: str) -> None:
    assert not takes_webhook(f"https://a.example{character}@10.0.0.1/")
