"""What kind is told; no engine takes part."""

import json
from pathlib import Path

import pytest
import yaml

from cluster import kind
from cluster.paths import HERE, Place

PLACE = Place(Path("/home/me/graphcron"))


def test_the_cluster_is_created_under_our_name_with_our_kubeconfig_only() -> None:
    command = kind.create_command(PLACE)
    assert command[:3] == ["/home/me/graphcron/.build/bin/kind", "create", "cluster"]
    assert command[command.index("--name") + 1] == PLACE.network
    assert command[command.index("--kubeconfig") + 1] == "/home/me/graphcron/.build/kubeconfig"
    assert command[command.index("--config") + 1] == "/home/me/graphcron/.build/cluster/config/kind.json"


def test_the_node_has_one_role_and_sees_the_state_folder() -> None:
    config = json.loads(kind.config(PLACE))
    (node,) = config["nodes"]
    assert node["role"] == "control-plane"
    assert node["extraMounts"] == [{"hostPath": "/home/me/graphcron/.build/cluster", "containerPath": "/graphcron"}]


def test_the_node_image_is_left_to_kind_unless_one_is_named() -> None:
    assert "image" not in json.loads(kind.config(PLACE))["nodes"][0]
    assert "--image" not in kind.create_command(PLACE)
    assert kind.create_command(PLACE, "mirror.example/node:v1")[-2:] == ["--image", "mirror.example/node:v1"]


@pytest.mark.parametrize(("kubernetes", "fails"), [("1.37.2", False), ("1.35.0", False), ("1.31.0", None)])
def test_a_kubelet_is_let_run_on_cgroup_v1(kubernetes: str, fails: bool | None) -> None:
    """From 1.35 on it refuses to, unless told; before, it refuses a configuration with an unknown field."""
    kubelet = kind.kubelet_for(kubernetes, cgroup_v1=True)
    assert kubelet.get("failCgroupV1") is fails
    *_, patch = json.loads(kind.config(PLACE, kubelet))["nodes"][0]["kubeadmConfigPatches"]
    assert json.loads(patch) == {"kind": "KubeletConfiguration"} | kubelet


def test_on_cgroup_v2_the_kubelet_is_left_as_kind_has_it() -> None:
    assert kind.config(PLACE, kind.kubelet_for("1.37.2", cgroup_v1=False)) == kind.config(PLACE)


def test_an_images_tag_says_its_kubernetes() -> None:
    assert kind.version_of("mirror.example:5000/kindest/node:v1.33.1@sha256:00") == "1.33.1"
    assert kind.version_of("localhost/graphcron-node:v1.31.0-abc") == "1.31.0"
    assert kind.version_of(None) == kind.version_of("mirror.example/node:latest") == next(iter(kind.PROGRAMS))


def test_nodes_are_made_here_of_the_newest_and_the_oldest_kubernetes_that_the_chart_is_for() -> None:
    newest, oldest = kind.PROGRAMS
    chart = yaml.safe_load((HERE.root / "charts/graphcron/Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={oldest}-0"
    assert tuple(map(int, newest.split("."))) > tuple(map(int, oldest.split(".")))


def test_the_audit_log_is_configured_in_both_dialects_of_kubeadm() -> None:
    (node,) = json.loads(kind.config(PLACE))["nodes"]
    patches = {patch["apiVersion"]: patch for patch in map(json.loads, node["kubeadmConfigPatches"])}
    older = patches["kubeadm.k8s.io/v1beta3"]["apiServer"]["extraArgs"]
    newer = patches["kubeadm.k8s.io/v1beta4"]["apiServer"]["extraArgs"]
    assert older["audit-log-path"] == f"/graphcron/{PLACE.audit_log.name}"
    assert {argument["name"]: argument["value"] for argument in newer} == older


def test_the_policy_lies_where_the_apiserver_looks() -> None:
    assert PLACE.audit_policy == PLACE.state / "audit-policy.yaml"
    assert "/graphcron/audit-policy.yaml" in kind.config(PLACE)
