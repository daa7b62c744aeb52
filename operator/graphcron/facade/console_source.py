"""What the console of the facade shows and does: the caller's own crons, by the store of the REST API and within the
same limits."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from graphcron.console.source import ALLOWED, Away, Changed, Missing, NotAllowed, Refused, Right, Verb
from graphcron.facade.auth.callers import Caller
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.store import store as stores
from graphcron.facade.store.owned_store import OwnedStore
from graphcron.facade.translation import Draft, iso, read_schedule
from graphcron.facade.v1.backfills import BACKFILLS_LIMIT
from graphcron.kube.json_patch import DoesNotApply, Operation, add, apply, clear, merge, require
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import KIND, OWNER_LABEL, UPDATED_AT, owner_of
from graphcron.views import glance

EDITABLE = frozenset(
    "schedule timezone startTime endTime enabled pauseReason assistantId threadId input metadata config context "
    "interruptBefore interruptAfter multitaskStrategy onRunCompleted streamMode streamSubgraphs streamResumable "
    "durability checkpointDuring runOptions concurrencyPolicy startingDeadlineSeconds activeDeadlineSeconds retryLimit "
    "jitterSeconds maxFailures successfulRunsHistoryLimit failedRunsHistoryLimit renderInput".split()
)
"""Fields of the spec that callers of the facade may set. The others choose pods, Secrets and servers, which needs a
permission of Kubernetes; the hosts of webhooks are checked by the REST API alone."""

_ANNOTATIONS = ("metadata", "annotations")
_JUDGED = {"schedule", "timezone", "startTime", "endTime"}
"""Fields of a spec that the quota judges."""
ADMINISTRATORS = "This field chooses pods, Secrets or servers: set it with kubectl"


class WatchedStore(stores.Store, Protocol):
    """A store that is told of changes."""

    async def newest(self) -> Sequence[Manifest]:
        """All of memory, with what was written here; while the apiserver is away, what it had before. Raises
        StoreUnavailable before the first list."""

    def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]: ...

    def silent_seconds(self) -> float | None: ...

    async def events(self, name: str) -> Sequence[Manifest]: ...


class StoreSource:
    """The crons of one caller."""

    def __init__(
        self, store: WatchedStore, caller: Caller, namespace: str, quota: Quota, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._owned = OwnedStore(store, caller)
        self._caller = caller
        self._namespace = namespace
        self._quota = quota
        self._now = clock

    async def graphcrons(self) -> list[Manifest]:
        with translated():
            return [one for one in await self._store.newest() if self._caller.may_see(one)]

    async def graphcron(self, namespace: str, name: str) -> Manifest:
        if namespace != self._namespace:
            raise Missing(f"This console has the crons of namespace {self._namespace}.")
        try:
            with translated(f"You have no cron {name}."):
                return await self._owned.get(name)
        except Away:
            for known in await self.graphcrons():
                if known["metadata"]["name"] == name:
                    return glance.opened(known)
            raise

    async def cron_job(self, graphcron: Manifest) -> Manifest | None:
        raise NotAllowed("The facade has no permission to read CronJobs.")

    async def events(self, graphcron: Manifest) -> list[Manifest]:
        with translated():
            return list(await self._store.events(graphcron["metadata"]["name"]))

    async def backfills(self, graphcron: Manifest) -> list[Manifest]:
        with translated():
            return await self._owned.backfills.of(graphcron["metadata"]["name"])

    async def may(self, verb: Verb, namespace: str) -> Right:
        return ALLOWED

    async def namespaces(self) -> list[str]:
        return [self._namespace]

    async def create(self, manifest: Manifest) -> Manifest:
        if manifest["kind"] != KIND:
            return await self._backfill(manifest)
        check_fields(manifest["spec"])
        with translated():
            mine = [one for one in await self._store.newest() if self._caller.may_see(one)]
            self._quota.check_count(len(mine))
            self._check_schedule(manifest)
            return await self._owned.create(manifest)

    async def _backfill(self, manifest: Manifest) -> Manifest:
        """One of a cron that the caller may see, with the owner of that cron."""
        cron = await self.graphcron(self._namespace, manifest["spec"]["graphCron"])
        owner, metadata = owner_of(cron), {"name": manifest["metadata"]["name"]}
        labels = {"labels": {OWNER_LABEL: owner}} if owner else {}
        with translated():
            if len(await self._owned.backfills.of(cron["metadata"]["name"])) >= BACKFILLS_LIMIT:
                raise Refused(f"The limit is {BACKFILLS_LIMIT} backfills for each cron: delete some that are over.")
            return await self._owned.backfills.create(manifest | {"metadata": metadata | labels})

    async def patch(self, known: Manifest, body: dict[str, Any]) -> Manifest:
        check_fields(body.get("spec", {}))
        with translated(f"{known['metadata']['name']} was deleted meanwhile."):
            operations = operations_of(known, body, self._now())
            if _JUDGED & body.get("spec", {}).keys() or body.get("spec", {}).get("enabled"):
                self._check_schedule({"metadata": known["metadata"], "spec": merged(known["spec"], body["spec"])})
            return await self._owned.patch(known, operations)

    async def edit(self, known: Manifest, operations: list[Operation]) -> Manifest:
        check_operations(operations)
        try:
            after = apply(operations, known)
        except DoesNotApply as failed:
            raise Changed(f"Somebody changed {failed} meanwhile. Load the page again.") from None
        with translated(f"{known['metadata']['name']} was deleted meanwhile."):
            if {f"/spec/{name}" for name in (*_JUDGED, "enabled")} & {one["path"] for one in operations}:
                self._check_schedule(after)
            mark = merge(_ANNOTATIONS, {UPDATED_AT: iso(self._now())}, after["metadata"].get("annotations"))
            return await self._owned.patch(known, [*operations, *mark])

    def _check_schedule(self, manifest: Manifest) -> None:
        schedule = read_schedule(manifest["spec"]["schedule"], manifest["metadata"].get("uid", ""))
        self._quota.check_schedule(Draft(manifest, schedule), self._now())

    async def delete(self, known: Manifest) -> None:
        with translated(f"{known['metadata']['name']} was deleted already."):
            await self._owned.delete(known["metadata"]["name"], known)

    async def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        async for keys in self._store.changes():
            yield keys

    def silent_seconds(self) -> float | None:
        return self._store.silent_seconds()


def check_fields(spec: dict[str, Any]) -> None:
    """Raises NotAllowed for a field that callers of the facade may not set."""
    if others := sorted(spec.keys() - EDITABLE):
        raise NotAllowed(f"spec.{others[0]}: {ADMINISTRATORS}")


def check_operations(operations: list[Operation]) -> None:
    """Raises NotAllowed for what callers of the facade may not change: of the metadata they have the annotations."""
    changed = [tuple(one["path"].split("/")[1:]) for one in operations if one["op"] != "test"]
    check_fields(dict.fromkeys(path[1] for path in changed if path[0] == "spec" and len(path) > 1))
    if any(path[:2] != ("metadata", "annotations") for path in changed if path[0] != "spec" or len(path) == 1):
        raise NotAllowed("Labels and the rest of the metadata are set with kubectl.")


def operations_of(known: Manifest, body: dict[str, Any], now: datetime) -> list[Operation]:
    """A merge patch as operations of the store, member by member."""
    metadata, operations = body.get("metadata", {}), []
    if "resourceVersion" in metadata:
        operations.append(require(("metadata", "resourceVersion"), metadata["resourceVersion"]))
    for name, value in body.get("spec", {}).items():
        place, before = ("spec", name), known["spec"].get(name)
        operations += clear(place, before or "") if value is None else [add(place, merged(before, value))]
    marks = metadata.get("annotations", {}) | {UPDATED_AT: iso(now)}
    gone = {name for name, value in marks.items() if value is None}
    annotations = known["metadata"].get("annotations")
    kept = {name: value for name, value in marks.items() if name not in gone}
    operations += merge(_ANNOTATIONS, kept, annotations)
    for name in gone & (annotations or {}).keys():
        operations += clear((*_ANNOTATIONS, name), "")
    return operations


def merged(value: Any, patch: Any) -> Any:
    """A value after a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), part)
    return kept


@contextmanager
def translated(missing: str = "There is no such cron.") -> Iterator[None]:
    """Translates the errors of store and REST API to the source's."""
    try:
        yield
    except stores.Missing:
        raise Missing(missing) from None
    except stores.Changed as error:
        raise Changed(f"{error}. Load the page again.") from None
    except stores.Rejected as error:
        raise Refused(str(error)) from None
    except stores.StoreUnavailable as error:
        raise Away(str(error)) from None
    except RestError as error:
        raise Refused(error.detail) from None
