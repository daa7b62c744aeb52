"""A real browser without a window, and pages in it that may have no fault."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tools import browser

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": DESKTOP},
    "dark": {"color_scheme": "dark", "viewport": DESKTOP},
    "phone": {"color_scheme": "light", "viewport": PHONE, "has_touch": True, "is_mobile": True},
}
"""As viewers see pages, by settings of `visit`."""
PATIENCE_MILLISECONDS = 10_000
"""What a step waits for its element at most."""

REPLACED = r"^console error: htmx:(sendAbort|afterRequest), "
"""What htmx says of a request that the next one replaced, or that a new page ended. One that fails says more."""


@dataclass
class Visit:
    """A page and what went wrong on it."""

    page: Page
    origin: str
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: [REPLACED])

    def expect(self, pattern: str) -> None:
        """A trouble that the test means to bring about."""
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        return [trouble for trouble in self.troubles if not any(re.search(one, trouble) for one in self.expected)]

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def check_accessibility(self) -> None:
        """By axe-core, all its rules but those that are marked as experimental."""
        violations = Axe().run(self.page).response["violations"]
        assert not violations, "\n".join(map(_told, violations))


def _told(violation: dict[str, Any]) -> str:
    nodes = [node["html"][:200] + "\n    " + node["failureSummary"] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']}\n  " + "\n  ".join(nodes)


@contextmanager
def chromium(environment: Mapping[str, str | float | bool] | None = None) -> Iterator[Browser]:
    """A browser with a profile of its own, which is gone afterwards; `environment` is added to that of this process."""
    program = browser.find()
    assert program, "there is no Chromium: make browser"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=list(browser.FLAGS), env={**os.environ, **(environment or {})}
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def visit(browser: Browser, origin: str, **settings: Any) -> Iterator[Visit]:
    """A page without history and cookies; `settings` are those of Playwright's contexts. Fails afterwards when
    something went wrong on it that the test did not expect: an error on the browser's console, a script that failed, or
    a request to another host."""
    # What is half transparent for a moment is no fault of its colours.
    settings = {
        "reduced_motion": "reduce",
        "viewport": DESKTOP,
        "timezone_id": "Europe/Berlin",
        "locale": "en-GB",
    } | settings
    with browser.new_context(**settings) as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        seen = Visit(context.new_page(), origin)
        own = urlsplit(origin).netloc

        def requested(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob", "about") and parts.netloc != own:
                seen.troubles.append(f"request to another host: {request.url}")

        context.on("request", requested)
        context.on("weberror", lambda error: seen.troubles.append(f"script failed: {error.error}"))
        context.on(
            "console",
            lambda message: (
                seen.troubles.append(f"console {message.type}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        yield seen
    assert not seen.unexpected(), "\n".join(seen.unexpected())
