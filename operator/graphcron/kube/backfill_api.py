"""The requests to the apiserver that backfills need."""

from collections.abc import Mapping
from typing import Any

from graphcron.kube.json_patch import add
from graphcron.kube.resources import BACKFILLS, JOBS, Manifest
from graphcron.kube.transport import Transport
from graphcron.resource.identity import FIELD_MANAGER


class BackfillApi(Transport):
    """Every method raises KubeError."""

    async def create_backfill(self, namespace: str, manifest: Manifest) -> Manifest:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return await self._write("POST", BACKFILLS, namespace, query=query, body=manifest)

    async def get_backfill(self, namespace: str, name: str) -> Manifest:
        return await self._get(BACKFILLS.path(namespace, name))

    async def delete_backfill(self, namespace: str, name: str, uid: str) -> None:
        """That very object, and what it owns in the background. Raises Conflict for a namesake."""
        query, options = {"propagationPolicy": "Background"}, {"preconditions": {"uid": uid}}
        await self._write("DELETE", BACKFILLS, namespace, name, query=query, body=options)

    async def patch_backfill_status(
        self, namespace: str, name: str, observed: Mapping[str, Any], status: Manifest
    ) -> Manifest:
        """Sets the whole status of the version whose metadata these are. Raises Conflict when there is a newer one, or
        a namesake, and NotFound when it is gone."""
        # The apiserver compares both with what it has, as it does for an update.
        patch = [
            add(("metadata", "uid"), observed["uid"]),
            add(("metadata", "resourceVersion"), observed["resourceVersion"]),
            add(("status",), status),
        ]
        query, kind = {"fieldManager": FIELD_MANAGER}, "application/json-patch+json"
        return await self._write(
            "PATCH", BACKFILLS, namespace, name, "status", query=query, body=patch, content_type=kind
        )

    async def find_job(self, namespace: str, name: str) -> Manifest | None:
        """The Job of that name, None when there is none. A list, which the operator may ask for anyway."""
        found = await self._get(JOBS.path(namespace), {"fieldSelector": f"metadata.name={name}"})
        items: list[Manifest] = found["items"]
        return items[0] if items else None
