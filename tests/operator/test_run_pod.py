"""The second engine: what a GraphCron says of it, and the pod that runs the graph itself."""

from dataclasses import replace
from typing import Any

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronPatch
from graphcron.facade.translation import cron
from graphcron.facade.update import update
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import InvalidGraphCron, KeySelector
from graphcron.resource.spec import (
    IN_POD_NEVER,
)
from graphcron.resource.spec_parts import ONE_CA
from graphcron.resource.spec_reader import read_spec
from tests.support.cronjobs import environment, job_of, pod_of
from tests.support.in_pod_specs import IMAGE, IN_POD, SECRET
from tests.support.world import World, at

PODS = RunPods(
    image="graphcron:1",
    server_url="https://default.example",
    api_key=KeySelector(name="default-key", key="api-key"),
    ca_config_map=KeySelector(name="default-ca", key="ca.crt"),
    in_pod_images=("registry.example/team/*",),
)


def test_the_same_sentence_stands_in_the_condition_and_in_the_facades_answer(world: World) -> None:
    world.edit(**IN_POD)
    shown = world.graphcron | {"spec": world.graphcron["spec"] | {"onRunCompleted": "keep"}}
    assert cron(shown, at("10:30"))["payload"]["on_run_completed"] == "keep"
    with pytest.raises(RestError) as refused:
        update(world.graphcron, CronPatch(webhook="https://a.example"), at("10:30"))
    assert (refused.value.status, IN_POD_NEVER in str(refused.value)) == (422, True)
    world.edit(webhook="https://a.example")
    world.reconcile("10:30")
    assert IN_POD_NEVER in world.condition("Ready")["message"]


def test_an_update_by_rest_cannot_bring_a_placeholder_that_is_none(world: World) -> None:
    world.edit(renderInput=True, input="for {{name}}")
    with pytest.raises(RestError) as refused:
        update(world.graphcron, CronPatch(input={"text": "for {{who}}"}), at("10:30"))
    assert (refused.value.status, "input.text has a placeholder" in str(refused.value)) == (422, True)
    world.edit(input={"text": "for {{who}}"})
    world.reconcile("10:30")
    assert (world.condition("Ready")["reason"], world.condition("Stalled")["status"]) == ("InvalidSpec", "True")
    assert str(refused.value) in world.condition("Ready")["message"]


def test_an_update_by_rest_leaves_the_engine_as_it_is(world: World) -> None:
    world.edit(**IN_POD)
    changed = update(world.graphcron, CronPatch(schedule="5 * * * *"), at("10:30")).draft.manifest
    assert changed["spec"] == world.graphcron["spec"] | {"schedule": "5 * * * *"}


def test_without_an_agent_server_the_graph_runs_in_its_own_image() -> None:
    pod = pod_of(RunPods(image="graphcron:1", in_pod_images=(IMAGE,)), **IN_POD, workingDir="/srv")
    (container,) = pod["containers"]
    assert (container["image"], container["workingDir"]) == (IMAGE, "/srv")
    assert "imagePullPolicy" not in container, "ours is for our image"
    assert container["command"] == ["python3", "/graphcron"]
    assert not [name for name in environment(pod) if name.startswith("AGENT_SERVER")]


def test_the_installations_key_and_authority_stay_out_of_a_foreign_image() -> None:
    pod = pod_of(PODS, **IN_POD)
    assert "default-key" not in str(pod)
    assert "default-ca" not in str(pod)


def test_a_foreign_image_gets_no_privilege() -> None:
    pod = pod_of(PODS, **IN_POD, template={"resources": {"limits": {"cpu": "8"}}})
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert pod["containers"][0]["resources"] == {"limits": {"cpu": "8"}}
    assert pod["initContainers"][0]["resources"] == PODS.resources, "what the graph may have is not the copy's"


