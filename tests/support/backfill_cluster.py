"""A cluster's memory, as far as backfills use it, and the operator in it, which can be killed at any write."""

import copy
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound
from graphcron.kube.resources import BACKFILLS, CRON_JOBS, GRAPHCRONS, JOBS, PODS
from graphcron.operator.backfill_controller import BackfillController
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.history import is_over
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import ObjectCache
from tests.support.backfill_world import INSTALLATION
from tests.support.world import World, at, pod, terminated

Manifest = dict[str, Any]
AGAIN = ("team", "again")


class Killed(BaseException):
    """The operator died. A BaseException, so that nothing of it goes on."""


class BackfillCluster:
    """Stands in for `kube.client.Kube`. `dies` says before and after each write whether the operator dies there;
    `fail` has errors that the next creations of Jobs meet instead."""

    def __init__(self, backfill: Manifest, **graphcron: Any) -> None:
        self.world = World(**graphcron)
        self.world.reconcile("10:30")
        assert self.world.cron_job
        self.world.cron_job["status"] = {"lastScheduleTime": "2026-12-01T12:00:00Z"}
        self.world.reconcile("12:00")
        for manifest in (self.world.graphcron, self.world.cron_job):
            manifest["metadata"] |= {"resourceVersion": "1", "namespace": "team"}
        self.backfills = {backfill["metadata"]["name"]: backfill}
        self.jobs: dict[str, Manifest] = {}
        self.pods: dict[str, Manifest] = {}
        self.runs: Counter[str] = Counter()
        """How often each Job was created, by its name."""
        self.most = 0
        """Jobs of backfills that ran at once."""
        self.events: list[Manifest] = []
        self.writes: list[str] = []
        self.dies: Callable[[], bool] = lambda: False
        self.fail: list[KubeError] = []
        self.refuses: KubeError | None = None
        """What each write of a status meets."""
        self.now = at("12:00")
        self.marker = CrashMarker(None, self.now)
        self._versions = itertools.count(10)
        self.start()

    def start(self, snapshot: "BackfillCluster | None" = None) -> None:
        """A new operator, which lists everything; from a snapshot, what there was then."""
        seen = snapshot or self
        self.graphcrons = ObjectCache()
        self.graphcrons.put(GRAPHCRONS, copy.deepcopy(seen.world.graphcron))
        self.graphcrons.put(CRON_JOBS, copy.deepcopy(seen.world.cron_job or {}))
        self.leads = True
        self.controller = BackfillController(
            cast("Kube", self),
            self.graphcrons,
            INSTALLATION,
            clock=lambda: self.now,
            leads=lambda: self.leads,
            metrics=OperatorMetrics(),
            marker=self.marker,
        )
        for resource, objects in ((BACKFILLS, seen.backfills), (JOBS, seen.jobs), (PODS, seen.pods)):
            for manifest in objects.values():
                self.controller.changed(resource, copy.deepcopy(manifest))
        self.controller.start()

    def snapshot(self) -> "BackfillCluster":
        """As it is now."""
        kept = copy.copy(self)
        for name in ("backfills", "jobs", "pods"):
            setattr(kept, name, copy.deepcopy(getattr(self, name)))
        return kept

    async def reconcile(self, name: tuple[str, str] = AGAIN) -> None:
        """One step; a conflict is tried again later, as the queue does."""
        try:
            await self.controller.reconcile(name)
        except Conflict:
            self.writes.append("conflict")

    def finish(self, name: str, outcome: str = "Succeeded") -> None:
        """What Kubernetes and a run pod do: the pod ends, and then its Job. The watches bring both."""
        said = json.dumps({"outcome": outcome, "reason": "RunSucceeded" if outcome == "Succeeded" else "RunError"})
        ended = pod(name, "12:00", run=terminated(0 if outcome == "Succeeded" else 10, "12:00:30", said))
        job = self.jobs[name]
        labels = job["metadata"]["labels"] | ended["metadata"]["labels"]
        owner = {"kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
        ended["metadata"] |= {"namespace": "team", "uid": f"pod of {job['metadata']['uid']}", "labels": labels}
        ended["metadata"] |= {"resourceVersion": str(next(self._versions)), "ownerReferences": [owner]}
        self.pods[name] = ended
        kind = "Complete" if outcome == "Succeeded" else "Failed"
        condition = {"type": kind, "status": "True", "lastTransitionTime": "2026-12-01T12:00:30Z"}
        job["status"] = {"conditions": [condition]}
        job["metadata"]["resourceVersion"] = str(next(self._versions))
        self.controller.changed(PODS, copy.deepcopy(ended))
        self.controller.changed(JOBS, copy.deepcopy(job))

    def remove(self, name: str, *, watched: bool = True) -> None:
        gone = self.jobs.pop(name)
        gone["metadata"]["resourceVersion"] = str(next(self._versions))
        if watched:
            self.controller.deleted(JOBS, gone)

    @property
    def reason(self) -> str:
        """Of its condition Complete."""
        conditions = self.backfills["again"]["status"]["conditions"]
        return next(str(one["reason"]) for one in conditions if one["type"] == "Complete")

    def unfinished(self) -> list[str]:
        return [name for name, job in self.jobs.items() if not is_over(job)]

    async def patch_backfill_status(self, namespace: str, name: str, observed: Manifest, status: Manifest) -> Manifest:
        if self.refuses:
            raise self.refuses
        if name not in self.backfills:
            raise NotFound(404, "gone")
        metadata = self.backfills[name]["metadata"]
        if (metadata["uid"], metadata["resourceVersion"]) != (observed["uid"], observed["resourceVersion"]):
            raise Conflict(409, "the object has been modified")
        self._die("status")
        stored = self.backfills[name]
        if stored.get("status") != status:
            stored["status"] = copy.deepcopy(status)
            stored["metadata"]["resourceVersion"] = str(next(self._versions))
        self._die("")
        return copy.deepcopy(stored)

    async def create_job(self, namespace: str, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        if self.fail:
            raise self.fail.pop(0)
        if name in self.jobs:
            raise Conflict(409, "there is one")
        self._die(f"job {name}")
        version = str(next(self._versions))
        made = {"uid": f"uid {version}", "creationTimestamp": "2026-12-01T12:00:00Z", "resourceVersion": version}
        self.jobs[name] = copy.deepcopy(manifest) | {"metadata": manifest["metadata"] | made, "status": {}}
        self.runs[name] += 1
        ours = [one for one in self.unfinished() if "graphcron.dev/backfill" in self.jobs[one]["metadata"]["labels"]]
        self.most = max(self.most, len(ours))
        self._die("")
        return copy.deepcopy(self.jobs[name])

    async def find_job(self, namespace: str, name: str) -> Manifest | None:
        return copy.deepcopy(self.jobs.get(name))

    async def expire_job(self, namespace: str, job: Manifest) -> None:
        name = job["metadata"]["name"]
        if name not in self.jobs or self.jobs[name]["metadata"]["uid"] != job["metadata"]["uid"]:
            raise NotFound(404, "gone")
        self._die(f"expiry of {name}")
        self.remove(name)
        self._die("")

    async def end_job(self, namespace: str, job: Manifest, because: str) -> Manifest:
        self._die(f"end of {job['metadata']['name']}")
        stored = self.jobs[job["metadata"]["name"]]
        stored["metadata"] |= {"annotations": {"graphcron.dev/ended": because}}
        stored["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(stored)

    async def list_pods_of_job(self, namespace: str, job: str) -> list[Manifest]:
        return []

    async def list_events(self, namespace: str, selector: str) -> list[Manifest]:
        return []

    async def create_event(self, namespace: str, event: Manifest) -> None:
        self.events.append(event)

    def _die(self, what: str) -> None:
        if self.dies():
            raise Killed
        if what:
            self.writes.append(what)


async def play(cluster: BackfillCluster, chance: random.Random, kills: int, turns: int = 20_000) -> int:
    """Until the backfill is over: Jobs end in any order, and the operator is killed that often, at any of its writes.
    Returns how often it was."""
    killed = 0
    cluster.dies = lambda: killed < kills and chance.random() < 0.02
    for _ in range(turns):
        try:
            await cluster.reconcile()
        except Killed:
            killed += 1
            cluster.start()
        if (cluster.backfills["again"].get("status") or {}).get("phase") == "Complete":
            return killed
        for name in cluster.unfinished():
            if chance.random() < 0.5:
                cluster.finish(name, chance.choices(("Succeeded", "Failed"), (9, 1))[0])
    raise AssertionError(cluster.backfills["again"]["status"])
