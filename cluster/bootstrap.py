"""Creates the few objects that the local cluster itself needs in its apiserver."""

from cluster.api import Api
from cluster.errors import ClusterError

_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"/apis/{_GROUP}/v1"
_NAME = "graphcron:coredns"
_READ = ["list", "watch"]

OBJECTS: list[tuple[str, dict[str, object]]] = [
    (
        f"{_RBAC}/clusterroles",
        {
            "metadata": {"name": _NAME},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "namespaces", "pods"], "verbs": _READ},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
            ],
        },
    ),
    (
        f"{_RBAC}/clusterrolebindings",
        {
            "metadata": {"name": _NAME},
            "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": _NAME},
            "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": _NAME}],
        },
    ),
]


def ensure(api: Api) -> None:
    """Create what is not there; asking first, since a refused creation counts as a write in the audit log."""
    for path, content in OBJECTS:
        if api.request("GET", f"{path}/{_NAME}")[0] == 200:
            continue
        status, answer = api.request("POST", path, content)
        if status != 201:
            raise ClusterError(f"The apiserver refused {path}: {answer}")
