"""What pages say of money, in a real browser: accessible, and on a screen of any width."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import LOOKS, Visit, visit
from tests.support.console_server import console
from tests.support.console_source import NOW, EverybodysAccess, MemorySource, utc
from tests.support.served_in_thread import served
from tests.support.spending import ended, spender, spending

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPENT = spending((1, 10, "0.1"), (2, 20, "0.2"), (9, 1_234_567, "0.9", 1))
OLD = {"creationTimestamp": utc(NOW - 91 * DAY)}


@asynccontextmanager
async def _console() -> AsyncIterator[str]:
    dear = spender(
        "a-rather-long-name-of-a-cron-that-costs", SPENT, ended(HOUR, 10, "0.2", answer="All is <i>well</i>")
    )
    broken = spender("broken", SPENT, *[ended(HOUR, 5, "0.1", outcome="Failed")] * 3, budget={"cost": "0.60"})
    old = spender("old", SPENT, metadata=OLD, budget={"tokens": 5_000_000, "per": "Week"})
    async with console(EverybodysAccess(MemorySource(dear, broken, old))) as url:
        yield url


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(_console()) as url:
        yield url


@pytest.mark.parametrize("look", LOOKS)
def test_each_page_with_money_is_accessible_and_fits(browser: Browser, origin: str, look: str) -> None:
    with visit(browser, origin, **LOOKS[look]) as seen:
        for one in ("/", "/costs", "/crons/team/broken", "/crons/team/old/edit"):
            seen.go(one)
            expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
            seen.check_accessibility()
            width = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1], f"{one} is wider than the screen: {width}"


@pytest.fixture
def seen(browser: Browser, origin: str) -> Iterator[Visit]:
    with visit(browser, origin) as seen:
        yield seen


def test_from_the_list_to_the_costs_to_the_end_of_a_cron_that_nobody_needs(seen: Visit) -> None:
    seen.go("/")
    seen.page.get_by_role("link", name="Costs", exact=True).click()
    expect(seen.page.get_by_role("heading", name="Costs", exact=True)).to_be_visible()
    expect(seen.page.get_by_role("region", name="3 crons together")).to_contain_text("≥2.70 USD")
    expect(seen.page.get_by_role("meter", name="Budget of broken")).to_be_visible()
    seen.page.get_by_role("link", name="Delete old").click()
    expect(seen.page.get_by_role("heading", level=1)).to_contain_text("old")


def test_what_a_run_answered_is_text(seen: Visit) -> None:
    seen.go("/crons/team/a-rather-long-name-of-a-cron-that-costs")
    expect(seen.page.get_by_text("All is <i>well</i>")).to_be_visible()
    expect(seen.page.get_by_text("About 30 firings a month.")).to_be_visible()


def test_the_form_says_how_often_and_what_that_costs_while_one_types(seen: Visit) -> None:
    seen.go("/crons/team/broken/edit")
    meaning = seen.page.locator("#meaning")
    expect(meaning).to_contain_text("About 30 firings a month.")
    seen.page.get_by_label("Schedule").fill("0 * * * *")
    expect(meaning).to_contain_text(
        "About 730 firings a month. They will use about 3,650 tokens and cost about 73.05 USD"
    )
