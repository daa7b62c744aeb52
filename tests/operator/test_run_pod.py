"""The second engine: what a GraphCron says of it, and the pod that runs the graph itself."""

from dataclasses import replace
from typing import Any

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronPatch
from graphcron.facade.translation import cron
from graphcron.facade.update import update
from graphcron.firing.order import ORDER_ANNOTATION, Order
from graphcron.operator.cronjob import not_before
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import InvalidGraphCron, KeySelector
from graphcron.resource.spec import (
    IN_POD_NEVER,
    GraphCronSpec,
    read_spec,
)
from tests.support.cronjobs import environment, job_of, pod_of
from tests.support.in_pod_specs import IMAGE, IN_POD, SECRET, UNFIT
from tests.support.world import World, at

PODS = RunPods(
    image="graphcron:1",
    server_url="https://default.example",
    api_key=KeySelector(name="default-key", key="api-key"),
    ca_config_map=KeySelector(name="default-ca", key="ca.crt"),
    in_pod_images=("registry.example/team/*",),
)


@pytest.mark.parametrize(("spec", "sentence"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_the_engine_is_refused_with_a_sentence(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidGraphCron) as refused:
        read_spec({"schedule": "0 * * * *", "assistantId": "agent"} | spec)
    assert sentence in refused.value.message


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
    assert (init["image"], init["args"]) == ("graphcron:1", ["copy-runner", "/graphcron"])
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


class TestAnImageThatIsTakenOffTheList:
    @pytest.fixture
    def forbidden(self, world: World) -> World:
        world.run_pods = PODS
        world.edit(**IN_POD)
        world.reconcile("10:05")
        assert world.cron_job
        assert not world.cron_job["spec"]["suspend"]
        world.run_pods = replace(PODS, in_pod_images=("registry.example/other/*",))
        world.reconcile("10:06")
        return world

    def test_is_not_run_any_more_and_the_status_says_so(self, forbidden: World) -> None:
        assert forbidden.cron_job
        assert forbidden.cron_job["spec"]["suspend"]
        said = "Suspended: spec.image is not allowed here; allowed are registry.example/other/*; "
        for kind, value in (("Ready", "False"), ("Stalled", "True"), ("Suspended", "True")):
            condition = forbidden.condition(kind)
            assert (condition["status"], condition["reason"]) == (value, "InPodNotAllowed")
            assert condition["message"].startswith(said)
        status = forbidden.graphcron["status"]
        assert (status["enabled"], status["nextRunTimes"]) == (False, [])
        assert forbidden.events.count("Warning InPodNotAllowed") == 1
        forbidden.writes.clear()
        forbidden.reconcile("11:30")
        assert forbidden.writes == []

    def test_runs_again_when_it_is_back_and_catches_up_on_nothing(self, forbidden: World) -> None:
        forbidden.run_pods = PODS
        forbidden.reconcile("12:30")
        assert forbidden.cron_job
        assert not forbidden.cron_job["spec"]["suspend"]
        assert not_before(forbidden.cron_job) == at("12:30")
        assert forbidden.condition("Ready")["reason"] == "Scheduled"

    def test_is_of_no_use_to_a_new_graphcron(self, world: World) -> None:
        for enabled in (True, False):
            world.edit(**IN_POD, enabled=enabled)
            world.reconcile("10:05")
            assert world.cron_job is None
            assert world.condition("Ready")["reason"] == "InPodNotAllowed"


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

    claimed = {"labels": {"graphcron.dev/engine": "inPod"}}
    assert label(**IN_POD, template={"labels": {"graphcron.dev/engine": "none"}}) == "inPod"
    assert label(template=claimed) is None, "it would choose its own NetworkPolicy"
    assert label() is None


def test_the_order_is_the_same_for_both_engines() -> None:
    spec: dict[str, Any] = {
        "schedule": "0 * * * *",
        "assistantId": "agent",
        "input": {"a": 1},
        "config": {"recursion_limit": 5},
    }
    annotations = job_of(PODS, **IN_POD, **spec)["template"]["metadata"]["annotations"]
    order = Order.from_json(annotations[ORDER_ANNOTATION])
    named = {"cron_id": order.cron_id, "graphcron_cron": order.cron_id}
    assert order.request["config"] == {"recursion_limit": 5, "configurable": named}


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


def test_engine_is_the_agent_server_unless_said_otherwise() -> None:
    assert not GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "agent"}).in_pod
