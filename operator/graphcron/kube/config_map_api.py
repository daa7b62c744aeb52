"""The requests to the apiserver about one ConfigMap in which the operator keeps what it must not forget."""

from graphcron.kube.resources import CONFIG_MAPS, Manifest
from graphcron.kube.transport import Transport
from graphcron.resource.identity import FIELD_MANAGER


class ConfigMapApi(Transport):
    """Every method raises KubeError."""

    async def get_config_map(self, namespace: str, name: str) -> Manifest:
        return await self._get(CONFIG_MAPS.path(namespace, name))

    async def patch_config_map(self, namespace: str, name: str, data: dict[str, str]) -> Manifest:
        """Sets these keys. Raises NotFound when there is none."""
        return await self._write(
            "PATCH",
            CONFIG_MAPS,
            namespace,
            name,
            query={"fieldManager": FIELD_MANAGER},
            body={"data": data},
            content_type="application/merge-patch+json",
        )
