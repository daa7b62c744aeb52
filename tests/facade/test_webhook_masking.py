"""Credentials in a webhook's URL: hidden, and nothing else changed."""

import signal

import pytest

from graphcron.facade.webhook import is_masked, mask_url

SECRET = {
    "https://ada:hunter2@example.com/x": "https://***@example.com/x",
    "https://hunter2@example.com": "https://***@example.com",
    "https://ada:hunter2@x@example.com/": "https://***@example.com/",
    "HTTPS://ada:hunter2@example.com:8443/a?b=c#d": "HTTPS://***@example.com:8443/a?b=c#d",
    "//ada:hunter2@example.com/x": "//***@example.com/x",
    "https://example.com/x?a=1&token=hunter2&b=2": "https://example.com/x?a=1&token=***&b=2",
    "https://example.com/x?API_KEY=hunter2#f": "https://example.com/x?API_KEY=***#f",
    "https://example.com/x?code=hunter2;sig=hunter2==": "https://example.com/x?code=***;sig=***",
}

PLAIN = [
    "https://example.com",
    "https://example.com/a@b?c=d@e#f@g",
    "https://example.com/token=1?page=2",
    "https://example.com/?key",
    "https://example.com/?key=",
    "not a url",
]


@pytest.mark.parametrize(("url", "shown"), SECRET.items())
def test_what_is_secret_is_hidden_and_known_to_be(url: str, shown: str) -> None:
    assert mask_url(url) == shown
    assert not is_masked(url)
    assert is_masked(shown)
    assert mask_url(shown) == shown


@pytest.mark.parametrize("url", PLAIN)
def test_all_else_stays(url: str) -> None:
    assert mask_url(url) == url
    assert not is_masked(url)


@pytest.mark.parametrize("url", ["http://h/" + "?key" * 16_000, "http://h/?" + "&auth;" * 10_000, "//" + "a" * 65_000])
def test_no_url_takes_long(url: str) -> None:
    """A search shows many. With nested repetition these take minutes, up to hours."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    try:
        assert mask_url(url) == url
        assert not is_masked(url)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
