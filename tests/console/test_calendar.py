"""The page of a calendar, as a browser gets it."""

from tests.support.console_server import browsing
from tests.support.console_source import MemorySource, cron, firing


async def test_a_month_has_outcomes_and_times_to_come_with_links_to_the_firings() -> None:
    daily = cron("daily", history=[firing(180, "Failed")], schedule="0 9 * * *", timezone="Europe/Berlin")
    async with browsing(MemorySource(daily)) as browser:
        page = await browser.page("/crons/team/daily/calendar")
    assert "November 2026" in page.words()
    assert "At 09:00 · times in Europe/Berlin" in page.words()
    today = page.one("td[@aria-current='date']")
    assert " ".join(" ".join(today.itertext()).split()) == "Fri 27 10:00 failed"
    assert page.one("td[@aria-current='date']//a").get("href", "").startswith("/console/crons/team/daily#firing-")
    assert page.texts("li[@class='coming']") == ["09:00"] * 3


async def test_other_months_are_a_link_away() -> None:
    async with browsing(MemorySource(cron("busy", schedule="*/5 * * * *"))) as browser:
        page = await browser.page("/crons/team/busy/calendar")
        assert page.one("a[@rel='prev']").get("href") == "/console/crons/team/busy/calendar?month=2026-10"
        after = await browser.page("/crons/team/busy/calendar?month=2026-12")
    assert after.texts("li[@class='coming']") == ["288 from 00:00 to 23:55"] * 31


async def test_what_does_not_fire_says_why() -> None:
    async with browsing(MemorySource(cron("paused", status={"nextRunTimes": []}))) as browser:
        page = await browser.page("/crons/team/paused/calendar")
    assert "It does not fire now" in page.words()


async def test_of_an_unknown_cron_there_is_none() -> None:
    async with browsing(MemorySource()) as browser:
        await browser.page("/crons/team/nobodys/calendar", status=404)
