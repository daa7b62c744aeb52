"""The switches by which an administrator pauses all GraphCrons of a namespace, or of the installation. Pure.

No spec is touched, so that each resumes as it was. The annotation of the Namespace is for those who may change that:
users of a namespace usually may not.
"""

from typing import NamedTuple

from graphcron.kube.resources import Manifest
from graphcron.resource.fields import clipped
from graphcron.resource.identity import PAUSED_ANNOTATION

REASON_LIMIT = 512
"""Characters of a reason that are shown."""


class Pause(NamedTuple):
    """Which switch pauses, as the subject of a sentence, and why, in an administrator's words."""

    switch: str
    reason: str

    @property
    def sentence(self) -> str:
        because = f": {clipped(self.reason, REASON_LIMIT)}" if self.reason else ""
        return f"Paused by an administrator{because}. {self.switch} pauses it, and without that it resumes as it was."


def reason_of(namespace: Manifest) -> str | None:
    """Why a Namespace is paused, empty for no reason given; None when it is not."""
    text = (namespace["metadata"].get("annotations") or {}).get(PAUSED_ANNOTATION)
    return None if text is None or text.strip().lower() == "false" else str(text).strip()


class Pauses:
    """The switches as they are."""

    def __init__(self, installation: str | None = None) -> None:
        self._installation = installation
        self._namespaces: dict[str, tuple[str, str]] = {}
        """Uid and reason of each that is paused, by name."""

    def put(self, namespace: Manifest) -> bool:
        """Returns whether that changes what holds for it."""
        name, before = namespace["metadata"]["name"], self.of(namespace["metadata"]["name"])
        reason = reason_of(namespace)
        if reason is None:
            self._namespaces.pop(name, None)
        else:
            self._namespaces[name] = (namespace["metadata"]["uid"], reason)
        return self.of(name) != before

    def keep(self, uids: set[str]) -> None:
        """All others are deleted, with what was in them."""
        self._namespaces = {name: kept for name, kept in self._namespaces.items() if kept[0] in uids}

    def of(self, namespace: str) -> Pause | None:
        """What pauses the GraphCrons of a namespace, None when nothing does."""
        if self._installation:
            return Pause("The value 'paused' of the Helm chart", self._installation)
        if (found := self._namespaces.get(namespace)) is None:
            return None
        return Pause(f"The annotation {PAUSED_ANNOTATION} of namespace {namespace}", found[1])
