"""kstatus, the rules by which Flux, Config Sync and kpt tell whether an object works; their own library."""

import json
from collections.abc import Iterable
from typing import Any

from cluster import commands, gotools, paths

SOURCE = paths.SOURCES / "kstatus"


def statuses(objects: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Of each object: InProgress, Failed, Current, Terminating, NotFound or Unknown, and the message."""
    text = "\n".join(map(json.dumps, objects))
    said = commands.run([gotools.ensure(SOURCE, ".")], stdin=text)
    return [(word, message) for word, _, message in (line.partition(" ") for line in said.splitlines())]
