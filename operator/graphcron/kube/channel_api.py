"""The requests of the notifier: what it told, how its channels are, and their Secrets."""

from graphcron.kube.errors import Conflict, NotFound
from graphcron.kube.merge_patch import difference
from graphcron.kube.resources import CHANNELS, GRAPHCRONS, SECRETS, Manifest, Resource
from graphcron.kube.transport import Transport
from graphcron.resource.identity import NOTIFIER_MANAGER


class ChannelApi(Transport):
    """Every method raises KubeError."""

    async def patch_notifications(
        self, namespace: str, name: str, uid: str, notifications: list[Manifest] | None
    ) -> Manifest:
        """Sets them in the status of that very GraphCron, and nothing else; None removes them. Raises NotFound when it
        is gone, also when a namesake is there."""
        return await self._patch(GRAPHCRONS, namespace, name, uid, {"notifications": notifications})

    async def patch_channel_status(
        self, namespace: str, name: str, uid: str, known: object, status: Manifest
    ) -> Manifest:
        """Makes the status of that very channel from what is `known` to what is wanted. Raises NotFound likewise."""
        return await self._patch(CHANNELS, namespace, name, uid, difference(known, status))

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        """One Secret. The notifier may not list them."""
        return await self._get(SECRETS.path(namespace, name))

    async def _patch(self, resource: Resource, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        query, kind = {"fieldManager": NOTIFIER_MANAGER}, "application/merge-patch+json"
        patch = {"metadata": {"uid": uid}, "status": status}
        try:
            return await self._write(
                "PATCH", resource, namespace, name, "status", query=query, body=patch, content_type=kind
            )
        except Conflict:
            if (await self._get(resource.path(namespace, name)))["metadata"]["uid"] != uid:
                raise NotFound(404, f"{resource.kind} {namespace}/{name} was deleted, and made anew") from None
            raise
