"""charts/graphcron/extras/kube-state-metrics.yaml asks only for fields that a GraphCron has."""

from collections.abc import Iterator
from typing import Any

import yaml

from graphcron.resource import crd
from tests.chart.helm import CHART


def metrics() -> list[dict[str, Any]]:
    whole = yaml.safe_load((CHART / "extras/kube-state-metrics.yaml").read_text())
    assert whole["kind"] == "CustomResourceStateMetrics"
    (resource,) = whole["spec"]["resources"]
    served = crd.manifest()["spec"]
    group, (version,), kind = served["group"], served["versions"], served["names"]["kind"]
    assert resource["groupVersionKind"] == {"group": group, "version": version["name"], "kind": kind}
    assert resource["labelsFromPath"] == {name: ["metadata", name] for name in ("namespace", "name")}
    found: list[dict[str, Any]] = resource["metrics"]
    return found


def at(path: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the field at that path; a number is a place in a list."""
    for part in path:
        schema = schema["items"] if part.isdigit() else schema["properties"][part]
    return schema


def values(gauge: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema of each value that becomes a sample."""
    root = crd.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    field = at(gauge["path"], root)
    if field["type"] == "array":
        for path in gauge["labelsFromPath"].values():
            assert at(path, field["items"])["type"] == "string"
        yield at(gauge["valueFrom"], field["items"])
    elif "labelFromKey" in gauge:
        yield from field["properties"].values()
    else:
        yield field


def test_each_metric_is_a_field_that_has_a_number_a_time_or_a_condition() -> None:
    names = [metric["name"] for metric in metrics()]
    assert {"consecutive_failures", "last_success_timestamp_seconds", "next_run_timestamp_seconds"} <= set(names)
    assert len(set(names)) == len(names)
    for metric in metrics():
        assert metric["help"]
        assert metric["each"]["type"] == "Gauge"
        for value in values(metric["each"]["gauge"]):
            numeric = value["type"] == "integer" or value.get("format") == "date-time"
            assert numeric or value["enum"] == ["True", "False", "Unknown"], metric["name"]