def test_our_image_brings_the_runner_and_the_graph_cannot_change_it() -> None:
    pod = pod_of(PODS, **IN_POD)
    (init,), (container,) = pod["initContainers"], pod["containers"]
    assert (init["image"], init["args"]) == ("graphcron:1", ["copy-runner", "/graphcron", "Etc/UTC"])
    assert [mount["mountPath"] for mount in init["volumeMounts"]] == ["/graphcron"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/graphcron"]["readOnly"] is True
    assert "readOnly" not in mounts[environment(pod)["HOME"]]
    assert "GRAPHCRON_ORDER" not in environment(pod), "what the graph starts would inherit it"
    assert mounts["/etc/graphcron/order"]["readOnly"] is True
    named = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == named


def test_secrets_come_by_reference_alone() -> None:
    pod = pod_of(
        PODS,
        **IN_POD,
        envFrom=[{"secretRef": {"name": "model-keys"}}, {"configMapRef": {"name": "settings"}}],
        checkpointer={"urlSecretRef": SECRET, "claimName": "threads"},
    )
    (container,) = pod["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "model-keys"}}, {"configMapRef": {"name": "settings"}}]
    assert environment(pod)["GRAPHCRON_CHECKPOINTER_URL"] == {"secretKeyRef": SECRET}
    assert {"name": "checkpoints", "mountPath": "/checkpoints"} in container["volumeMounts"]
    assert {"name": "checkpoints", "persistentVolumeClaim": {"claimName": "threads"}} in pod["volumes"]


def test_the_default_of_no_image_means_that_the_engine_is_off() -> None:
    with pytest.raises(InvalidGraphCron, match=r"off here; runs\.inPod\.images") as refused:
        pod_of(**IN_POD)
    assert refused.value.reason == "InPodNotAllowed"


@pytest.mark.parametrize(
    ("listed", "allowed"),
    [
        (IMAGE, True),
        ("registry.example/team/agent", False),
        ("registry.example/team/agent:*", True),
        ("registry.example/team/*", True),
        ("registry.example/other/*", False),
        ("*", True),
    ],
)
def test_an_image_is_listed_in_full_or_up_to_a_star(listed: str, allowed: bool) -> None:
    pods = RunPods(image="graphcron:1", in_pod_images=("nothing/else:1", listed))
    if allowed:
        pod_of(pods, **IN_POD)
    else:
        with pytest.raises(InvalidGraphCron, match=r"not allowed here; allowed are nothing/else:1, registry"):
            pod_of(pods, **IN_POD)


def policy(**spec: Any) -> tuple[int, list[str]]:
    job = job_of(PODS, **spec)
    return job["backoffLimit"], [rule["action"] for rule in job["podFailurePolicy"]["rules"]]


def test_without_a_checkpointer_nothing_runs_the_graph_a_second_time_unasked() -> None:
    assert policy(**IN_POD) == (0, ["FailJob"]), "a drained pod's successor would pay for the whole graph again"
    assert policy(**IN_POD, retryLimit=2) == (2, ["Ignore", "FailJob"])
    assert policy(**IN_POD, checkpointer={"urlSecretRef": SECRET}) == (3, ["Ignore", "FailJob"])
    assert policy() == (3, ["Ignore", "FailJob"])


def test_pods_that_run_a_graph_are_told_apart_by_a_label() -> None:
    def label(**spec: Any) -> str | None:
        labels: dict[str, str] = job_of(PODS, **spec)["template"]["metadata"]["labels"]
        return labels.get("graphcron.dev/engine")

    assert label(**IN_POD) == "inPod"
    assert label() is None, "a template cannot choose its NetworkPolicy: the label is reserved"


def test_an_image_of_ours_that_cannot_be_pulled_is_told_too(world: World) -> None:
    world.reconcile("10:00")
    world.fire("11:00")
    name = world.jobs[0]["metadata"]["name"]
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    labels = {"batch.kubernetes.io/job-name": name}
    world.pods.append(
        {
            "metadata": {"name": "x", "labels": labels, "creationTimestamp": "2026-12-01T11:00:01Z"},
            "status": {"initContainerStatuses": [{"state": waiting}], "containerStatuses": []},
        }
    )
    world.reconcile("11:01")
    assert world.condition("RunsStarting")["reason"] == "ImagePullBackOff"


OWN = "https://own.example"
CA_VOLUME = {"items": [{"key": "k", "path": "ca.crt"}]}


@pytest.mark.parametrize(
    ("ref", "volume"),
    [
        ("caConfigMapKeyRef", {"name": "ca", "configMap": {"name": "own-ca"} | CA_VOLUME}),
        ("caSecretKeyRef", {"name": "ca", "secret": {"secretName": "own-ca"} | CA_VOLUME}),
    ],
)
@pytest.mark.parametrize("lent", [False, True], ids="kept lent".split())
def test_a_server_of_ones_own_has_the_authority_that_the_spec_names(
    ref: str, volume: dict[str, Any], lent: bool
) -> None:
    pod = pod_of(replace(PODS, ca_for_own_servers=lent), server={"url": OWN, ref: {"name": "own-ca", "key": "k"}})
    assert pod["volumes"] == [volume]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "ca", "mountPath": "/etc/graphcron/ca", "readOnly": True}]
    assert environment(pod)["AGENT_SERVER_CA_FILE"] == "/etc/graphcron/ca/ca.crt"
    assert "AGENT_SERVER_EXTRA_CA_FILE" not in environment(pod)


