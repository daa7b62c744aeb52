"""The requests to the apiserver that leader election needs."""

from graphcron.kube.resources import LEASES, Manifest
from graphcron.kube.transport import Transport
from graphcron.resource.identity import FIELD_MANAGER

_MANAGER = {"fieldManager": FIELD_MANAGER}


class LeaseApi(Transport):
    """Every method raises KubeError."""

    async def get_lease(self, namespace: str, name: str) -> Manifest:
        return await self._get(LEASES.path(namespace, name))

    async def create_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one."""
        return await self._write("POST", LEASES, namespace, query=_MANAGER, body=manifest)

    async def replace_lease(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when the manifest's resourceVersion is not the newest, or when that very Lease is gone."""
        name = manifest["metadata"]["name"]
        return await self._write("PUT", LEASES, namespace, name, query=_MANAGER, body=manifest)
