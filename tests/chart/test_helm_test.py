"""The pod and the permissions of `helm test`; tests/operator/test_helm_test.py runs what is in it."""

from tests.chart.helm import CHART, one, render

SCRIPT = CHART / "files/helm_test.py"
HOOK = "helm.sh/hook"


def test_all_of_it_is_a_hook_and_goes_when_it_went_well() -> None:
    hooks = [item for item in render() if item["metadata"]["name"] == "graphcron-test"]
    assert {item["kind"] for item in hooks} == {"ServiceAccount", "Role", "RoleBinding", "Pod"}
    for item in hooks:
        annotations = item["metadata"]["annotations"]
        assert annotations[HOOK] == "test"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    weights = {item["kind"]: int(item["metadata"]["annotations"].get("helm.sh/hook-weight", 0)) for item in hooks}
    assert weights.pop("Pod") > max(weights.values()), "its account would come after it"


def test_its_pod_runs_the_script_as_restricted_as_ours() -> None:
    spec = one("Pod", "graphcron-test")["spec"]
    (container,) = spec["containers"]
    operator = one("Deployment", "graphcron-operator")["spec"]["template"]["spec"]
    assert container["command"] == ["/opt/graphcron/bin/python", "-c"]
    assert container["args"] == [SCRIPT.read_text()]
    assert "$(" not in SCRIPT.read_text(), "Kubernetes would expand it"
    assert container["image"] == operator["containers"][0]["image"]
    assert container["securityContext"] == operator["containers"][0]["securityContext"]
    assert spec["securityContext"] == operator["securityContext"]
    assert spec["restartPolicy"] == "Never"


def test_it_is_placed_like_the_operator_and_not_beside_it() -> None:
    values = ("operator.nodeSelector.disk=ssd", 'operator.affinity:={"podAntiAffinity":{}}', "image.pullSecrets[0]=hub")
    spec = one("Pod", "graphcron-test", *values)["spec"]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["imagePullSecrets"] == [{"name": "hub"}]
    assert "affinity" not in spec
