"""Reads API keys from the directory that a Secret is mounted on, anew whenever the Secret has changed."""

import logging
from pathlib import Path

from graphcron.facade.auth.callers import Keys, read_keys

logger = logging.getLogger(__name__)

CURRENT = "..data"
"""The symbolic link that kubelet turns to a new directory when a Secret changes, so that all files change at once."""

ATTEMPTS = 3
"""Of reading while kubelet removes the directory that was read."""


class InvalidKeys(ValueError):
    """There is no key to let anybody in by, or a mistake among them; the message says where and what to do."""


class KeyDirectory:
    """A directory with a file for each owner, as `callers.read_keys` reads them.

    At the start a mistake is an error. Later it is a line in the log, and the mistaken keys let nobody in while the
    rest do: a key that was removed must not live on because another one was mistyped.
    """

    def __init__(self, path: Path) -> None:
        """Raises InvalidKeys."""
        self._path = path
        self._seen, self._keys, faults = self._load()
        self._told = ""
        if faults:
            raise InvalidKeys("; ".join(faults))

    def keys(self) -> Keys:
        """Those that count now. Costs one system call when nothing has changed."""
        if self._seen is None or self._mark() != self._seen:
            self._seen, self._keys, faults = self._load()
            self._tell("; ".join(faults))
        return self._keys

    def _tell(self, faults: str) -> None:
        if not faults:
            logger.info("the API keys were read anew")
        elif faults != self._told:
            logger.error("the API keys were read anew, and those that are mistaken let nobody in: %s", faults)
        self._told = faults

    def _mark(self) -> object:
        """Something that differs once the files do."""
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
            mark = self._mark()
            try:
                current = self._path / mark if isinstance(mark, Path) else self._path
                files = [file for file in current.iterdir() if not file.name.startswith("..") and file.is_file()]
                return mark, *read_keys({file.name: file.read_bytes() for file in files})
            except OSError as error:
                problem = error.strerror or type(error).__name__
        return None, Keys(), [f"they cannot be read ({problem}): is the Secret mounted there?"]
