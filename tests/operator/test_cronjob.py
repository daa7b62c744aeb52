"""The CronJob and its pods: how they are secured, and whose credentials they get."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from graphcron.operator.cronjob import Timing, cron_job
from graphcron.operator.run_pod import POD_SECURITY, RunPods
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.order_of import order
from graphcron.resource.spec import GraphCronSpec
from graphcron.schedule.expression import read
from tests.support.cronjobs import INSTALLATION, METADATA, environment, pod_of
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


def test_the_template_cannot_take_over_our_labels_or_order() -> None:
    manifest = cron_job(
        {"metadata": METADATA},
        GraphCronSpec.model_validate(
            {
                "schedule": "0 * * * *",
                "assistantId": "agent",
                "template": {
                    "labels": {"app.kubernetes.io/managed-by": "me", "team": "blue"},
                    "annotations": {"graphcron.dev/order": "{}"},
                },
            }
        ),
        Timing(read("0 * * * *"), suspend=False, not_before=None),
        INSTALLATION,
    )
    template = manifest["spec"]["jobTemplate"]["spec"]["template"]["metadata"]
    assert template["labels"]["app.kubernetes.io/managed-by"] == "graphcron"
    assert template["labels"]["team"] == "blue"
    assert '"cron_id"' in template["annotations"]["graphcron.dev/order"]


@pytest.mark.parametrize(("policy", "replace"), [(None, False), ("Allow", False), ("Forbid", False), ("Replace", True)])
def test_only_replace_tells_the_run_pods_to_cancel_earlier_runs(policy: str | None, replace: bool) -> None:
    spec = {"schedule": "0 * * * *", "assistantId": "agent"} | ({"concurrencyPolicy": policy} if policy else {})
    assert order(METADATA, GraphCronSpec.model_validate(spec), None).replace is replace


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
