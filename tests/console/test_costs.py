"""The page of costs, and what other pages say of money, as a browser gets them."""

from datetime import timedelta
from typing import Any

from graphcron.views import costs
from tests.support.console_server import Html, browsing
from tests.support.console_source import NOW, MemorySource, utc
from tests.support.spending import ended, spender, spending

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPENT = spending((1, 10, "0.1"), (2, 20, "0.2"), (9, 90, "0.9"))


async def page_of(*crons: Any, path: str = "/costs") -> Html:
    async with browsing(MemorySource(*crons)) as browser:
        return await browser.page(path)


def rows(page: Html, section: str) -> list[str]:
    found = page.one(f"section[@aria-labelledby='{section}']")
    return [" ".join(" ".join(row.itertext()).split()) for row in found.findall(".//tbody/tr")]


async def test_it_shows_what_was_used_and_what_the_month_will_come_to() -> None:
    page = await page_of(spender("a", SPENT, ended(HOUR, 10, "0.2")), spender("b", SPENT, status={"nextRunTimes": []}))
    assert rows(page, "total") == [
        "Today 2 0.20 USD 20",
        "This week 4 0.40 USD 40",
        "This month 18 1.80 USD 180",
        "The month will come to 21 2.40 USD 210",
    ]
    assert "≥" not in page.words()
    assert rows(page, "dearest")[0] == "a team 9 0.90 USD 90 1.50 USD"


async def test_what_is_unknown_is_marked_and_without_prices_there_are_tokens_alone() -> None:
    page = await page_of(spender("a", spending(month=(9, 90, None, 2), currency=None)))
    assert rows(page, "total")[2:] == ["This month 9 ≥90", "The month will come to 12 ≥90"]
    assert "≥ is the least" in page.words()
    assert "No firing has a price yet." in page.words()
    assert page.texts("section[@aria-labelledby='total']//thead/tr/th") == ["When", "Firings", "Tokens"]


async def test_a_budget_that_only_failing_runs_used_up_is_seen() -> None:
    failed = [ended(HOUR, 5, "0.1", outcome="Failed")] * 3
    page = await page_of(spender("a", SPENT, *failed, budget={"cost": "0.60"}))
    assert rows(page, "budgets") == ["a team 150 % of 0.60 USD each month"]
    meter = page.one("section[@aria-labelledby='budgets']//meter")
    assert (meter.get("value"), meter.get("aria-label")) == ("100", "Budget of a")
    assert rows(page, "failing") == ["a team 9 0.90 USD 90"]
    assert "All recorded runs of 1 cron failed. Together they used this month: 0.90 USD, 90 tokens." in page.words()


async def test_a_budget_is_marked_by_its_own_window() -> None:
    unknown = spending(week=(2, 20), month=(9, 90, None, 2))
    weekly, monthly = (spender(per, unknown, budget={"tokens": 100, "per": per}) for per in ("Week", "Month"))
    assert rows(await page_of(weekly, monthly), "budgets") == [
        "Month team ≥90 % of 100 tokens each month",
        "Week team 20 % of 100 tokens each week",
    ]


async def test_a_cron_that_nobody_changed_leads_to_its_deletion() -> None:
    old = {"creationTimestamp": utc(NOW - 91 * DAY)}
    page = await page_of(spender("old", SPENT, metadata=old), spender("new", SPENT))
    assert rows(page, "unchanged")[0].startswith("old team 9 0.90 USD 90 91d ago")
    link = page.one("section[@aria-labelledby='unchanged']//td/a")
    assert (link.get("href"), link.get("aria-label")) == ("/console/crons/team/old/delete", "Delete old")


async def test_nothing_there_yet_is_told_and_htmx_gets_the_part_alone() -> None:
    assert "There is no cron yet." in (await page_of()).words()
    async with browsing(MemorySource(spender("a", SPENT))) as browser:
        _, text, _ = await browser.answer("/costs", headers={"HX-Request": "true"})
    assert text.lstrip().startswith('<div id="costs"')


async def test_ten_of_each_are_shown_and_the_others_counted() -> None:
    crons = [spender(f"c{number}", SPENT, budget={"tokens": 100}) for number in range(12)]
    page = await page_of(*crons)
    assert [len(rows(page, section)) for section in ("dearest", "budgets")] == [costs.SHOWN] * 2
    assert "These are the dearest of 12." in page.words()
    assert "These are the fullest of 12." in page.words()


async def test_the_page_of_a_cron_says_what_it_used_and_what_it_answered() -> None:
    history = [
        ended(HOUR, 1200, "0.0042", answer="<b>fine</b> & done"),
        ended(DAY, 7, usage={"totalTokens": 7, "source": "Stream", "complete": False}),
        ended(DAY),
        ended(DAY, outcome="Skipped"),
    ]
    page = await page_of(spender("a", SPENT, *history, budget={"tokens": 180}), path="/crons/team/a")
    used = page.texts("section[@aria-labelledby='did']//td[@data-label='Used']")
    assert used == ["1,200 tokens, 0.0042 USD", "≥7 tokens", "unknown", "-"]
    assert "Answer: <b>fine</b> & done" in page.words()
    assert not page.all("b"), "it is text"
    assert "About 30 firings a month. They will use at least 18,400 tokens" in page.words()
    assert rows(page, "costs-title")[2] == "This month 9 0.90 USD 90"
    assert "50 % of 180 tokens each month" in page.words()


async def test_of_an_operator_that_records_no_spending_nothing_is_said() -> None:
    page = await page_of(spender("a", None, ended(HOUR)), path="/crons/team/a")
    assert not page.all("td[@data-label='Used']")
    assert not page.all("section[@aria-labelledby='costs-title']")
    overview = await page_of(spender("a", None, ended(HOUR)), path="/")
    assert "This month" not in overview.words()


async def test_the_overview_has_a_column_of_the_month() -> None:
    page = await page_of(spender("a", SPENT), spender("b", spending(month=(9, 1234), currency=None)), path="/")
    assert page.texts("tbody/tr/td[@data-label='This month']") == ["0.90 USD", "1,234"]


async def test_the_form_says_what_it_will_cost_while_one_types() -> None:
    known = spender("a", SPENT, ended(HOUR, 10, "0.2"))
    async with browsing(MemorySource(known)) as browser:
        new = await browser.answer("/new/draft", {"csrf": "the-token-of-this-page", "schedule": "0 * * * *"})
        assert "About 730 firings a month. What they will cost is unknown" in new[1]
        edited = await browser.answer(
            "/crons/team/a/edit/draft", {"csrf": "the-token-of-this-page", "schedule": "0 * * * *"}
        )
        assert "They will use about 7,300 tokens and cost about 146.10 USD, by one firing." in edited[1]
        assert "About 30 firings a month." in (await browser.page("/crons/team/a/edit")).words()
