"""What kind is told; no engine takes part."""

import json
from pathlib import Path

from cluster import kind
from cluster.paths import Place

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


def test_the_node_image_is_left_to_kind() -> None:
    assert "image" not in json.loads(kind.config(PLACE))["nodes"][0]


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
