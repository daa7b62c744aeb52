"""The CronJob and its pods: how they are secured, and whose credentials they get."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from graphcron.operator.run_pod import RunPods
from graphcron.operator.run_pod_defaults import POD_SECURITY
from graphcron.resource.fields import InvalidGraphCron
from tests.support.cronjobs import INSTALLATION, environment, job_of, pod_of
from tests.support.in_pod_specs import IN_POD


def test_a_run_pod_has_no_token_and_no_privilege() -> None:
    pod = pod_of()
    container = pod["containers"][0]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_user_is_the_installations_to_choose_or_the_platforms() -> None:
    """OpenShift gives each namespace a range of user ids, and refuses a pod that names another."""
    platform = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    strict = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pods = replace(INSTALLATION, pod_security=platform, container_security=strict)
    pod = pod_of(pods)
    assert pod["securityContext"] == platform
    assert pod["containers"][0]["securityContext"] == strict
    assert pods.digest != INSTALLATION.digest, "CronJobs that are there would keep their user"


def test_a_graphcron_may_choose_user_and_groups_and_nothing_else_of_what_secures_its_pod() -> None:
    own = {"runAsUser": 1000, "fsGroup": 2000}
    assert pod_of(template={"podSecurityContext": own})["securityContext"] == dict(POD_SECURITY) | own


@pytest.mark.parametrize("unfit", [{"runAsUser": 0}, {"fsGroup": -1}, {"runAsNonRoot": False}, {"sysctls": []}])
def test_a_graphcron_cannot_ask_for_root_or_for_less_security(unfit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        pod_of(template={"podSecurityContext": unfit})


def test_the_installations_credentials_go_to_its_own_server() -> None:
    given = environment(pod_of())
    assert given["AGENT_SERVER_URL"] == "https://default.example"
    assert given["AGENT_SERVER_API_KEY"] == {"secretKeyRef": {"name": "default-key", "key": "api-key"}}


def test_another_server_gets_only_what_the_graphcron_brings() -> None:
    pod = pod_of(server={"url": "https://other.example/$(HOME)"})
    given = environment(pod)
    assert given["AGENT_SERVER_URL"] == "https://other.example/$$(HOME)", "Kubernetes would expand $(HOME)"
    assert "AGENT_SERVER_API_KEY" not in given
    assert "AGENT_SERVER_CA_FILE" not in given
    assert "default-key" not in str(pod)
    own = environment(pod_of(server={"url": "https://other.example", "apiKeySecretRef": {"name": "o", "key": "k"}}))
    assert own["AGENT_SERVER_API_KEY"] == {"secretKeyRef": {"name": "o", "key": "k"}}


def test_without_any_server_it_says_where_to_set_one() -> None:
    with pytest.raises(InvalidGraphCron, match=r"spec\.server\.url, or agentServer\.url"):
        pod_of(RunPods(image="graphcron:1"))


@pytest.mark.parametrize(("namespace", "account"), [("graphcron-system", "graphcron-run"), ("team", None)])
def test_the_run_account_is_named_only_where_it_exists(namespace: str, account: str | None) -> None:
    assert pod_of(namespace=namespace).get("serviceAccountName") == account


@pytest.mark.parametrize("spec", [{}, IN_POD], ids=["following", "in the pod"])
def test_elsewhere_the_account_that_the_installation_names_is_taken(spec: dict[str, Any]) -> None:
    pods = replace(INSTALLATION, service_account="agents", service_account_elsewhere="agents", in_pod_images=("*",))
    for namespace in ("graphcron-system", "team"):
        pod = pod_of(pods, namespace, **spec)
        assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("agents", False)


def test_the_template_adds_labels_and_annotations_to_ours() -> None:
    """What would replace one of ours is refused before (tests/resource/test_doors.py)."""
    template = {"labels": {"team": "blue"}, "annotations": {"example.com/cost-center": "42"}}
    metadata = job_of(template=template)["template"]["metadata"]
    usual = job_of()["template"]["metadata"]
    assert metadata["labels"] == usual["labels"] | {"team": "blue"}
    assert metadata["annotations"] == usual["annotations"] | {"example.com/cost-center": "42"}
    assert usual["annotations"]["kubectl.kubernetes.io/default-container"] == "run"


def test_the_template_places_the_pod_as_it_is_written() -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "arch", "operator": "In", "values": ["arm64"]}]}]}
    placed = {
        "tolerations": [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 0}, {"operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}, "podAffinity": {}},
    }
    resources = {"requests": {"cpu": 1, "memory": "64Mi"}, "limits": {}}
    pod = pod_of(template=placed | {"resources": resources})
    assert {name: pod[name] for name in placed} == placed
    assert pod["containers"][0]["resources"] == resources


def test_an_order_goes_by_the_environment_and_a_pod_that_needs_no_volume_has_none() -> None:
    """A kubelet takes 0.3 s for the first volume of a pod. An empty list would never be what the apiserver has."""
    pod = pod_of(RunPods(image="graphcron:1", server_url="https://default.example"))
    path = "metadata.annotations['graphcron.dev/order']"
    assert environment(pod)["GRAPHCRON_ORDER"] == {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}
    assert "volumes" not in pod
    assert "volumeMounts" not in pod["containers"][0]


@pytest.mark.parametrize("character", ["x", "é", "🌍"])
def test_an_order_that_is_too_large_for_the_environment_is_a_file(character: str) -> None:
    """Linux counts bytes, and 128 KiB of them with the variable's name."""
    text = character * (97 * 1024 // len(character.encode()))
    pod = pod_of(input={"text": text})
    assert "GRAPHCRON_ORDER" not in environment(pod)
    assert pod["volumes"][0]["name"] == "order"
    assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == "/etc/graphcron/order"
    just = pod_of(input={"text": text[: 95 * 1024 // len(character.encode())]})
    assert "GRAPHCRON_ORDER" in environment(just)
    assert [volume["name"] for volume in just["volumes"]] == ["ca"]


def test_input_from_a_secret_is_mounted_not_read() -> None:
    pod = pod_of(inputFrom={"secretKeyRef": {"name": "big", "key": "payload"}})
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "input"]
    assert volume["secret"] == {"secretName": "big", "items": [{"key": "payload", "path": "input.json"}]}
