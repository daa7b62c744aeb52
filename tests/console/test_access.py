"""What keeps other pages from acting for a viewer."""

import pytest

from graphcron.console.access import is_own_request, same


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://agents.example:81"}, True),
        ({"Origin": "http://agents.example"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
def test_a_browser_says_whose_page_sent_a_request(headers: dict[str, str], own: bool) -> None:
    assert is_own_request(headers, "agents.example:81") is own


def test_an_empty_secret_equals_nothing() -> None:
    assert same("a", "a")
    assert not same("a", "b")
    assert not same("", "")
