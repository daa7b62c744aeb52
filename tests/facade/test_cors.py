"""Which pages a browser lets call."""

import pytest

from graphcron.facade.cors import Origins, is_preflight

PAGE = {"Origin": "https://app.example"}
ASKING = PAGE | {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-api-key"}
LISTED = Origins(frozenset({"https://app.example"}))


def test_by_default_every_page_may_call_and_read_the_pagination() -> None:
    headers = Origins().headers(PAGE)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "x-pagination-next" in headers["Access-Control-Expose-Headers"]
    preflight = Origins().preflight(ASKING)
    assert preflight["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in preflight["Access-Control-Allow-Methods"]
    assert preflight["Access-Control-Allow-Headers"] == "x-api-key"


def test_a_listed_page_is_told_by_its_name_and_another_nothing() -> None:
    assert LISTED.headers(PAGE)["Access-Control-Allow-Origin"] == "https://app.example"
    for told in (LISTED.headers({"Origin": "https://evil.example"}), LISTED.preflight(ASKING | {"Origin": "null"})):
        assert not any(name.startswith("Access-Control") for name in told)
        assert "Origin" in told["Vary"], "a cache must not give one page's answer to another"


@pytest.mark.parametrize("origins", [Origins(), LISTED, Origins(frozenset())])
def test_cookies_are_never_asked_for(origins: Origins) -> None:
    for told in (origins.headers(PAGE), origins.preflight(ASKING)):
        assert "Access-Control-Allow-Credentials" not in told


def test_who_is_no_page_is_told_nothing() -> None:
    assert Origins().headers({}) == {}


def test_an_options_that_asks_for_no_method_is_no_preflight() -> None:
    assert is_preflight("OPTIONS", ASKING)
    assert not is_preflight("OPTIONS", PAGE)
    assert not is_preflight("POST", ASKING)
