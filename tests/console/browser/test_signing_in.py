"""The facade's console in a real browser: signing in with an API key, and what is another owner's."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.api_keys import ADA, STRANGER
from tests.support.browser import Visit, visit
from tests.support.console_source import cron
from tests.support.facade_console import WatchedMemoryStore, facade_console
from tests.support.served_in_thread import served


@pytest.fixture(scope="module")
def store() -> WatchedMemoryStore:
    store = WatchedMemoryStore()
    for name, owner in (("of-ada", "ada"), ("of-bob", "bob")):
        store.manifests[name] = cron(name, metadata={"labels": {"graphcron.dev/owner": owner}})
    return store


@pytest.fixture(scope="module")
def origin(store: WatchedMemoryStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(_facade(store, tmp_path_factory.mktemp("facade"))) as url:
        yield url


@asynccontextmanager
async def _facade(store: WatchedMemoryStore, folder: Path) -> AsyncIterator[str]:
    async with facade_console(store, folder) as url:
        yield f"{url}/console"


@pytest.fixture
def seen(browser: Browser, origin: str) -> Iterator[Visit]:
    with visit(browser, origin) as seen:
        yield seen


def sign_in(page: Page, key: str) -> None:
    page.locator("input[name=credential]").fill(key)
    page.keyboard.press("Enter")


def test_who_comes_by_a_link_signs_in_and_is_there_and_signs_out(seen: Visit) -> None:
    seen.go("/crons/team/of-ada")
    expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible()
    seen.check_accessibility()
    sign_in(seen.page, ADA)
    expect(seen.page.get_by_role("heading", name="of-ada")).to_be_visible()
    expect(seen.page.locator(".viewer")).to_have_text("ada")
    assert seen.page.evaluate("document.cookie") == "", "no script can read the session"
    assert ADA not in str(seen.page.context.storage_state()), "and it does not hold the key as it is"
    seen.page.get_by_role("button", name="Sign out").click()
    expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible()
    seen.go("/crons/team/of-ada")
    expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_key_is_told_and_lets_nobody_in(seen: Visit) -> None:
    seen.expect("status of 40[13]|status of 422")
    seen.go("/")
    sign_in(seen.page, STRANGER)
    expect(seen.page.get_by_role("alert")).to_be_visible()
    seen.check_accessibility()
    assert STRANGER not in seen.page.content()
    seen.go("/")
    expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_another_owners_cron_does_not_exist(seen: Visit, store: WatchedMemoryStore) -> None:
    seen.go("/")
    sign_in(seen.page, ADA)
    expect(seen.page.locator("table.crons tbody tr")).to_have_count(1)
    seen.expect("status of 404")
    for page in ("", "/edit", "/calendar", "/delete"):
        seen.go(f"/crons/team/of-bob{page}")
        expect(seen.page.get_by_role("heading")).to_contain_text("There is no such GraphCron")
        assert "bob" not in seen.page.inner_text("main").replace("of-bob", "")
    seen.check_accessibility()
    assert "of-bob" in store.manifests


def test_what_callers_of_the_facade_may_not_set_is_told_beside_the_field(seen: Visit) -> None:
    seen.expect("status of 422")
    seen.go("/crons/team/of-ada/edit")
    sign_in(seen.page, ADA)
    seen.page.locator("summary", has_text="More of the run").click()
    seen.page.get_by_label("Webhook").fill("https://hooks.example/x")
    seen.page.get_by_role("button", name="Save").click()
    expect(seen.page.locator("#error-webhook")).to_contain_text("set it with kubectl")
    expect(seen.page.get_by_label("Webhook")).to_have_value("https://hooks.example/x")
    seen.page.get_by_label("Webhook").fill("")
    seen.page.get_by_label("Schedule").fill("0 7 * * *")
    seen.page.get_by_role("button", name="Save").click()
    expect(seen.page.locator(".notice[role=status]")).to_contain_text("It was changed.")
