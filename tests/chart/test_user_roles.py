"""The ClusterRoles for people who use GraphCrons, at a real apiserver, and `kubectl get all` of those without them."""

import json
from collections.abc import Iterator

import pytest

from cluster.control_plane import ControlPlane
from cluster.errors import ClusterError
from examples.demo.session import Session
from tests.chart.helm import Manifest, render, rules
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SPACE = "team"
READS = {"get", "list", "watch"}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def user_roles(*values: str) -> dict[str, Manifest]:
    """By the last word of its name."""
    found = {item["metadata"]["name"]: item for item in render(*values) if item["kind"] == "ClusterRole"}
    return {name.rpartition("-")[2]: role for name, role in found.items() if name.endswith(("-view", "-edit"))}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), SPACE) as plane:
        for name, role in user_roles().items():
            plane.install(role, f"{RBAC}/clusterroles")
            allow(plane, f"has-{name}", "ClusterRole", role["metadata"]["name"])
        yield plane


@pytest.fixture(scope="module")
def session(plane: ControlPlane) -> Session:
    return Session(SPACE, plane.place)


def allow(plane: ControlPlane, user: str, kind: str, role: str) -> None:
    """That user has that role in the namespace."""
    group = "rbac.authorization.k8s.io"
    manifest = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": kind, "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    plane.install(manifest, f"{RBAC}/namespaces/{SPACE}/rolebindings")


def may(session: Session, user: str, *words: str, what: str = "graphcrons") -> set[str]:
    """The verbs that the apiserver allows; with more words for kubectl."""

    def allowed(verb: str) -> bool:
        try:
            return session.kubectl("auth", "can-i", verb, what, f"--as={user}", *words).strip() == "yes"
        except ClusterError:
            return False

    return {verb for verb in READS | WRITES if allowed(verb)}


@pytest.mark.parametrize("what", ["graphcrons", "graphcronbackfills", "graphcronchannels"])
def test_a_viewer_reads_and_changes_none_and_an_editor_does(session: Session, what: str) -> None:
    assert may(session, "has-view", what=what) == READS
    assert may(session, "has-edit", what=what) == READS | WRITES
    assert not may(session, "has-edit", "--subresource=status", what=what)


def test_an_editor_creates_and_deletes_graphcrons(session: Session) -> None:
    session.kubectl("create", "--as=has-edit", "-f", "-", stdin=json.dumps(graphcron("edited")))
    session.kubectl("delete", "--as=has-edit", "graphcron", "edited")


def test_view_and_edit_of_kubernetes_include_them_unless_switched_off(plane: ControlPlane) -> None:
    """By the labels that the apiserver's own roles select; to add up their rules is a controller's work."""

    def included(*values: str) -> dict[str, set[str]]:
        roles = user_roles(*values)
        return {
            standard: {name for name, role in roles.items() if selects(plane, standard, role)}
            for standard in ("view", "edit", "admin")
        }

    assert included() == {"view": {"view"}, "edit": {"view", "edit"}, "admin": {"view", "edit"}}
    assert included("userRoles.aggregateToEdit=false") == {"view": {"view"}, "edit": {"view"}, "admin": {"view"}}
    neither = ("userRoles.aggregateToView=false", "userRoles.aggregateToEdit=false")
    assert included(*neither) == {"view": set(), "edit": set(), "admin": set()}
    # Who may edit may read, whatever viewers of other objects may.
    assert included("userRoles.aggregateToView=false")["edit"] == {"edit"}
    assert {verb for _, verb in rules(user_roles()["edit"])} >= READS


def selects(plane: ControlPlane, standard: str, role: Manifest) -> bool:
    """Whether that ClusterRole of Kubernetes takes this one in, itself or by way of another standard role."""
    status, found = plane.api.request("GET", f"{RBAC}/clusterroles/{standard}")
    assert status == 200
    labels = role["metadata"]["labels"].items()
    return any(
        selector["matchLabels"].items() <= labels for selector in found["aggregationRule"]["clusterRoleSelectors"]
    )


def test_they_come_with_the_crd_and_are_of_one_release_only() -> None:
    assert set(user_roles("scope=namespace")) == {"view", "edit"}
    assert set(user_roles("crds.enabled=false")) == {"view", "edit"}, "the CRD comes in another way"
    assert not user_roles("scope=namespace", "crds.enabled=false"), "a further release, which must not need them"
    assert not user_roles("userRoles.enabled=false")
    (view,) = [role for name, role in user_roles("fullnameOverride=crons").items() if name == "view"]
    assert view["metadata"]["name"] == "crons-view"


def test_they_stay_as_long_as_graphcrons_do() -> None:
    """Crons that fire on after an uninstall need somebody who may stop them."""
    kept = {"helm.sh/resource-policy": "keep"}
    assert all(role["metadata"].get("annotations") == kept for role in user_roles().values())
    assert not any(role["metadata"].get("annotations") for role in user_roles("crds.keep=false").values())


def test_kubectl_get_all_does_not_fail_for_who_may_not_see_graphcrons(plane: ControlPlane, session: Session) -> None:
    """A role as platform teams write it: all that Kubernetes itself calls `all`, by name."""
    role = {
        "metadata": {"name": "developer"},
        "rules": [
            {"apiGroups": [""], "resources": ["pods", "services", "replicationcontrollers"], "verbs": ["list"]},
            {
                "apiGroups": ["apps", "batch", "autoscaling"],
                "resources": [
                    *("deployments", "replicasets", "statefulsets", "daemonsets"),
                    *("jobs", "cronjobs", "horizontalpodautoscalers"),
                ],
                "verbs": ["list"],
            },
        ],
    }
    plane.install(role, f"{RBAC}/namespaces/{SPACE}/roles")
    allow(plane, "developer", "Role", "developer")
    assert not may(session, "developer")
    session.kubectl("get", "all", "--as=developer")
