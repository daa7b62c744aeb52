"""What Prometheus and Grafana get: nothing unless asked, and only metrics that the code exports."""

import json
import re

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from graphcron.facade.metrics import FacadeMetrics
from graphcron.notifier.metrics import NotifierMetrics
from graphcron.operator.conditions import STATES
from tests.chart.helm import CHART, NOTIFIER, Manifest, helm, one, render
from tests.support.operator_metrics import idle_metrics

DASHBOARD = CHART / "files/dashboard.json"
DOCUMENTED = [CHART.parent.parent / f"docs/{name}.md" for name in ("metrics", "rest")]


def alerts() -> dict[str, Manifest]:
    """Each by its name, as the chart installs them."""
    groups = one("PrometheusRule", "graphcron", "metrics.alerts.enabled=true", *NOTIFIER)["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels() -> dict[str, str]:
    """Each query of the dashboard, with Grafana's variables filled in."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$namespace", "ns")
        .replace("$team", "team|other")
        .replace("$__range", "1d")
        .replace("$__rate_interval", "5m")
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
    }


def queries() -> dict[str, str]:
    return {name: rule["expr"] for name, rule in alerts().items()} | panels()


def exported() -> set[str]:
    """The names of all series that operator, facade and notifier can tell."""
    operator, facade, notifier = idle_metrics(), FacadeMetrics(), NotifierMetrics()
    facade.observe_cache(lambda: None)
    notifier.observe(pending=float, oldest=float, failing=float, leads=bool, last_watch=float)
    return names(operator.registry) | names(facade.registry) | names(notifier.registry)


def names(registry: CollectorRegistry) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        family.name + suffix
        for family in registry.collect()
        for suffix in suffixes.get(family.type, ("",))
        if family.name.startswith("graphcron_")
    }


OF_EACH = [
    f"graphcron_{name}"
    for name in (
        *("consecutive_failures", "last_success_timestamp_seconds", "next_run_timestamp_seconds"),
        *("overdue_timestamp_seconds", "unmet_expectation_timestamp_seconds", "phase"),
    )
]
"""Gauges whose namespace is that of the GraphCron, not of the release."""
SUMMED = ["graphcron_tokens_total", "graphcron_cost_total"]
"""The same for counters, of which those of an earlier leader count, too."""


@pytest.mark.parametrize(("name", "query"), queries().items(), ids=queries())
def test_each_query_is_promql_on_metrics_that_are_exported(name: str, query: str) -> None:
    promql_parser.parse(query)
    used = set(re.findall(r"\bgraphcron_\w+", query))
    assert used
    assert used <= exported()
    of_each = re.findall(rf"\b(?:{'|'.join(OF_EACH)})\b", query)
    joined = query.count(' and on (job, instance) graphcron_leader{namespace="ns"} == 1)')
    assert joined == len(of_each), "of every release, and of replicas that do not lead"
    summed = re.findall(rf"\b(?:{'|'.join(SUMMED)})\b", query)
    assert query.count(' and on (job, instance) graphcron_leader{namespace="ns"})') == len(summed), "of every release"
    assert query.count('namespace="ns"') + len(of_each) + len(summed) == len(re.findall(r"\bgraphcron_\w+", query)), (
        "of every release"
    )


def test_a_query_that_is_none_is_found() -> None:
    with pytest.raises(ValueError, match="unexpected"):
        promql_parser.parse("sum(graphcron_leader{")


def test_states_are_spelt_as_the_operator_tells_them() -> None:
    asked = {state for query in queries().values() for state in re.findall(r'state="(\w+)"', query)}
    assert asked
    assert asked <= set(STATES)


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    for name, rule in alerts().items():
        assert name.startswith("GraphCron")
        assert rule["labels"] == {"severity": "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert "$namespace" not in str(rule)


def test_the_dashboard_begins_with_what_an_owner_asks_and_explains_each_panel() -> None:
    found = json.loads(DASHBOARD.read_text())["panels"]
    by_place = sorted(found, key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    assert [panel["title"] for panel in by_place[4:7]] == ["Which crons failed", "What is late", "What is next"]
    assert {panel["type"] for panel in by_place[:4]} == {"stat"}
    assert all(panel["description"] for panel in found)
    assert len({panel["id"] for panel in found}) == len({panel["title"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in found):
        area = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not area & taken, "one panel lies upon another"
        taken |= area
    assert {x for x, _ in taken} == set(range(24))


def test_each_metric_is_documented() -> None:
    text = "".join(path.read_text() for path in DOCUMENTED)
    stems = {re.sub("_(bucket|sum|count)$", "", name) for name in exported()}
    assert not {name for name in stems if f"`{name}`" not in text}


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_a_monitor_has_its_interval_and_the_labels_that_it_is_chosen_by(kind: str) -> None:
    values = kind[0].lower() + kind[1:]
    on = f"metrics.{values}.enabled=true"
    monitor = one(kind, "graphcron", on, f"metrics.{values}.interval=15s", f"metrics.{values}.labels.release=mine")
    endpoints = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    kept = {"port": "metrics", "honorLabels": True}
    assert monitor["spec"][endpoints] == [kept | {"interval": "15s"}]
    assert monitor["metadata"]["labels"]["release"] == "mine"
    assert one(kind, "graphcron", on)["spec"][endpoints] == [kept]


@pytest.mark.parametrize("component", ["operator", "facade", "notifier"])
def test_each_component_is_scraped_on_the_port_of_its_metrics(component: str) -> None:
    template = one("Deployment", f"graphcron-{component}", *NOTIFIER)["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert {"name": "metrics", "containerPort": 9090} in container["ports"]
    labels = template["metadata"]["labels"]

    on = "metrics.serviceMonitor.enabled=true"
    service = one("Service", f"graphcron-{component}-metrics", on, *NOTIFIER)
    assert service["spec"]["selector"].items() <= labels.items()
    assert [(port["name"], port["targetPort"]) for port in service["spec"]["ports"]] == [("metrics", "metrics")]
    chosen = one("ServiceMonitor", "graphcron", on)["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= service["metadata"]["labels"].items()

    selector = one("PodMonitor", "graphcron", "metrics.podMonitor.enabled=true", *NOTIFIER)["spec"]["selector"]
    assert selector["matchLabels"].items() <= labels.items()
    (expression,) = selector["matchExpressions"]
    assert labels[expression["key"]] in expression["values"]


def test_the_public_service_tells_no_metrics() -> None:
    on = "metrics.serviceMonitor.enabled=true"
    assert [port["name"] for port in one("Service", "graphcron-facade", on)["spec"]["ports"]] == ["http"]


def test_without_a_facade_it_is_not_scraped() -> None:
    items = render("facade.enabled=false", "metrics.serviceMonitor.enabled=true")
    assert not [item for item in items if "facade" in item["metadata"]["name"]]
    selector = one("PodMonitor", "graphcron", "facade.enabled=false", "metrics.podMonitor.enabled=true")["spec"]
    assert selector["selector"]["matchExpressions"][0]["values"] == ["operator"]


def test_the_dashboard_is_where_grafanas_sidecar_looks() -> None:
    annotated = ("metrics.dashboard.enabled=true", "metrics.dashboard.annotations.grafana_folder=x")
    config_map = one("ConfigMap", "graphcron-dashboard", *annotated)
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config_map["metadata"]["annotations"] == {"grafana_folder": "x"}
    assert json.loads(config_map["data"]["graphcron.json"]) == json.loads(DASHBOARD.read_text())


def test_labels_of_a_monitor_replace_none_of_ours() -> None:
    labels = 'metrics.podMonitor.labels:={"app.kubernetes.io/name":"x"}'
    found = one("PodMonitor", "graphcron", "metrics.podMonitor.enabled=true", labels)
    assert found["metadata"]["labels"]["app.kubernetes.io/name"] == "graphcron"


def test_nothing_is_scraped_twice() -> None:
    both = [f"metrics.{name}.enabled=true" for name in ("serviceMonitor", "podMonitor")]
    words = [word for value in ("agentServer.url=http://x", *both) for word in ("--set", value)]
    done = helm("template", "graphcron", str(CHART), *words)
    assert "metrics.serviceMonitor and metrics.podMonitor are both enabled" in done.stderr


def test_the_file_with_the_alerts_is_yaml_as_it_stands() -> None:
    assert yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]
