"""Writes kubeconfigs: who somebody is, and how the apiserver is reached and trusted."""

import base64
from pathlib import Path

from cluster import files
from cluster.paths import Place
from cluster.plan import Plan

_COMPONENTS = ("controller-manager", "scheduler", "kubelet", "proxy", "coredns")

_TEMPLATE = """\
apiVersion: v1
kind: Config
clusters:
- name: graphcron
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: graphcron
  context:
    cluster: graphcron
    user: {user}
current-context: graphcron
"""


def path_of(place: Place, component: str) -> Path:
    """The kubeconfig by which a component of the local cluster reaches the apiserver."""
    return place.config / f"{component}.kubeconfig"


def write_all(place: Place, plan: Plan) -> None:
    """The administrator's, at the place that everybody knows, and one for each component."""
    files.write(place.kubeconfig, _text(place, plan, "admin"), mode=0o600)
    for component in _COMPONENTS:
        files.write(path_of(place, component), _text(place, plan, component), mode=0o600)


def _text(place: Place, plan: Plan, user: str) -> str:
    def encoded(name: str) -> str:
        return base64.b64encode((place.pki / name).read_bytes()).decode()

    return _TEMPLATE.format(
        server=plan.api, user=user,
        authority=encoded("ca.crt"), certificate=encoded(f"{user}.crt"), key=encoded(f"{user}.key"),
    )  # fmt: skip
