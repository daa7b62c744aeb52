"""The page of the timeline, as a browser gets it."""

from tests.support.console_server import browsing
from tests.support.console_source import MemorySource, cron, firing


async def test_it_shows_what_comes_and_what_was() -> None:
    history = [firing(30), firing(90, "Failed")]
    async with browsing(MemorySource(cron("a", history=history, schedule="0 15 * * *"))) as browser:
        page = await browser.page("/timeline")
    assert "1 firing of 1 cron · at most 1 in one minute" in page.words()
    (cell,) = page.all("div[@class='heat']/div/svg/rect")
    assert (cell.get("x"), cell.get("class")) == ("0", "heat1")
    assert "1 failed" in page.words()
    assert "1 succeeded" in page.words()
    assert {bar.get("class") for bar in page.all("div[@class='past']/svg/rect")} == {"bar-Succeeded", "bar-Failed"}


async def test_a_crowded_minute_is_told_with_what_would_spread_it() -> None:
    crowd = [cron(f"cron-{number}", schedule="0 15 * * *") for number in range(100)]
    async with browsing(MemorySource(*crowd)) as browser:
        page = await browser.page("/timeline")
    row = page.words("table[@class='hot']/tbody/tr")
    for words in ("in 3h", "100", "11s", "0 15 * * *", "→ H 15 * * *"):
        assert words in row
    assert page.one("table[@class='hot']/tbody/tr//a").get("href") == "/console/?text=0+15+*+*+*"


async def test_nothing_there_yet_and_nothing_that_fires_are_told() -> None:
    async with browsing(MemorySource()) as browser:
        assert "There is no cron yet." in (await browser.page("/timeline")).words()
    idle = cron("idle", status={"nextRunTimes": []})
    async with browsing(MemorySource(idle)) as browser:
        words = (await browser.page("/timeline")).words()
    assert "Nothing fires in the next 24 hours." in words
    assert "Nothing fired in the last 24 hours." in words


async def test_htmx_gets_the_charts_alone() -> None:
    async with browsing(MemorySource(cron("a"))) as browser:
        _, text, _ = await browser.answer("/timeline", headers={"HX-Request": "true"})
    assert text.lstrip().startswith('<div id="charts"')
