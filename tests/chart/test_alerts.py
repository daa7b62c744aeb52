"""Each alert on series that are written down here, by Prometheus' own promtool: when it fires, and when it does not."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cluster import promtool
from tests.chart.helm import NOTIFIER, Manifest, one

OPERATOR = 'job="operator", instance="a"'
STANDBY = 'job="operator", instance="b"'
CRON = 'namespace="team", name="report"'


@dataclass(frozen=True)
class Case:
    """Series by name, with a value each minute in promtool's notation; the alert at `minute`, by labels and summary."""

    alert: str
    series: dict[str, str]
    minute: int
    fires: tuple[dict[str, str], ...] = ({},)
    says: str = ""


def operators(name: str, labels: str = "", job: str = OPERATOR, namespace: str = "ns") -> str:
    more = f", {labels}" if labels else ""
    return f'graphcron_{name}{{namespace="{namespace}", {job}{more}}}'


def notifiers(name: str, instance: str = "a") -> str:
    return f'graphcron_notifier_{name}{{namespace="ns", job="notifier", instance="{instance}"}}'


def crons(name: str, labels: str = "", job: str = OPERATOR) -> str:
    more = f", {labels}" if labels else ""
    return f"graphcron_{name}{{{CRON}, {job}{more}}}"


LEADS = {operators("leader"): "1x120", operators("leader", job=STANDBY): "0x120"}
REPORT = {"namespace": "team", "name": "report"}
QUIET: tuple[dict[str, str], ...] = ()

