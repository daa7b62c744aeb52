"""The crash marker: a file that says which GraphCron the operator works on, and a list of those on which it died.

What is written to a mapped file is there after any death of the process, and costs no system call. Both files are in a
volume of the pod, which its containers keep when they are started again.
"""

import contextlib
import mmap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from graphcron.operator.quarantine import Suspect, after_death, read_suspects, write_suspects

SIZE = 4096


class CrashMarker:
    """`folder` is None where nothing is remembered."""

    def __init__(self, folder: Path | None, now: datetime) -> None:
        """Raises OSError when the folder cannot be written."""
        self.suspects: dict[str, Suspect] = {}
        self._map: mmap.mmap | None = None
        if folder is None:
            return
        self._list = folder / "suspects.json"
        marker = folder / "working-on"
        with marker.open("ab") as file:
            file.truncate(SIZE)
        with marker.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        listed = self._list.read_text(errors="replace") if self._list.exists() else ""
        left = self._map[:].rstrip(b"\0").decode(errors="replace")
        self.suspects = after_death(read_suspects(listed), left, now)
        if left:
            self._save()
            self._map[:] = bytes(SIZE)

    def postponed(self, uid: str, generation: int, now: datetime) -> Suspect | None:
        """The suspect, if it is not to be touched yet."""
        suspect = self.suspects.get(uid)
        return suspect if suspect and suspect.generation == generation and now < suspect.until else None

    def number(self, now: datetime) -> int:
        """How many are not to be touched yet."""
        return sum(now < suspect.until for suspect in self.suspects.values())

    @contextlib.contextmanager
    def working_on(self, suspect: Suspect) -> Iterator[None]:
        """While nothing else is worked on: no `await` is to be in it."""
        if self._map is None:
            yield
            return
        text = suspect.mark.encode()
        self._map[: len(text)] = text
        try:
            yield
        finally:
            self._map[: len(text)] = bytes(len(text))

    def survived(self, uid: str) -> None:
        """It was reconciled, or is gone."""
        if self.suspects.pop(uid, None):
            self._save()

    def _save(self) -> None:
        new = self._list.with_suffix(".new")
        new.write_text(write_suspects(self.suspects.values()))
        new.replace(self._list)
