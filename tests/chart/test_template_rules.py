"""Which labels and annotations the chart lets a template have: the apiserver says what the operator says. And that
no guard rail is in the way of a pause."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.operator.guardrails import refusal
from graphcron.operator.run_pod import RunPods
from graphcron.operator.settings import OperatorSettings
from graphcron.resource.spec_reader import read_spec
from tests.chart.helm import operator_container, policy
from tests.support import chart_apiserver
from tests.support.chart_apiserver import await_that, graphcron, kubectl
from tests.support.graphcron_apiserver import graphcron_apiserver

LABELS = ["team", "example.com/*"]
LISTS = (f"guardrails.templateLabels:={json.dumps(LABELS)}", "guardrails.templateAnnotations:=[]")


def run_pods(*values: str) -> RunPods:
    """What the operator reads from the environment that the chart gives it."""
    environment = operator_container(*values)["env"]
    return OperatorSettings.read({entry["name"]: entry.get("value", "x") for entry in environment}).pods


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver"), "ns") as plane:
        before = graphcron(template={"labels": {"before": "x"}})
        before["metadata"]["name"] = "before"
        plane.install(before, "/apis/graphcron.dev/v1/namespaces/ns/graphcrons")
        kubectl(plane, "apply", stdin=policy(*LISTS))
        await_that(lambda: chart_apiserver.refusal(plane, graphcron(template={"labels": {"other": "x"}})) != "")
        yield plane


TEMPLATES: dict[str, tuple[dict[str, Any], bool]] = {
    "no template": ({}, True),
    "no keys": ({"labels": {}, "annotations": {}}, True),
    "a listed label": ({"labels": {"team": "blue"}}, True),
    "a label of a listed domain": ({"labels": {"example.com/cost-center": "42"}}, True),
    "a label that begins alike": ({"labels": {"teams": "blue"}}, False),
    "a label that is not listed": ({"labels": {"app": "web"}}, False),
    "one of two": ({"labels": {"team": "blue", "app": "web"}}, False),
    "any annotation": ({"annotations": {"team": "blue"}}, False),
}


@pytest.mark.parametrize(("template", "allowed"), TEMPLATES.values(), ids=TEMPLATES)
def test_apiserver_and_operator_say_the_same(guarded: ControlPlane, template: dict[str, Any], allowed: bool) -> None:
    manifest = graphcron(template=template)
    answer, refused = chart_apiserver.refusal(guarded, manifest), refusal(read_spec(manifest["spec"]), run_pods(*LISTS))
    assert (answer == "", refused is None) == (allowed, allowed)
    if refused:
        assert refused.complaint in answer


def test_by_default_every_key_that_is_not_reserved_is_allowed_and_no_policy_is_made() -> None:
    assert policy() == []
    assert run_pods().template_labels == run_pods().template_annotations == ("*",)


def test_values_of_an_earlier_version_have_no_such_lists_and_restrict_nothing() -> None:
    """`helm upgrade --reuse-values` brings them."""
    missing = ("guardrails.templateLabels=null", "guardrails.templateAnnotations=null")
    assert policy(*missing) == []
    assert run_pods(*missing).template_labels == ("*",)


def test_what_was_there_before_can_be_paused_and_not_resumed(guarded: ControlPlane) -> None:
    path = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons/before"
    _, old = guarded.api.request("GET", path)
    old["spec"]["enabled"] = False
    status, paused = guarded.api.request("PUT", path, old)
    assert status == 200, paused
    paused["spec"]["enabled"] = True
    status, answer = guarded.api.request("PUT", path, paused)
    assert (status, "not allowed here" in answer["message"]) == (422, True)
    assert chart_apiserver.refusal(guarded, graphcron(enabled=False, template={"labels": {"app": "web"}})) != ""
