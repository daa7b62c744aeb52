"""Tells the person waiting what is going on: one line that updates on a terminal, few lines in a log."""

import sys
import time
from types import TracebackType

LOG_EVERY = 10.0
"""Seconds between two progress lines when the output is a file: CI logs stay readable."""


def say(text: str) -> None:
    """Print one line at once, also through a pipe."""
    print(text, flush=True)


class Progress:
    """A step that takes a while; `show` may be called as often as is convenient."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._shown = time.monotonic()
        self._terminal = sys.stdout.isatty()

    def __enter__(self) -> "Progress":
        if not self._terminal:
            say(f"{self._title} …")
        self._shown = time.monotonic()
        return self

    def show(self, detail: str) -> None:
        """Show how far it is, unless that was shown a moment ago."""
        now = time.monotonic()
        if now - self._shown < (0.1 if self._terminal else LOG_EVERY):
            return
        self._shown = now
        line = f"{self._title}: {detail} ({now - self._started:.0f} s)"
        if self._terminal:
            sys.stdout.write(f"\r\033[K{line}")
            sys.stdout.flush()
        else:
            say(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            sys.stdout.write("\r\033[K")
        outcome = "done" if kind is None else "stopped"
        say(f"{self._title}: {outcome} after {time.monotonic() - self._started:.1f} s")
