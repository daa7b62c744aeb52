"""API keys from the directory that a Secret is mounted on, read again when the Secret has changed."""

import logging
from pathlib import Path

from graphcron.facade.auth.callers import Keys, read_keys

logger = logging.getLogger(__name__)

CURRENT = "..data"
"""The symbolic link that kubelet turns to a new directory when a Secret changes, so that all files change at once."""

ATTEMPTS = 3
"""Reads of the directory, which kubelet may remove meanwhile."""


class InvalidKeys(ValueError):
    """There is no API key, or one is invalid; the message names the place and what to do."""


class KeyDirectory:
    """A directory with a file for each owner, as `callers.read_keys` reads them.

    At the start an invalid key is an error. Later it is logged, and only the invalid keys are refused: a key that was
    removed must not stay valid because another one was mistyped.
    """

    def __init__(self, path: Path) -> None:
        """Raises InvalidKeys."""
        self._path = path
        self._version, self._keys, faults = self._load()
        self._reported = ""
        if faults:
            raise InvalidKeys("; ".join(faults))

    def keys(self) -> Keys:
        """The keys that are valid now. Costs one system call when nothing has changed."""
        if self._version is None or self._current() != self._version:
            self._version, self._keys, faults = self._load()
            self._report("; ".join(faults))
        return self._keys

    def _report(self, faults: str) -> None:
        if not faults:
            logger.info("the API keys were read anew")
        elif faults != self._reported:
            logger.error("the API keys were read anew, and those that are mistaken let nobody in: %s", faults)
        self._reported = faults

    def _current(self) -> object:
        """A value that differs when the files do."""
        try:
            return (self._path / CURRENT).readlink()
        except OSError:
            # No Secret but an ordinary directory, as on a developer's machine.
            try:
                found = [(file.name, file.stat()) for file in self._path.iterdir()]
            except OSError:
                return None
            return sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found)

    def _load(self) -> tuple[object, Keys, list[str]]:
        problem = ""
        for _ in range(ATTEMPTS):
            mark = self._current()
            try:
                current = self._path / mark if isinstance(mark, Path) else self._path
                files = [file for file in current.iterdir() if not file.name.startswith("..") and file.is_file()]
                return mark, *read_keys({file.name: file.read_bytes() for file in files})
            except OSError as error:
                problem = error.strerror or type(error).__name__
        return None, Keys(), [f"they cannot be read ({problem}): is the Secret mounted there?"]
