"""What the console reads and writes: the GraphCrons of one viewer, behind few verbs. `graphcron console` has it by a
kubeconfig, the facade by its store."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from graphcron.kube.json_patch import Operation
from graphcron.kube.resources import Manifest


class SourceError(Exception):
    """It was not done as asked; the message says why, for the viewer to read."""


class Missing(SourceError):
    """There is no such GraphCron for this viewer."""


class NotAllowed(SourceError):
    """This viewer may not do this."""


class Refused(SourceError):
    """It is not valid, or was changed by somebody else meanwhile."""


class Changed(Refused):
    """It is not as it was known to be: read it again, decide again, write again."""


class Away(SourceError):
    """Kubernetes gives no answer now."""


class Verb(StrEnum):
    """What a viewer may do with GraphCrons, by the apiserver's words."""

    CREATE = "create"
    PATCH = "patch"
    DELETE = "delete"
    BACKFILL = "backfill"
    """Create a GraphCronBackfill."""


@dataclass(frozen=True)
class Right:
    """Whether something is allowed, and if not why, in one sentence."""

    allowed: bool
    why: str = ""


ALLOWED = Right(True)


class Source(Protocol):
    """The GraphCrons that one viewer may see. Raises the errors above and no others."""

    async def graphcrons(self) -> Sequence[Manifest]:
        """All of them, from memory. They are the source's own: do not change them."""

    async def graphcron(self, namespace: str, name: str) -> Manifest:
        """All of one. Raises Missing."""

    async def cron_job(self, graphcron: Manifest) -> Manifest | None:
        """Its CronJob, None when there is none. Raises NotAllowed where the viewer cannot see CronJobs."""

    async def events(self, graphcron: Manifest) -> list[Manifest]:
        """Its Events. Raises NotAllowed where the viewer cannot see Events."""

    async def backfills(self, graphcron: Manifest) -> list[Manifest]:
        """Its GraphCronBackfills, the newest first. Raises NotAllowed where the viewer cannot see them."""

    async def may(self, verb: Verb, namespace: str) -> Right:
        """Whether the viewer may do this in a namespace."""

    async def namespaces(self) -> list[str]:
        """Those in which a new GraphCron may be made, the likeliest first."""

    async def create(self, manifest: Manifest) -> Manifest:
        """A new object: a GraphCron, or a GraphCronBackfill. Raises Refused."""

    async def patch(self, known: Manifest, body: dict[str, Any]) -> Manifest:
        """A GraphCron after a merge patch: that very object, whatever its version, unless the patch names one. Raises
        Missing, Refused and Changed."""

    async def edit(self, known: Manifest, operations: list[Operation]) -> Manifest:
        """A GraphCron after a JSON Patch: that very object, unless it is not any more as the patch says. Raises Missing
        and Refused."""

    async def delete(self, known: Manifest) -> None:
        """That very object. Raises Missing."""

    def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        """Namespaces and names of GraphCrons that have changed since the last ones, without end."""

    def silent_seconds(self) -> float | None:
        """For how long the apiserver has been silent, so that what is shown may be old; None while it is not."""
