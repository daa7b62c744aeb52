"""What tests of the console rely on: each fault of a page is found."""

import functools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.support.browser import visit

PAGES = {
    "/good": "<h1>Good</h1>",
    "/stranger": "<h1>Stranger</h1><img alt='' src='https://cdn.example.com/pixel.png'>",
    "/throws": "<h1>Throws</h1><script>undefinedFunction()</script>",
    "/logs": "<h1>Logs</h1><script>console.error('out of order')</script>",
    "/broken-csp": "<h1>Style</h1><p style='color: red'>against the policy</p>",
    "/pale": "<h1>Pale</h1><p>Nobody can read <span id=pale>this text</span></p>",
}
FRAME = (
    "<!doctype html><html lang=en><link rel=icon href=data:,><title>Page</title>"
    "<style>#pale {{ color: #ddd }}</style><main>{}</main></html>"
)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = PAGES.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        if self.path == "/broken-csp":
            self.send_header("Content-Security-Policy", "style-src 'self'")
        self.end_headers()
        self.wfile.write(FRAME.format(found or "<h1>Nothing</h1>").encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_without_fault_passes(browser: Browser, origin: str) -> None:
    with visit(browser, origin) as seen:
        seen.go("/good")
        seen.check_accessibility()


def look_at(browser: Browser, url: str) -> None:
    with visit(browser, url) as seen:
        seen.go("")


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("/stranger", "request to another host: https://cdn.example.com/pixel.png"),
        ("/throws", "script failed: .*undefinedFunction is not defined"),
        ("/logs", "console error: out of order"),
        ("/broken-csp", "console error: .*Content Security Policy"),
        ("/nowhere", "console error: .*404"),
    ],
)
def test_a_fault_of_a_page_fails_the_test(browser: Browser, origin: str, path: str, trouble: str) -> None:
    with pytest.raises(AssertionError, match=trouble):
        look_at(browser, origin + path)


def test_a_text_that_is_hard_to_read_fails_the_check_of_accessibility(browser: Browser, origin: str) -> None:
    with visit(browser, origin) as seen:
        seen.go("/pale")
        with pytest.raises(AssertionError, match="color-contrast"):
            seen.check_accessibility()
