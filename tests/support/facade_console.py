"""The facade with its console on a real socket, in front of a store in memory."""

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from graphcron.facade.app import make_app
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import Mode
from graphcron.facade.console import make_facade_console
from graphcron.kube.resources import Manifest
from tests.support.api_keys import known
from tests.support.console_server import Browser, Html
from tests.support.facade_server import SETTINGS, listening
from tests.support.store_memory import MemoryStore


class WatchedMemoryStore(MemoryStore):
    """Of which nobody hears."""

    def __init__(self) -> None:
        super().__init__()
        self._versions = itertools.count(2)  # 1 is that of `console_source.cron`
        self.silent: float | None = None

    def _found(self, cron_id: str) -> Manifest:
        """As the apiserver, by name first."""
        return self.manifests.get(cron_id) or super()._found(cron_id)

    async def newest(self) -> list[Manifest]:
        return list(self.manifests.values())

    async def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        yield frozenset()

    def silent_seconds(self) -> float | None:
        return self.silent

    async def events(self, name: str) -> list[Manifest]:
        self._check()
        return []


@asynccontextmanager
async def facade_console(
    store: WatchedMemoryStore,
    folder: Path,
    mode: Mode = Mode.API_KEYS,
    auth: dict[str, Any] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    **settings: Any,
) -> AsyncIterator[str]:
    """The URL of the facade. The session keys are in the folder's file `key`."""
    key = folder / "key"
    if not key.exists():
        key.write_text("k" * 32)
    given = SETTINGS.model_copy(update=settings | {"auth_mode": mode, "console": True, "console_key_file": str(key)})
    authentication = Authentication(mode, **(auth or {"keys": known}))
    console = make_facade_console(given, store, authentication, clock)
    app = make_app(given, store, authentication, None, clock, console=console)
    async with listening(app) as url:
        yield url


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Browser]:
    """One that keeps cookies, at the console of a facade."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(f"{url}/console", session)


def csrf(page: Html) -> str:
    """The token of a page's forms."""
    return page.one("input[@name='csrf']").get("value") or ""


async def sign_in(browser: Browser, credential: str, path: str = "/sign-in") -> tuple[int, str, Any]:
    """The answer to the form."""
    token = csrf(await browser.page("/sign-in"))
    return await browser.answer(path, {"csrf": token, "credential": credential})
