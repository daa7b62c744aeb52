"""The overview, as a browser gets it."""

from tests.support.console_server import browsing
from tests.support.console_source import MemorySource, condition, cron, firing


async def test_what_needs_attention_comes_first() -> None:
    stalled = cron("stalled", condition("Ready", "False", "InvalidSchedule", "there is no minute 61"))
    failed = cron("failed", condition("Ready"), condition("LastRunSucceeded", "False", "RunFailed"))
    paused = cron("a-pause", condition("Ready", reason="Paused"), condition("Suspended", reason="Paused"))
    async with browsing(MemorySource(paused, cron("fine"), failed, stalled)) as browser:
        page = await browser.page("/")
    assert page.texts("tbody/tr/th/a") == ["stalled", "failed", "fine", "a-pause"]
    assert "there is no minute 61" in page.words("tbody/tr")
    assert "2 need attention" in page.words()


async def test_a_row_says_what_a_cron_does_did_and_will_do() -> None:
    history = [firing(30), firing(90, "Failed", seconds=10, message="no model"), firing(150)]
    async with browsing(MemorySource(cron("daily", history=history))) as browser:
        page = await browser.page("/")
    row = page.words("tbody/tr")
    for words in ("daily", "team", "agent", "Scheduled", "30 * * * *", "At 30 minutes past the hour", "in 30m", "66 %"):
        assert words in row
    assert [cell.get("class") for cell in page.all("span[@class='strip']/a")] == [
        "cell Succeeded", "cell Failed", "cell Succeeded",
    ]  # fmt: skip
    assert row.endswith("42s")