def test_two_authorities_are_one_too_many() -> None:
    both = {name: {"name": "ca", "key": "k"} for name in ("caConfigMapKeyRef", "caSecretKeyRef")}
    with pytest.raises(InvalidGraphCron, match=ONE_CA):
        read_spec({"schedule": "0 * * * *", "assistantId": "agent", "server": {"url": OWN} | both})


def test_the_installations_authority_is_trusted_for_other_servers_only_where_it_says_so() -> None:
    assert "volumes" not in pod_of(PODS, server={"url": OWN})
    pod = pod_of(replace(PODS, ca_for_own_servers=True), server={"url": OWN})
    assert pod["volumes"][0]["configMap"]["name"] == "default-ca"
    given = environment(pod)
    assert given["AGENT_SERVER_EXTRA_CA_FILE"] == "/etc/graphcron/ca/ca.crt"
    assert "AGENT_SERVER_CA_FILE" not in given, "what is on the internet would not be trusted any more"


EXTRA: tuple[dict[str, Any], ...] = (
    {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "https"}}},
    {"name": "TZ", "value": "UTC"},
    {"name": "AGENT_SERVER_URL", "value": "http://evil.example"},
    {"name": "HOME", "value": "/root"},
)


@pytest.mark.parametrize("spec", [{}, IN_POD], ids=["following", "in the pod"])
def test_each_run_pod_knows_its_job_and_what_made_it(spec: dict[str, Any]) -> None:
    given = environment(pod_of(PODS, **spec))
    paths = {name: source["fieldRef"]["fieldPath"] for name, source in given.items() if "fieldRef" in source}
    assert {name: path for name, path in paths.items() if name != "GRAPHCRON_ORDER"} == {
        "GRAPHCRON_JOB_NAME": "metadata.labels['batch.kubernetes.io/job-name']",
        "GRAPHCRON_JOB_UID": "metadata.labels['batch.kubernetes.io/controller-uid']",
        "GRAPHCRON_TRIGGER": "metadata.annotations['graphcron.dev/trigger']",
    }


@pytest.mark.parametrize("spec", [{}, IN_POD], ids=["following", "in the pod"])
def test_each_run_pod_has_the_installations_variables_and_none_replaces_ours(spec: dict[str, Any]) -> None:
    pod = pod_of(replace(PODS, extra_env=EXTRA), **spec)
    given, plain = environment(pod), environment(pod_of(PODS, **spec))
    assert given["HTTPS_PROXY"] == EXTRA[0]["valueFrom"]
    assert given["TZ"] == "UTC"
    assert plain.items() <= given.items()
    names = [entry["name"] for entry in pod["containers"][0]["env"]]
    assert len(names) == len(set(names)), "server-side apply refuses a name that is there twice"
    assert "HTTPS_PROXY" not in str(pod.get("initContainers", "")), "copying needs no network"
