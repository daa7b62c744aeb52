"""What the demo shows: stages with their times, the commands as a user would type them, and what they print."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Failed(Exception):
    """A step that did not happen: one sentence, and where to look."""


class Screen:
    """Prints, and remembers how long each stage took."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """A part of the demo, timed."""
        print(f"\n━━ {title}", flush=True)
        started = time.monotonic()
        yield
        self.times.append((title, time.monotonic() - started))

    def command(self, *words: str) -> None:
        """What is about to be run, as a user would type it."""
        print(f"\n  $ {shlex.join(words)}", flush=True)

    def output(self, text: str) -> None:
        """What came of it."""
        for line in text.rstrip().splitlines():
            print(f"    {line}", flush=True)

    def say(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def summary(self) -> None:
        """How long each stage took."""
        width = max(len(title) for title, _ in self.times)
        print("\n━━ How long it took", flush=True)
        for title, seconds in self.times:
            print(f"  {title:<{width}}  {seconds:6.1f} s", flush=True)
        print(f"  {'in all':<{width}}  {sum(seconds for _, seconds in self.times):6.1f} s", flush=True)
