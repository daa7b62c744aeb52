"""What an apiserver says of engine inPod, in the same words as the facade and the conditions: the CRD's own rules, and
which images the chart lets run. And what else the chart does for pods that run a graph.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.operator import guardrails, run_pod
from tests.chart.helm import CHART, helm, one, operator_container, policy
from tests.support.chart_apiserver import await_that, graphcron, kubectl, refusal
from tests.support.chart_values import POLICIES
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.in_pod_specs import IN_POD, SECRET, THREAD, UNFIT


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver"), "ns") as plane:
        yield plane


@pytest.mark.parametrize(("spec", "sentence"), UNFIT.values(), ids=UNFIT)
def test_the_apiserver_refuses_what_does_not_fit_the_engine(
    plane: ControlPlane, spec: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal(plane, graphcron(**spec))


FIT = {
    "the Agent Server, by name": {"engine": "agentServer", "webhook": "https://a.example"},
    "an image": IN_POD,
    "a thread that is kept": IN_POD
    | {"threadId": THREAD, "checkpointer": {"urlSecretRef": SECRET, "claimName": "threads"}},
    "variables": IN_POD | {"workingDir": "/app", "envFrom": [{"secretRef": {"name": "keys"}}]},
}


@pytest.mark.parametrize("spec", FIT.values(), ids=FIT)
def test_the_apiserver_takes_what_fits(plane: ControlPlane, spec: dict[str, Any]) -> None:
    assert refusal(plane, graphcron(**spec)) == ""


LISTED = ["registry.example/team/*", "registry.example/exact:1"]
IMAGES = f"runs.inPod.images:={json.dumps(LISTED)}"


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane) -> Iterator[ControlPlane]:
    kubectl(plane, "apply", stdin=policy(IMAGES))
    await_that(lambda: refusal(plane, graphcron(**IN_POD | {"image": "evil.example/x"})) != "")
    yield plane
    kubectl(plane, "delete", stdin=policy(IMAGES))


def test_an_image_is_held_against_the_list_by_apiserver_and_operator_alike(guarded: ControlPlane) -> None:
    said = guardrails.IMAGE.format(", ".join(LISTED))
    images = {
        "registry.example/team/agent:1": True,
        "registry.example/team/": True,
        "registry.example/exact:1": True,
        "registry.example/exact:12": False,
        "registry.example/exact": False,
        "registry.example/teams/agent:1": False,
        "evil.example/registry.example/team/agent:1": False,
    }
    for image, allowed in images.items():
        assert guardrails.is_listed(image, tuple(LISTED)) is allowed, image
        answer = refusal(guarded, graphcron(**IN_POD | {"image": image}))
        assert (said in answer, answer == "") == (not allowed, allowed), image
    assert refusal(guarded, graphcron()) == "", "the other engine has no image"


def test_while_no_image_is_listed_a_policy_that_is_there_refuses_the_engine(plane: ControlPlane) -> None:
    hosts = 'guardrails.agentServerHosts:=["agents.example.com"]'
    (rule,) = [
        rule for item in policy(hosts) for rule in item["spec"].get("validations", []) if "inPod" in rule["expression"]
    ]
    assert rule["message"] == guardrails.NO_IMAGE
    held = [item | {"metadata": item["metadata"] | {"name": "hosts"}} for item in policy(hosts)]
    held[1]["spec"]["policyName"] = "hosts"
    kubectl(plane, "apply", stdin=held)
    await_that(lambda: guardrails.NO_IMAGE in refusal(plane, graphcron(**IN_POD)))
    assert refusal(plane, graphcron()) == ""
    kubectl(plane, "delete", stdin=held)


def test_every_image_may_be_allowed_and_none_is_by_default() -> None:
    assert policy() == policy('runs.inPod.images:=["*"]') == []
    assert environment()["GRAPHCRON_IN_POD_IMAGES"] == "[]"


def environment(*values: str) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in operator_container(*values)["env"]}


def test_the_operator_is_told_images_and_resources() -> None:
    given = environment(IMAGES, "runs.inPod.resources.limits.memory=3Gi")
    assert json.loads(given["GRAPHCRON_IN_POD_IMAGES"]) == LISTED
    assert json.loads(given["GRAPHCRON_IN_POD_RESOURCES"])["limits"]["memory"] == "3Gi"


def test_an_installation_needs_no_agent_server_when_graphs_may_run_without() -> None:
    words = ("template", "graphcron", str(CHART))
    assert "agentServer.url is not set" in helm(*words).stderr
    assert helm(*words, "--set-json", 'runs.inPod.images=["*"]', "--set", "networkPolicy.enabled=true").returncode == 0


@pytest.mark.parametrize("wrong", ["a b", "x*y", "**"])
def test_a_pattern_with_a_star_elsewhere_is_refused(wrong: str) -> None:
    done = helm("template", "graphcron", str(CHART), "--set-json", f"runs.inPod.images={json.dumps([wrong])}")
    assert "/runs/inPod/images/0" in done.stderr


def test_pods_that_run_a_graph_have_a_network_policy_of_their_own() -> None:
    before, after = (one("NetworkPolicy", "graphcron-run", *POLICIES, *on)["spec"] for on in ((), (IMAGES,)))
    apart = {"key": "graphcron.dev/engine", "operator": "NotIn", "values": ["inPod"]}
    assert apart in after["podSelector"]["matchExpressions"]
    assert before["egress"] == after["egress"]
    own = one("NetworkPolicy", "graphcron-run-in-pod", *POLICIES, IMAGES)["spec"]
    assert own["podSelector"]["matchLabels"].items() >= run_pod.IN_POD_LABEL.items()
    assert own["ingress"] == []
    dns, models = own["egress"]
    assert dns == after["egress"][0]
    assert "10.0.0.0/8" in models["to"][0]["ipBlock"]["except"], "nothing of the cluster"
    anywhere = one("NetworkPolicy", "graphcron-run-in-pod", *POLICIES, IMAGES, "networkPolicy.inPod.to:=[]")["spec"]
    assert anywhere["egress"] == [dns, {}]
