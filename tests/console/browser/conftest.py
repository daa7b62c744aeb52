"""One browser for the tests of a file; each test has a fresh profile in it.

Not for those of a process: as long as Playwright runs, no other event loop of the process does.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.console_stage import Stage
from tests.support.console_stage import stage as console_stage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with console_stage(browser, tmp_path_factory.mktemp("stage")) as found:
        yield found
