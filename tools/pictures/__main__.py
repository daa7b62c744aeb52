"""Makes docs/images anew: `python -m tools.pictures`.

Clock, GraphCrons, fonts and size are always the same, so a picture changes when the console does.
"""

import io
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from cluster import packages
from cluster.errors import ClusterError
from cluster.paths import HERE
from tests.support.browser import PHONE, Visit, chromium, visit
from tests.support.console_server import console
from tests.support.console_source import NOW, EverybodysAccess, MemorySource, utc
from tests.support.served_in_thread import served
from tools import browser
from tools.pictures.crons import crons, events

FOLDER = HERE.root / "docs/images"
WIDE = {"width": 1240, "height": 800}
TRACES = "https://smith.langchain.com/o/acme/projects/p/agents/r/{run_id}"
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
    with served(_pictured()) as origin, chromium(environment) as started:
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


@asynccontextmanager
async def _pictured() -> AsyncIterator[str]:
    """The address of a console with the pictures' GraphCrons."""
    source = MemorySource(*crons())
    source.known_events = events()
    source.known_cron_job = {"spec": {}, "status": {"lastScheduleTime": utc(NOW)}}
    access, later = EverybodysAccess(source), NOW + timedelta(minutes=7)
    async with console(access, clock=lambda: later, trace_url=TRACES) as url:
        yield url


if __name__ == "__main__":
    sys.exit(main())