CASES = {
    "no replica leads": Case("GraphCronOperatorMissing", {operators("leader"): "0x20"}, 6),
    "no replica is there": Case("GraphCronOperatorMissing", {}, 6),
    "only another release has one": Case("GraphCronOperatorMissing", {operators("leader", namespace="x"): "1x20"}, 6),
    "one leads": Case("GraphCronOperatorMissing", LEADS, 20, QUIET),
    "nothing was seen since the start": Case(
        "GraphCronOperatorBlind", {operators("last_watch_timestamp_seconds"): "0x20"}, 11
    ),
    "something comes each minute": Case(
        "GraphCronOperatorBlind", {operators("last_watch_timestamp_seconds"): "0+60x20"}, 20, QUIET
    ),
    "a retry each five seconds": Case("GraphCronReconciliationsFail", {operators("retries_total"): "0+12x60"}, 40),
    "a retry each minute": Case("GraphCronReconciliationsFail", {operators("retries_total"): "0+1x60"}, 40, QUIET),
    "101 wait": Case("GraphCronQueueGrows", {operators("queue_depth"): "101x60"}, 40),
    "sometimes none waits": Case("GraphCronQueueGrows", {operators("queue_depth"): "101 0 " * 30}, 40, QUIET),
    "one is stalled": Case(
        "GraphCronStalled",
        LEADS | {crons("phase", 'phase="stalled"'): "1x60", crons("phase", 'phase="stalled"', STANDBY): "1x60"},
        20,
        (REPORT,),
        "GraphCron team/report waits for a correction",
    ),
    "the standby has not seen that it is mended": Case(
        "GraphCronStalled", LEADS | {crons("phase", 'phase="stalled"', STANDBY): "1x60"}, 20, QUIET
    ),
    "some are stalled, of too many to be named": Case(
        "GraphCronStalled",
        LEADS | {operators("graphcrons", 'state="stalled"'): "2x60", operators("cron_metrics_omitted"): "1001x60"},
        20,
        ({},),
        "GraphCrons wait for a correction",
    ),
    "some are stalled, and each is named": Case(
        "GraphCronStalled",
        LEADS | {operators("graphcrons", 'state="stalled"'): "2x60", operators("cron_metrics_omitted"): "0x60"},
        20,
        QUIET,
    ),
    "firings of one have no pod": Case(
        "GraphCronNotStarting",
        LEADS | {crons("phase", 'phase="not_starting"'): "1x60"},
        20,
        (REPORT,),
        "Firings of GraphCron team/report do not start",
    ),
    "firings of some have no pod, of too many to be named": Case(
        "GraphCronNotStarting",
        LEADS | {operators("graphcrons", 'state="not_starting"'): "2x60", operators("cron_metrics_omitted"): "1001x60"},
        20,
        ({},),
        "Firings of GraphCrons do not start",
    ),
    "its pod came after a while": Case(
        "GraphCronNotStarting", LEADS | {crons("phase", 'phase="not_starting"'): "1x10"}, 20, QUIET
    ),
    "the operator died on one": Case("GraphCronQuarantined", {operators("quarantined"): "1x20"}, 5),
    "it died on one an hour ago": Case("GraphCronQuarantined", {operators("quarantined"): "1x5 0x60"}, 60, QUIET),
    "it was mended in time": Case("GraphCronStalled", LEADS | {crons("phase", 'phase="stalled"'): "1x10"}, 20, QUIET),
    "one of a hundred fails for ever": Case(
        "GraphCronFailing",
        LEADS | {crons("consecutive_failures"): "0 1 2 3x60"},
        3,
        (REPORT,),
        "GraphCron team/report fails again and again",
    ),
    "it failed twice": Case("GraphCronFailing", LEADS | {crons("consecutive_failures"): "2x60"}, 20, QUIET),
    "it fails, as another release sees": Case(
        "GraphCronFailing",
        LEADS | {crons("consecutive_failures", job='job="others", instance="c"'): "9x60"},
        20,
        QUIET,
    ),
    "it should have fired at the start": Case(
        "GraphCronLate",
        LEADS | {crons("overdue_timestamp_seconds"): "0x60"},
        6,
        (REPORT,),
        "GraphCron team/report is late",
    ),
    "it is four minutes late": Case("GraphCronLate", LEADS | {crons("overdue_timestamp_seconds"): "0x60"}, 4, QUIET),
    "it fired then": Case("GraphCronLate", LEADS | {crons("overdue_timestamp_seconds"): "0x4 stale"}, 20, QUIET),
    "one is overdue": Case(
        "GraphCronExpectationUnmet",
        LEADS
        | {
            crons("unmet_expectation_timestamp_seconds", 'expectation="overdue"'): "_ 60x20",
            crons("unmet_expectation_timestamp_seconds", 'expectation="slow"', STANDBY): "60x20",
        },
        2,
        (REPORT | {"expectation": "overdue"},),
        "GraphCron team/report is overdue",
    ),
    "it succeeded": Case(
        "GraphCronExpectationUnmet",
        LEADS | {crons("unmet_expectation_timestamp_seconds", 'expectation="overdue"'): "60x4 stale"},
        6,
        QUIET,
    ),
    "some are late, of too many to be named": Case(
        "GraphCronExpectationUnmet",
        LEADS
        | {
            operators("unmet_expectations", 'expectation="late"'): "2x60",
            operators("unmet_expectations", 'expectation="slow"'): "0x60",
            operators("cron_metrics_omitted"): "1001x60",
        },
        2,
        ({"expectation": "late"},),
        "GraphCrons are late",
    ),
    "some are late, and each is named": Case(
        "GraphCronExpectationUnmet",
        LEADS
        | {operators("unmet_expectations", 'expectation="late"'): "2x60", operators("cron_metrics_omitted"): "0x60"},
        2,
        QUIET,
    ),
    "there are too many for metrics of their own": Case(
        "GraphCronMetricsOmitted", {operators("cron_metrics_omitted"): "1001x60"}, 20
    ),
    "there are not": Case("GraphCronMetricsOmitted", {operators("cron_metrics_omitted"): "0x60"}, 20, QUIET),
    "every fifth firing fails": Case(
        "GraphCronFiringsFail",
        {
            operators("firings_total", 'outcome="failed"'): "0+1x120",
            operators("firings_total", 'outcome="succeeded"'): "0+4x120",
        },
        80,
    ),
    "one of a hundred fails": Case(
        "GraphCronFiringsFail",
        {
            operators("firings_total", 'outcome="failed"'): "0+1x120",
            operators("firings_total", 'outcome="succeeded"'): "0+99x120",
        },
        80,
        QUIET,
    ),
    "nothing fires at all": Case(
        "GraphCronFiringsFail",
        {operators("firings_total", f'outcome="{outcome}"'): "7x120" for outcome in ("failed", "succeeded")},
        80,
        QUIET,
    ),
    "one is missed": Case("GraphCronFiringsMissed", {operators("firings_total", 'outcome="missed"'): "0x10 1x60"}, 20),
    "one was missed long ago": Case(
        "GraphCronFiringsMissed", {operators("firings_total", 'outcome="missed"'): "0x10 1x120"}, 100, QUIET
    ),
    "most start after ten minutes": Case(
        "GraphCronFiringsLate",
        {
            operators("firing_delay_seconds_bucket", 'le="300"'): "0x120",
            operators("firing_delay_seconds_bucket", 'le="600"'): "0+9x120",
            operators("firing_delay_seconds_bucket", 'le="+Inf"'): "0+9x120",
        },
        60,
    ),
    "all start within a minute": Case(
        "GraphCronFiringsLate",
        {
            operators("firing_delay_seconds_bucket", 'le="60"'): "0+9x120",
            operators("firing_delay_seconds_bucket", 'le="+Inf"'): "0+9x120",
        },
        60,
        QUIET,
    ),
    "a tenth of the cron calls is 500": Case(
        "GraphCronFacadeErrors",
        {
            operators("facade_requests_total", 'route="/runs/crons", code="500"'): "0+1x60",
            operators("facade_requests_total", 'route="/runs/crons", code="200"'): "0+9x60",
        },
        40,
    ),
    "the Agent Server fails": Case(
        "GraphCronFacadeErrors",
        {
            operators("facade_requests_total", 'route="other", code="502"'): "0+9x60",
            operators("facade_requests_total", 'route="/runs/crons", code="200"'): "0+9x60",
        },
        40,
        QUIET,
    ),
    "a facade heard nothing": Case("GraphCronFacadeBlind", {operators("facade_cache_age_seconds"): "0+60x60"}, 20),
    "a facade hears": Case("GraphCronFacadeBlind", {operators("facade_cache_age_seconds"): "30x60"}, 20, QUIET),
    "no notifier is there": Case("GraphCronNotifierMissing", {}, 6),
    "two notifiers wait for a leader": Case("GraphCronNotifierMissing", {notifiers("leader"): "0x20"}, 6),
    "a notifier sends": Case(
        "GraphCronNotifierMissing", {notifiers("leader"): "1x20", notifiers("leader", "b"): "0x20"}, 20, QUIET
    ),
    "a notifier heard nothing": Case("GraphCronNotifierBlind", {notifiers("last_watch_timestamp_seconds"): "0x20"}, 11),
    "a notifier hears": Case(
        "GraphCronNotifierBlind", {notifiers("last_watch_timestamp_seconds"): "0+60x20"}, 20, QUIET
    ),
    "two channels fail": Case(
        "GraphCronChannelsFail",
        {operators("notification_channels_failing"): "2x20"},
        11,
        says="2 GraphCronChannels do not deliver",
    ),
    "a receiver was away for a moment": Case(
        "GraphCronChannelsFail", {operators("notification_channels_failing"): "1x5 0x20"}, 20, QUIET
    ),
    "one waits to be told for long": Case(
        "GraphCronNotificationsWait",
        {operators("notifications_oldest_pending_seconds"): "0+60x60"},
        30,
        says="Somebody should have been told of a GraphCron 30m 0s ago",
    ),
    "all are told soon": Case(
        "GraphCronNotificationsWait", {operators("notifications_oldest_pending_seconds"): "30x60"}, 30, QUIET
    ),
}


