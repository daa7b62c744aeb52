"""The page of one GraphCron."""

from tests.support.console_server import browsing
from tests.support.console_source import MemorySource, cron


async def test_it_has_the_name_for_people() -> None:
    named = cron("a", metadata={"annotations": {"graphcron.dev/display-name": "Night report"}})
    async with browsing(MemorySource(named)) as browser:
        assert (await browser.page("/crons/team/a")).words("h1") == "Night report"
