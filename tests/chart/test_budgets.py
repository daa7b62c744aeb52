"""The chart's budgets: what the operator gets of them, and what it may do for them."""

from pathlib import Path
from typing import Any

import pytest

from graphcron.operator.settings import OperatorSettings
from graphcron.resource.budget import SharedBudget, SharedBudgets
from tests.chart.helm import CHART, URL, helm, one, operator_container, render

NAMESPACE = "guardrails.budgets.namespace.tokens=2000000"


def read(*values: str) -> OperatorSettings:
    environment = operator_container(*values)["env"]
    return OperatorSettings.read({entry["name"]: entry.get("value", "x") for entry in environment})


def spending(*values: str) -> list[dict[str, Any]]:
    return [item for item in render(*values) if "spending" in item["metadata"]["name"]]


def test_by_default_there_are_none_and_the_operator_may_read_no_configmap() -> None:
    assert (read().budgets, read().spending_config_map, spending()) == (SharedBudgets(), None, [])
    assert "configmaps" not in str([item for item in render() if "Role" in item["kind"]])


@pytest.mark.parametrize("values", [("guardrails.budgets=null",), ("guardrails.budgets.owner=null",)])
def test_values_of_an_earlier_version_have_none(values: tuple[str, ...]) -> None:
    assert read(*values).budgets == SharedBudgets()


def test_each_reaches_the_operator() -> None:
    found = read(
        NAMESPACE,
        "guardrails.budgets.namespace.per=Day",
        "guardrails.budgets.owner.cost=4.50",
        "guardrails.budgets.installation.cost=20",
        "guardrails.budgets.installation.per=Week",
    )
    assert found.budgets == SharedBudgets(
        namespace=SharedBudget(tokens=2_000_000, per="Day"),
        owner=SharedBudget(cost="4.50", per="Month"),
        installation=SharedBudget(cost="20", per="Week"),
    )
    assert found.spending_config_map == "graphcron-spending"


def test_numbers_of_a_file_are_whole(tmp_path: Path) -> None:
    """They are floating-point numbers to Helm."""
    values = tmp_path / "values.yaml"
    values.write_text("guardrails: {budgets: {namespace: {tokens: 3000000000}, owner: {cost: 4000000}}}")
    done = helm("template", "graphcron", str(CHART), "--set", URL, "--values", str(values))
    assert r"\"tokens\":3000000000" in done.stdout
    assert r"\"cost\":\"4000000\"" in done.stdout


def test_the_operator_may_read_and_change_that_configmap_alone() -> None:
    for scope in ("cluster", "namespace"):
        by_kind = {item["kind"]: item for item in spending(NAMESPACE, f"scope={scope}")}
        assert set(by_kind) == {"ConfigMap", "Role", "RoleBinding"}
        (rule,) = by_kind["Role"]["rules"]
        assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (
            ["configmaps"], ["graphcron-spending"], ["get", "patch"],
        )  # fmt: skip
        assert one("ConfigMap", "graphcron-spending", NAMESPACE).get("data") is None


def test_two_limits_are_refused_with_a_sentence() -> None:
    both = ("guardrails.budgets.owner.tokens=5", "--set", "guardrails.budgets.owner.cost=5")
    done = helm("template", "graphcron", str(CHART), "--set", URL, "--set", *both)
    assert "guardrails.budgets.owner takes tokens or cost, not both: remove one" in done.stderr
