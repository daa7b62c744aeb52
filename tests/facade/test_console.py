"""The console of the facade: who may enter it, and what of the facade holds for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from graphcron.environ import InvalidSettings
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import Caller, Keys, Mode, read_keys
from graphcron.facade.console import make_facade_console
from graphcron.facade.errors import RestError
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.store import StoreUnavailable
from tests.support.api_keys import ADA, BOB, STRANGER, known
from tests.support.console_source import NOW, cron
from tests.support.facade_console import WatchedMemoryStore, browser, csrf, facade_console, sign_in
from tests.support.facade_server import SETTINGS, serving
from tests.support.store_memory import MemoryStore


@pytest.fixture
async def store() -> WatchedMemoryStore:
    store = WatchedMemoryStore()
    for name, owner in (("of-ada", "ada"), ("of-bob", "bob")):
        labels = {"labels": {"graphcron.dev/owner": owner}, "creationTimestamp": "2020-01-01T00:00:00Z"}
        store.manifests[name] = cron(name, metadata=labels)
    return store


@pytest.fixture
async def url(store: WatchedMemoryStore, tmp_path: Path) -> AsyncIterator[str]:
    async with facade_console(store, tmp_path) as url:
        yield url


async def test_a_key_that_is_typed_once_shows_the_crons_of_its_owner_alone(url: str) -> None:
    async with browser(url) as ada:
        assert "sign-in" in (await ada.page("/")).text
        status, _, headers = await sign_in(ada, ADA)
        assert (status, headers["Location"]) == (303, "/console/")
        assert (await ada.page("/")).texts("tbody/tr/th/a") == ["of-ada"]
        assert (await ada.page("/crons/team/of-ada")).words("span[@class='viewer']") == "ada"


async def test_the_costs_are_those_of_the_owners_crons(url: str) -> None:
    for key, own, other in ((ADA, "of-ada", "of-bob"), (BOB, "of-bob", "of-ada")):
        async with browser(url) as viewer:
            await sign_in(viewer, key)
            page = await viewer.page("/costs")
            assert "1 cron together" in page.words()
            assert own in page.text, "nobody has changed it for 90 days"
            assert other not in page.text


async def test_the_cron_of_another_owner_does_not_exist(url: str, store: WatchedMemoryStore) -> None:
    async with browser(url) as ada:
        await sign_in(ada, ADA)
        token = csrf(await ada.page("/crons/team/of-ada"))
        for path in ("/crons/team/of-bob", "/crons/team/of-bob/delete", "/crons/other/of-ada"):
            assert "such GraphCron" in (await ada.page(path, 404)).words()
        for doing in ("run", "pause", "resume", "delete"):
            assert (await ada.answer(f"/crons/team/of-bob/{doing}", {"csrf": token}))[0] == 404
    assert store.manifests["of-bob"]["spec"].get("enabled") is None


@pytest.mark.parametrize("wrong", [STRANGER, "", "ä", "k" * 3000])
async def test_a_wrong_key_lets_nobody_in_and_is_not_repeated(url: str, wrong: str) -> None:
    async with browser(url) as stranger:
        status, text, _ = await sign_in(stranger, wrong)
        assert status == 401
        assert 'role="alert"' in text
        assert not wrong or wrong not in text
        assert "sign-in" in (await stranger.page("/")).text


async def test_the_cookie_is_for_this_browser_alone_and_does_not_show_the_key(url: str) -> None:
    async with browser(url) as ada:
        _, _, headers = await sign_in(ada, ADA)
    cookie = headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age=28800"):
        assert part in cookie
    assert ADA not in cookie
    assert "Secure" not in cookie


async def test_behind_tls_the_cookie_is_secure(url: str) -> None:
    async with browser(url) as ada:
        answer = await ada.answer("/sign-in", headers={"X-Forwarded-Proto": "https, http"})
    assert "Secure" in answer[2]["Set-Cookie"]


async def test_a_key_that_is_removed_ends_its_sessions(store: WatchedMemoryStore, tmp_path: Path) -> None:
    keys: list[Keys] = [known()]
    async with facade_console(store, tmp_path, auth={"keys": lambda: keys[0]}) as url, browser(url) as ada:
        await sign_in(ada, ADA)
        assert (await ada.page("/")).all("tbody/tr")
        keys[0] = read_keys({"bob": BOB.encode()})[0]
        assert "sign-in" in (await ada.page("/")).text
        assert "not known" in (await ada.page("/sign-in")).words()
        status, _, headers = await ada.answer("/", headers={"HX-Request": "true"})
        assert (status, headers["HX-Redirect"]) == (204, "/console/sign-in")


async def test_replicas_share_sessions_and_a_new_first_key_ends_none(store: WatchedMemoryStore, tmp_path: Path) -> None:
    async with facade_console(store, tmp_path) as one, facade_console(store, tmp_path) as two, browser(one) as ada:
        await sign_in(ada, ADA)
        ada.url = f"{two}/console"  # cookies are those of a host
        assert (await ada.page("/")).all("tbody/tr")
        (tmp_path / "key").write_text("n" * 32 + "\n" + "k" * 32 + "\n")
        assert (await ada.page("/")).all("tbody/tr")
        (tmp_path / "key").write_text("short")  # a mistake: those before it stay
        assert (await ada.page("/")).all("tbody/tr")
        (tmp_path / "key").write_text("n" * 32)
        assert "sign-in" in (await ada.page("/")).text


async def test_signing_out_takes_a_form_of_ours(url: str) -> None:
    async with browser(url) as ada:
        await sign_in(ada, ADA)
        assert (await ada.answer("/sign-out", {"csrf": "wrong"}))[0] == 403
        token = csrf(await ada.page("/crons/team/of-ada"))
        assert (await ada.answer("/sign-out", {"csrf": token}))[0] == 303
        assert "sign-in" in (await ada.page("/")).text


async def test_nobody_signs_a_viewer_in_from_another_page(url: str) -> None:
    async with browser(url) as ada:
        status, text, headers = await ada.answer("/sign-in", {"csrf": "guessed", "credential": ADA})
        assert (status, "too old" in text) == (403, True)
        assert "graphcron-console=" not in headers.get("Set-Cookie", "")


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/console/crons/team/of-ada", "/console/crons/team/of-ada"),
        ("https://evil.example/console/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/\\evil", "/console/"),
        ("/runs/crons", "/console/"),
    ],
)
async def test_signing_in_leads_to_the_page_that_was_wanted_and_never_elsewhere(
    url: str, wanted: str, led: str
) -> None:
    async with browser(url) as ada:
        address = str(URL("/sign-in").with_query({"next": wanted}))
        _, _, headers = await sign_in(ada, ADA, address)
        assert headers["Location"] == led
        assert (await ada.answer(address))[2]["Location"] == led, "who is signed in already is led on"


async def test_a_link_of_another_site_asks_nobody_to_sign_in_again(url: str) -> None:
    """The browser sends no cookie with it; the page that it gets leads to ours, and with that one it does."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/console/crons/team/of-ada") as answer:
        text = await answer.text()
        assert "url=/console/sign-in?next=/console/crons/team/of-ada" in text
        assert "Set-Cookie" not in answer.headers


