"""A cluster's memory, as far as the controller uses it: versions grow, uids are checked, writes are counted."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

from graphcron.kube.errors import Conflict, KubeError, NotFound
from graphcron.kube.merge_patch import difference
from graphcron.resource.identity import ENDED_ANNOTATION, TOUCHED_ANNOTATION
from tests.support.merge_patch import merged

Manifest = dict[str, Any]


class MemoryCluster:
    """Stands in for `kube.client.Kube`. `fail` holds errors that the next writes meet instead of happening."""

    def __init__(self) -> None:
        self.graphcrons: dict[str, Manifest] = {}
        self.cron_jobs: dict[str, Manifest] = {}
        self.events: list[Manifest] = []
        self.writes: list[str] = []
        self.reads: list[str] = []
        """Of what is not watched."""
        self.refusals: list[Manifest] = []
        """Events FailedCreate."""
        self.pods: list[Manifest] = []
        self.taken_over: list[Manifest] = []
        self.mutate: Callable[[Manifest], None] = lambda cron_job: None
        """A mutating webhook for CronJobs."""
        self.fail: list[KubeError] = []
        self._versions = itertools.count(1)

    def make(self, name: str, **spec: Any) -> Manifest:
        """A GraphCron, as somebody else created it."""
        version = next(self._versions)
        self.graphcrons[name] = {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {
                "name": name,
                "namespace": "team",
                "uid": f"00000000-0000-7000-8000-{version:012}",
                "generation": 1,
                "resourceVersion": str(version),
                "creationTimestamp": "2026-12-01T10:00:00Z",
            },
            "spec": {"schedule": "0 * * * *", "assistantId": "agent"} | spec,
        }
        return copy.deepcopy(self.graphcrons[name])

    def edit(self, name: str, spec: Manifest) -> Manifest:
        """Somebody else gives it another spec."""
        self.graphcrons[name]["spec"] = spec
        self.graphcrons[name]["metadata"]["generation"] += 1
        return self.touch(name)

    def touch(self, name: str) -> Manifest:
        """Somebody else has changed it."""
        self.graphcrons[name]["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.graphcrons[name])

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        if name not in self.graphcrons:
            raise NotFound(404, f'graphcrons.graphcron.dev "{name}" not found')
        return copy.deepcopy(self.graphcrons[name])

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        if name not in self.cron_jobs:
            raise NotFound(404, f'cronjobs.batch "{name}" not found')
        return copy.deepcopy(self.cron_jobs[name])

    async def apply_cron_job(self, namespace: str, manifest: Manifest, *, anew: bool = False) -> Manifest:
        before = self.cron_jobs.get(manifest["metadata"]["name"])
        if anew and before:
            raise Conflict(409, "the object has been modified")
        self._write(f"cronjob {manifest['metadata']['name']}")
        stored = copy.deepcopy(manifest)
        stored["metadata"]["resourceVersion"] = str(next(self._versions))
        stored["metadata"]["uid"] = before["metadata"]["uid"] if before else f"cj-{next(self._versions)}"
        stored["metadata"]["creationTimestamp"] = "2026-12-01T10:00:00Z"
        stored["metadata"]["generation"] = before["metadata"]["generation"] + 1 if before else 1
        stored["metadata"]["managedFields"] = [{"manager": "graphcron", "operation": "Apply"}]
        self.mutate(stored)
        self.cron_jobs[stored["metadata"]["name"]] = stored
        return copy.deepcopy(stored)

    async def take_over_cron_job(self, namespace: str, found: Manifest, managed_fields: list[Manifest]) -> Manifest:
        name = found["metadata"]["name"]
        self._write(f"managed fields of {name}")
        self.taken_over = managed_fields
        self.cron_jobs[name]["metadata"]["managedFields"] = managed_fields
        return copy.deepcopy(self.cron_jobs[name])

    async def suspend_cron_job(self, namespace: str, name: str, uid: str) -> Manifest:
        cron_job = self.cron_jobs[name]
        if cron_job["metadata"]["uid"] != uid:
            raise Conflict(409, "Precondition failed: UID in object meta")
        self._write(f"suspend {name}")
        cron_job["spec"]["suspend"] = True
        cron_job["metadata"]["generation"] += 1
        cron_job["metadata"]["resourceVersion"] = str(next(self._versions))
        cron_job["metadata"]["managedFields"].append({"manager": "graphcron", "operation": "Update"})
        return copy.deepcopy(cron_job)

    async def patch_status(self, namespace: str, name: str, uid: str, known: object, status: Manifest) -> Manifest:
        self._write(f"status {name}")
        if name not in self.graphcrons:
            raise NotFound(404, f'graphcrons.graphcron.dev "{name}" not found')
        if self.graphcrons[name]["metadata"]["uid"] != uid:
            raise NotFound(404, "it was deleted, and made anew")
        patch = difference(known, copy.deepcopy(status))
        self.graphcrons[name]["status"] = merged(self.graphcrons[name].get("status"), patch)
        writer = {"manager": "graphcron", "operation": "Update", "subresource": "status"}
        self.graphcrons[name]["metadata"]["managedFields"] = [writer]
        self.graphcrons[name]["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.graphcrons[name])

    async def list_events(self, namespace: str, selector: str) -> list[Manifest]:
        self.reads.append(f"events {namespace} {selector}")
        return copy.deepcopy(self.refusals)

    async def list_pods_of_job(self, namespace: str, job: str) -> list[Manifest]:
        self.reads.append(f"pods of {job}")
        return copy.deepcopy(self.pods)

    async def end_job(self, namespace: str, job: Manifest, because: str) -> Manifest:
        self._write(f"job {job['metadata']['name']}")
        annotated = job["metadata"] | {"annotations": {ENDED_ANNOTATION: because}}
        return copy.deepcopy(job | {"metadata": annotated | {"resourceVersion": str(next(self._versions))}})

    async def touch_job(self, namespace: str, job: Manifest, moment: str) -> Manifest:
        self._write(f"touch of {job['metadata']['name']}")
        touched = job["metadata"] | {"annotations": {TOUCHED_ANNOTATION: moment}}
        return copy.deepcopy(job | {"metadata": touched | {"resourceVersion": str(next(self._versions))}})

    async def create_job(self, namespace: str, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        self._write(f"new job {name}")
        made = {"uid": name, "creationTimestamp": "2026-12-01T10:05:00Z", "resourceVersion": str(next(self._versions))}
        return copy.deepcopy(manifest | {"metadata": manifest["metadata"] | made, "status": {}})

    async def expire_job(self, namespace: str, job: Manifest) -> None:
        self._write(f"expiry of {job['metadata']['name']}")

    async def patch_conditions(self, namespace: str, name: str, uid: str, conditions: list[Manifest]) -> Manifest:
        status = self.graphcrons[name].get("status", {}) if name in self.graphcrons else {}
        return await self.patch_status(namespace, name, uid, status, status | {"conditions": conditions})

    async def create_event(self, namespace: str, event: Manifest) -> None:
        self.events.append(event)

    def _write(self, what: str) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self.writes.append(what)
