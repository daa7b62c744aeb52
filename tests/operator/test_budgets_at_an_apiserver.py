"""Budgets at a real apiserver, by the CRD's own rules and with the rights alone that the chart gives the operator."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cluster.control_plane import ControlPlane
from graphcron.firing.formats import format_time
from graphcron.resource.windows import begin
from tests.chart.helm import operator_container, render
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.until import block_until

VALUES = ("guardrails.budgets.namespace.tokens=20000",)
CRONS = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons"
PLACES = {
    "ConfigMap": f"/api/v1/namespaces/{NAMESPACE}/configmaps",
    "Role": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings",
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    settings = {
        entry["name"]: entry["value"]
        for entry in operator_container(*VALUES)["env"]
        if entry["name"] in ("GRAPHCRON_BUDGETS", "GRAPHCRON_SPENDING_CONFIG_MAP")
    }
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver"), NAMESPACE) as plane:
        for item in render(*VALUES):
            if "spending" in item["metadata"]["name"]:
                plane.install(item, PLACES[item["kind"]])
        with charts_operator(plane, tmp_path_factory.mktemp("operator"), **settings):
            yield plane


def make(plane: ControlPlane, name: str, **spec: Any) -> None:
    spec = {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": name}, "spec": spec}
    status, answer = plane.api.request("POST", CRONS, manifest)
    assert status == 201, answer
    block_until(lambda: reason(plane, name) == "Scheduled")


def found(plane: ControlPlane, name: str) -> dict[str, Any]:
    _, answer = plane.api.request("GET", f"{CRONS}/{name}")
    return dict(answer)


def reason(plane: ControlPlane, name: str) -> str:
    conditions = found(plane, name).get("status", {}).get("conditions", [])
    return next((str(one["reason"]) for one in conditions if one["type"] == "Ready"), "")


def use(plane: ControlPlane, name: str, tokens: int) -> None:
    """The status says that it used so many."""
    since = format_time(begin("Month", datetime.now(UTC), ZoneInfo("Etc/UTC")))
    window = {"since": since, "firings": 1, "tokens": tokens}

    def put() -> bool:
        manifest = found(plane, name)
        manifest["status"] |= {"spending": {"today": window, "week": window, "month": window}}
        return bool(plane.api.request("PUT", f"{CRONS}/{name}/status", manifest)[0] == 200)

    block_until(put)


def suspended(plane: ControlPlane, name: str) -> bool:
    _, answer = plane.api.request("GET", f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/{name}")
    return bool(answer.get("spec", {}).get("suspend"))


def test_its_own_budget_and_then_that_of_its_namespace(plane: ControlPlane) -> None:
    make(plane, "own", budget={"tokens": 10_000})
    make(plane, "skips", budget={"tokens": 10, "onExceeded": "Skip"})
    make(plane, "free")
    use(plane, "own", 10_000)
    block_until(lambda: reason(plane, "own") == "OverBudget" and suspended(plane, "own"))
    use(plane, "skips", 10)
    block_until(lambda: "Until then firings of the schedule are skipped" in str(found(plane, "skips")["status"]))
    assert not suspended(plane, "skips")
    assert not suspended(plane, "free")
    use(plane, "free", 9_990)
    for name in ("own", "skips", "free"):
        block_until(lambda name=name: reason(plane, name) == "OverBudget" and suspended(plane, name))  # type: ignore[misc]
    assert "the budget of namespace ns is used up until" in str(found(plane, "free")["status"])

    def recorded() -> str:
        _, answer = plane.api.request("GET", f"{PLACES['ConfigMap']}/graphcron-spending")
        return str(answer.get("data"))

    block_until(lambda: '["20000",0]' in recorded())
