"""Clients of a real apiserver by a kubeconfig, as the commands for people have them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from cluster.control_plane import ControlPlane
from graphcron.commands.cluster import UserKube
from tests.support.until import until


@asynccontextmanager
async def user_kube(kubeconfig: Path) -> AsyncIterator[UserKube]:
    """Its connections are gone when this is left: TLS ends with an answer of the other side."""
    before = _sockets()
    configuration = Configuration()
    await config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    async with ApiClient(configuration) as client:
        yield UserKube(client)
    await until(lambda: _sockets() <= before)


def _sockets() -> int:
    """Of this event loop."""
    return len(asyncio.get_running_loop()._selector.get_map())  # type: ignore[attr-defined]


def account(plane: ControlPlane, folder: Path, name: str, namespace: str, *rules: dict[str, Any]) -> Path:
    """The kubeconfig of a service account that these rules hold for in its namespace."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    plane.install({"metadata": {"name": name}, "rules": list(rules)}, f"{rbac}/roles")
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    plane.install({"metadata": {"name": name}, "subjects": [subject], "roleRef": role}, f"{rbac}/rolebindings")
    path = folder / f"{name}.kubeconfig"
    path.write_text(plane.service_account_kubeconfig(namespace, name))
    return path


VIEW: dict[str, Any] = {"apiGroups": ["graphcron.dev"], "resources": ["graphcrons"], "verbs": ["get", "list", "watch"]}
