"""Routes, security headers and pages of errors."""

import pytest

from graphcron.console.source import Away, Refused, SourceError
from tests.support.console_server import browsing
from tests.support.console_source import EverybodysAccess, MemorySource, cron

PAGES = ["/", "/crons/team/a", "/crons/team/a/delete", "/crons/team/nobody", "/nowhere", "/static/console.css"]


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_loads_anything_from_elsewhere_nor_within_another_page(path: str) -> None:
    async with browsing(MemorySource(cron("a"))) as browser:
        _, text, headers = await browser.answer(path)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")
    assert "://" not in text.replace("http://www.w3.org", "")
    assert "<style" not in text
    assert " style=" not in text


async def test_a_page_has_one_heading_a_main_part_a_language_and_a_way_to_it() -> None:
    async with browsing(MemorySource(cron("a"))) as browser:
        for path in ("/", "/crons/team/a", "/crons/team/a/delete"):
            page = await browser.page(path)
            assert len(page.all("h1")) == 1
            assert page.one("main").get("id") == "main"
            assert page.one("html").get("lang") == "en"
            assert page.one("a[@class='skip']").get("href") == "#main"
            assert all(field.get("type") == "hidden" or _is_labelled(page, field) for field in page.all("input"))
            assert all(one.get("src", "").startswith("/console/static/") for one in page.all("script"))


def _is_labelled(page, field) -> bool:  # type: ignore[no-untyped-def]
    return any(field in list(label.iter()) for label in page.all("label"))


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf": "another"}, {}),
        ({"csrf": EverybodysAccess.CSRF}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": EverybodysAccess.CSRF}, {"Origin": "http://evil.example"}),
        ({}, {"X-CSRF-Token": "another"}),
    ],
)
async def test_a_change_that_another_page_sends_is_refused(fields: dict[str, str], headers: dict[str, str]) -> None:
    source = MemorySource(cron("a"))
    async with browsing(source) as browser:
        status, text, _ = await browser.answer("/crons/team/a/delete", fields, headers)
    assert (status, "not sent by a page of this console" in text) == (403, True)
    assert ("team", "a") in source.crons


async def test_htmx_brings_the_token_in_a_header() -> None:
    async with browsing(MemorySource(cron("a"))) as browser:
        page = await browser.page("/")
        assert EverybodysAccess.CSRF in (page.one("body").get("hx-headers") or "")
        status, _, _ = await browser.answer("/crons/team/a/run", {}, {"X-CSRF-Token": EverybodysAccess.CSRF})
    assert status == 303


@pytest.mark.parametrize(("error", "status"), [(Away("the cluster is away"), 503), (Refused("a quota"), 422)])
async def test_a_failure_is_a_page_that_says_why(error: SourceError, status: int) -> None:
    source = MemorySource()
    source.fail_with = error
    async with browsing(source) as browser:
        assert str(error) in (await browser.page("/", status)).words()


async def test_what_is_not_there_is_a_page_too() -> None:
    async with browsing(MemorySource()) as browser:
        assert "no GraphCron x" in (await browser.page("/crons/team/x", 404)).words()
        assert "address" in (await browser.page("/nowhere", 404)).words()
        assert (await browser.answer("/static/../app.py"))[0] == 404
        assert (await browser.answer("", None))[2]["Location"] == "/console/"