def rules(*values: str) -> dict[str, Manifest]:
    """Each alert by its name."""
    values = ("metrics.alerts.enabled=true", *NOTIFIER, *values)
    groups = one("PrometheusRule", "graphcron", *values)["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def complaints(folder: Path, case: Case) -> str:
    # Of the annotations only one: each that is there has to be expected.
    found = {
        name: rule | {"annotations": {"summary": rule["annotations"]["summary"]}} for name, rule in rules().items()
    }
    group = {"name": "graphcron", "rules": list(found.values())}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    told = {"summary": case.says or found[case.alert]["annotations"]["summary"]}
    fires = [{"exp_labels": {"severity": "warning"} | labels, "exp_annotations": told} for labels in case.fires]
    expected = {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": fires}
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": [expected]}
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(whole))
    return promtool.complaints(["test", "rules", folder / "test.yaml"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_alert_fires_when_it_should_and_only_then(tmp_path: Path, case: Case) -> None:
    assert complaints(tmp_path, case) == ""


def test_each_alert_was_seen_to_fire_and_not_to_fire() -> None:
    alerts = set(rules())
    assert {case.alert for case in CASES.values() if case.fires} == alerts
    assert {case.alert for case in CASES.values() if not case.fires} == alerts


def test_prometheus_has_nothing_against_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules().values())}]}))
    assert promtool.complaints(["check", "rules", tmp_path / "rules.yaml"]) == ""


def test_severity_runbook_and_thresholds_are_values() -> None:
    assert {rule["labels"]["severity"] for rule in rules().values()} == {"warning"}
    assert not [rule for rule in rules().values() if "runbook_url" in rule["annotations"]]
    found = rules(
        "metrics.alerts.severity=info",
        "metrics.alerts.severities.GraphCronFailing=critical",
        "metrics.alerts.runbookUrl=https://wiki.example/$alert",
        "metrics.alerts.consecutiveFailures=7",
        "metrics.alerts.failedPercent=25",
        "metrics.alerts.lateSeconds=1000000",
    )
    assert {name for name, rule in found.items() if rule["labels"]["severity"] == "critical"} == {"GraphCronFailing"}
    assert {rule["labels"]["severity"] for rule in found.values()} == {"info", "critical"}
    assert all(rule["annotations"]["runbook_url"] == f"https://wiki.example/{name}" for name, rule in found.items())
    assert found["GraphCronFailing"]["expr"].endswith(">= 7")
    assert found["GraphCronFiringsFail"]["expr"].endswith("> 25")
    for name in ("GraphCronLate", "GraphCronFiringsLate"):
        assert found[name]["expr"].endswith("> 1000000")


def test_who_switches_the_metrics_off_is_not_told_that_they_are() -> None:
    assert set(rules()) - set(rules("metrics.perGraphCron.limit=0")) == {"GraphCronMetricsOmitted"}


def test_without_a_notifier_nobody_is_told_that_it_is_missing() -> None:
    found = one("PrometheusRule", "graphcron", "metrics.alerts.enabled=true")["spec"]["groups"]
    assert [group["name"] for group in found] == ["graphcron"]
    assert "notifi" not in str(found)
