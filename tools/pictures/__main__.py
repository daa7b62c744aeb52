"""Makes docs/images anew: `python -m tools.pictures`.

Clock, GraphCrons, fonts and size are always the same, so a picture changes when the console does.
"""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from cluster import packages
from cluster.errors import ClusterError
from cluster.paths import HERE
from tests.support.browser import PHONE, Visit, chromium, visit
from tests.support.console_server import console
from tests.support.console_source import NOW, EverybodysAccess, MemorySource
from tools import browser
from tools.pictures.crons import crons, events

FOLDER = HERE.root / "docs/images"
WIDE = {"width": 1240, "height": 800}
COLOURS = 128
"""Of a picture: a page has few, and a palette makes the file a third of its size."""

PICTURES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "console-overview": ("/", 860, {"color_scheme": "light"}),
    "console-overview-dark": ("/", 860, {"color_scheme": "dark"}),
    "console-cron": ("/crons/team/crm-sync", 1180, {"color_scheme": "light"}),
    "console-timeline": ("/timeline", 1330, {"color_scheme": "light"}),
    "console-timeline-dark": ("/timeline", 760, {"color_scheme": "dark"}),
    "console-calendar": ("/crons/team/daily-digest/calendar", 900, {"color_scheme": "light"}),
    "console-edit": ("/crons/team/daily-digest/edit", 900, {"color_scheme": "light"}),
    "console-phone": ("/", 844, {"color_scheme": "light", "viewport": PHONE, "is_mobile": True}),
}
"""Page, height and look of each."""


def main() -> int:
    """1 with a sentence when this machine lacks something."""
    if code := browser.main():
        return code
    try:
        _have_fonts()
    except ClusterError as error:
        print(f"The pictures need their fonts. {error}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    environment = {"FONTCONFIG_FILE": str(Path(__file__).parent / "fonts.conf")}
    with _serving() as origin, chromium(environment) as started:
        for name, (path, height, look) in PICTURES.items():
            settings = {"viewport": WIDE, "device_scale_factor": 1.5} | look
            with visit(started, origin, **settings) as seen:
                _prepare(seen, path)
                size = seen.page.viewport_size or WIDE
                seen.page.set_viewport_size({"width": size["width"], "height": height})
                file = FOLDER / f"{name}.png"
                file.write_bytes(_small(seen.page.screenshot()))
                print(f"{file.relative_to(HERE.root)}: {file.stat().st_size // 1024} KiB")
    return 0


def _prepare(seen: Visit, path: str) -> None:
    seen.go(path)
    if path.endswith("/edit"):
        seen.page.get_by_label("Schedule").fill("30 25 * * mon-fri")
        seen.page.locator("#error-schedule:not(:empty)").wait_for()
    seen.page.evaluate("document.fonts.ready")


def _small(picture: bytes) -> bytes:
    """The same picture with a palette."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    small = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def _have_fonts() -> None:
    listed = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True, check=False).stdout
    if any(name not in listed for name in ("Inter", "JetBrains Mono")):
        packages.install(["fonts-inter", "fonts-jetbrains-mono", "fontconfig"])


@contextmanager
def _serving() -> Iterator[str]:
    """The address of a console with the pictures' GraphCrons, in a thread."""
    ready, loop, addresses = threading.Event(), asyncio.new_event_loop(), list[str]()

    async def serve() -> None:
        source = MemorySource(*crons())
        source.known_events = events()
        trace = "https://smith.langchain.com/o/acme/projects/p/agents/r/{run_id}"
        async with console(EverybodysAccess(source), clock=lambda: NOW + timedelta(minutes=7), trace_url=trace) as url:
            addresses.append(url)
            ready.set()
            await stopped.wait()

    stopped = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


if __name__ == "__main__":
    sys.exit(main())