async def test_in_mode_open_everybody_enters_and_changes_need_a_page_of_ours(tmp_path: Path) -> None:
    store = WatchedMemoryStore()
    store.manifests["a"] = cron("a")
    async with facade_console(store, tmp_path, Mode.OPEN, auth={}) as url, browser(url) as anybody:
        assert (await anybody.answer("/sign-in"))[0] == 303
        page = await anybody.page("/")
        assert page.texts("tbody/tr/th/a") == ["a"]
        assert page.all("form[@action='/console/sign-out']") == []
        assert (await anybody.answer("/crons/team/a/pause", {"csrf": ""}))[0] == 403
        token = csrf(await anybody.page("/crons/team/a"))
        assert (await anybody.answer("/crons/team/a/pause", {"csrf": token}))[0] == 303
    assert store.manifests["a"]["spec"]["enabled"] is False


async def test_without_a_mode_nobody_enters(tmp_path: Path) -> None:
    async with facade_console(WatchedMemoryStore(), tmp_path, Mode.CLOSED, auth={}) as url, browser(url) as anybody:
        status, text, _ = await sign_in(anybody, ADA)
        assert (status, "facade.auth.mode" in text) == (401, True)


async def test_in_mode_token_review_kubernetes_knows_the_token(store: WatchedMemoryStore, tmp_path: Path) -> None:
    async def review(given: Any) -> Caller:
        match given:
            case ["Bearer good"]:
                return Caller("ada")
            case ["Bearer away"]:
                raise StoreUnavailable("Kubernetes does not say whose token this is")
        raise RestError(401, "Kubernetes does not know this bearer token")

    auth = {"token_review": review}
    async with facade_console(store, tmp_path, Mode.TOKEN_REVIEW, auth=auth) as url, browser(url) as ada:
        assert (await sign_in(ada, "bad"))[0] == 401
        assert (await sign_in(ada, "away"))[0] == 503
        assert (await sign_in(ada, "good"))[0] == 303
        assert (await ada.page("/")).texts("tbody/tr/th/a") == ["of-ada"]


async def test_the_rest_of_the_facade_is_as_it_was(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/runs/crons/search", json={}) as answer:
            assert answer.status == 401
        async with session.get(f"{url}/console/static/console.css", headers={"Origin": "https://a.example"}) as answer:
            assert answer.status == 200
            assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("content", [None, "", "short\n"])
def test_a_session_key_that_is_missing_or_weak_is_named(content: str | None, tmp_path: Path) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    settings = SETTINGS.model_copy(update={"console": True, "console_key_file": str(key)})
    with pytest.raises(InvalidSettings, match="session key of the console"):
        make_facade_console(settings, WatchedMemoryStore(), Authentication(Mode.OPEN), lambda: NOW)


def test_settings_that_do_not_fit_together_are_named() -> None:
    needed = {"GRAPHCRON_NAMESPACE": "team"}
    with pytest.raises(InvalidSettings, match="GRAPHCRON_CONSOLE_KEY_FILE is not set"):
        FacadeSettings.read(needed | {"GRAPHCRON_CONSOLE": "true"})
    with pytest.raises(InvalidSettings, match="GRAPHCRON_TRACE_URL: it must be an http"):
        FacadeSettings.read(needed | {"GRAPHCRON_TRACE_URL": "javascript:{run_id}"})


async def test_where_it_is_not_served_its_path_is_the_agent_servers() -> None:
    async with serving(MemoryStore()) as url, aiohttp.ClientSession() as session, session.get(f"{url}/console/") as no:
        assert no.status == 404
