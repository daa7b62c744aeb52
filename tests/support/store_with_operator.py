"""A store in memory whose GraphCrons an operator reads and carries out the moment they are written, if it works."""

from collections.abc import Sequence
from typing import Any

from graphcron.kube.json_patch import Operation
from tests.support.store_memory import Manifest, MemoryStore


class StoreWithOperator(MemoryStore):
    """While `works` is false, the operator does nothing until it is asked to `reconcile`. `jobs` are the tokens that it
    has made a Job for."""

    def __init__(self) -> None:
        super().__init__()
        self.works = True
        self.jobs: list[str] = []

    async def create(self, manifest: Manifest) -> Manifest:
        made = await super().create(manifest)
        if self.works:
            self.reconcile()
        return made

    async def patch(self, known: Manifest, operations: Sequence[Operation]) -> Manifest:
        patched = await super().patch(known, operations)
        if self.works:
            self.reconcile()
        return patched

    def reconcile(self) -> None:
        for manifest in self.manifests.values():
            manifest["status"] = manifest.get("status", {}) | self._status(manifest)

    def _status(self, manifest: Manifest) -> dict[str, Any]:
        metadata, on = manifest["metadata"], manifest["spec"].get("enabled") is not False
        reason = "Scheduled" if on else "Paused"
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": reason,
            "message": f"It is {reason.lower()}.",
            "lastTransitionTime": "2026-11-22T00:00:00Z",
        }
        token = metadata.get("annotations", {}).get("graphcron.dev/run-requested")
        requested = {}
        if token and token != manifest.get("status", {}).get("lastRequest", {}).get("token"):
            self.jobs.append(token)
            requested = {"lastRequest": {"token": token, "outcome": "Started", "jobName": f"job-{len(self.jobs)}"}}
        return {"observedGeneration": metadata["generation"], "enabled": on, "conditions": [ready]} | requested
