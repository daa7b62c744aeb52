"""A cluster's memory, as far as the controller uses it: versions grow, uids are checked, writes are counted."""

import copy
import itertools
from typing import Any

from graphcron.kube.errors import Conflict, KubeError, NotFound

Manifest = dict[str, Any]


class MemoryCluster:
    """Stands in for `kube.client.Kube`. `fail` holds errors that the next writes meet instead of happening."""

    def __init__(self) -> None:
        self.graphcrons: dict[str, Manifest] = {}
        self.cron_jobs: dict[str, Manifest] = {}
        self.events: list[Manifest] = []
        self.writes: list[str] = []
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
        stored["metadata"]["managedFields"] = [{"manager": "graphcron", "operation": "Apply"}]
        self.cron_jobs[stored["metadata"]["name"]] = stored
        return copy.deepcopy(stored)

    async def patch_status(self, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        self._write(f"status {name}")
        if name not in self.graphcrons:
            raise NotFound(404, f'graphcrons.graphcron.dev "{name}" not found')
        if self.graphcrons[name]["metadata"]["uid"] != uid:
            raise NotFound(404, "it was deleted, and made anew")
        self.graphcrons[name]["status"] = copy.deepcopy(status)
        writer = {"manager": "graphcron", "operation": "Update", "subresource": "status"}
        self.graphcrons[name]["metadata"]["managedFields"] = [writer]
        self.graphcrons[name]["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.graphcrons[name])

    async def patch_conditions(self, namespace: str, name: str, uid: str, conditions: list[Manifest]) -> Manifest:
        status = self.graphcrons[name].get("status", {}) if name in self.graphcrons else {}
        return await self.patch_status(namespace, name, uid, status | {"conditions": conditions})

    async def create_event(self, namespace: str, event: Manifest) -> None:
        self.events.append(event)

    def _write(self, what: str) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self.writes.append(what)
