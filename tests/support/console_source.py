"""A source of the console in memory, that everybody may use, and GraphCrons as an operator leaves them."""

import asyncio
import copy
import itertools
import uuid
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from graphcron.console.source import ALLOWED, Changed, Missing, Refused, Right, SourceError, Verb
from graphcron.kube.json_patch import DoesNotApply, Operation, apply
from graphcron.kube.resources import Manifest

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def firing(minutes_ago: int, outcome: str = "Succeeded", seconds: int = 42, **more: Any) -> Manifest:
    """One entry of a history; `more` are further fields of it."""
    due = NOW - timedelta(minutes=minutes_ago)
    return {
        "scheduledTime": utc(due),
        "outcome": outcome,
        "reason": {"Succeeded": "RunSucceeded", "Failed": "RunFailed"}.get(outcome, outcome),
        "startedAt": utc(due),
        "finishedAt": utc(due + timedelta(seconds=seconds)),
    } | more


def condition(kind: str, status: str = "True", reason: str = "Scheduled", message: str = "") -> Manifest:
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": utc(NOW)
    }  # fmt: skip


def cron(
    name: str,
    *conditions: Manifest,
    namespace: str = "team",
    history: Sequence[Manifest] = (),
    metadata: Manifest | None = None,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """A GraphCron that fires in half an hour, unless its conditions say otherwise."""
    counts = {
        outcome: sum(entry["outcome"].lower() == outcome for entry in history)
        for outcome in ("succeeded", "failed", "skipped", "missed")
    }
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}")),
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": utc(NOW - timedelta(days=1)),
        }
        | (metadata or {}),
        "spec": {"schedule": "30 * * * *", "timezone": "Etc/UTC", "assistantId": "agent"} | spec,
        "status": {
            "observedGeneration": 1,
            "conditions": list(conditions) or [condition("Ready", message="fires by its schedule")],
            "cronJobName": name,
            "nextRunTimes": [utc(NOW + timedelta(minutes=30 + 60 * hour)) for hour in range(5)],
            "history": list(history),
            "firings": counts,
        }
        | (status or {}),
    }


class MemorySource:
    """Knows GraphCrons by namespace and name. `denied` says why a verb is not allowed, `fail_with` makes every call
    fail."""

    def __init__(self, *crons: Manifest) -> None:
        self.crons = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in crons}
        self.denied: dict[Verb, str] = {}
        self.fail_with: SourceError | None = None
        self.known_events: list[Manifest] | SourceError = []
        self.known_backfills: list[Manifest] | SourceError = []
        self.known_cron_job: Manifest | SourceError | None = {"spec": {}}
        self.created: list[Manifest] = []
        self.silent: float | None = None
        self._versions = itertools.count(2)
        self._listeners: set[asyncio.Queue[tuple[str, str]]] = set()

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    async def graphcrons(self) -> list[Manifest]:
        self._check()
        return list(self.crons.values())

    async def graphcron(self, namespace: str, name: str) -> Manifest:
        self._check()
        if (namespace, name) not in self.crons:
            raise Missing(f"Namespace {namespace} has no GraphCron {name}.")
        return copy.deepcopy(self.crons[namespace, name])

    async def cron_job(self, graphcron: Manifest) -> Manifest | None:
        if isinstance(self.known_cron_job, SourceError):
            raise self.known_cron_job
        return self.known_cron_job

    async def events(self, graphcron: Manifest) -> list[Manifest]:
        if isinstance(self.known_events, SourceError):
            raise self.known_events
        return self.known_events

    async def backfills(self, graphcron: Manifest) -> list[Manifest]:
        if isinstance(self.known_backfills, SourceError):
            raise self.known_backfills
        return self.known_backfills

    async def may(self, verb: Verb, namespace: str) -> Right:
        return Right(False, self.denied[verb]) if verb in self.denied else ALLOWED

    async def namespaces(self) -> list[str]:
        return sorted({namespace for namespace, _ in self.crons}) or ["team"]

    async def create(self, manifest: Manifest) -> Manifest:
        self._check()
        metadata = manifest["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key in self.crons:
            raise Refused(f"{metadata['name']} exists already.")
        self.created.append(manifest)
        if manifest["kind"] == "GraphCron":
            self.put(manifest | {"metadata": metadata | {"uid": str(uuid.uuid4()), "generation": 1}})
        return manifest

    async def patch(self, known: Manifest, body: dict[str, Any]) -> Manifest:
        stored = await self.graphcron(known["metadata"]["namespace"], known["metadata"]["name"])
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, stored["metadata"]["resourceVersion"]):
            raise Changed("the object has been modified")
        return self.put(_merged(stored, body))

    async def edit(self, known: Manifest, operations: list[Operation]) -> Manifest:
        self._check()
        found = await self.graphcron(known["metadata"]["namespace"], known["metadata"]["name"])
        try:
            changed = apply(operations, found)
        except DoesNotApply:
            raise Changed("it was changed by somebody else meanwhile") from None
        changed["metadata"]["generation"] += changed["spec"] != found["spec"]
        return self.put(changed)

    async def delete(self, known: Manifest) -> None:
        self._check()
        key = (known["metadata"]["namespace"], known["metadata"]["name"])
        del self.crons[key]
        self._tell(key)

    async def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield frozenset([await queue.get()])
        finally:
            self._listeners.discard(queue)

    def silent_seconds(self) -> float | None:
        return self.silent

    def put(self, manifest: Manifest) -> Manifest:
        """What the operator or somebody else writes."""
        metadata = manifest["metadata"]
        key = (metadata["namespace"], metadata["name"])
        stored = manifest | {"metadata": metadata | {"resourceVersion": str(next(self._versions))}}
        self.crons[key] = stored
        self._tell(key)
        return stored

    def _tell(self, key: tuple[str, str]) -> None:
        for queue in self._listeners:
            queue.put_nowait(key)

    def _check(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with


def _merged(value: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), part)
    return kept


class EverybodysAccess:
    """Lets everybody use one source."""

    CSRF = "the-token-of-this-page"

    signs_out = False

    def __init__(self, source: MemorySource) -> None:
        self._source = source

    async def source(self, request: web.Request) -> MemorySource:
        return self._source

    async def csrf_token(self, request: web.Request) -> str:
        return self.CSRF

    async def who(self, request: web.Request) -> str:
        return "ada"

    def routes(self) -> list[web.RouteDef]:
        return []
