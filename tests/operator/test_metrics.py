"""A firing is counted once, by whoever tells it first."""

import re
from typing import Any

from cluster.paths import HERE
from graphcron.operator.conditions import STATES, state_of
from graphcron.operator.metrics import OperatorMetrics
from tests.support.operator_metrics import idle_metrics


def entry(minute: int, outcome: str = "Succeeded") -> dict[str, Any]:
    return {
        "scheduledTime": f"2026-12-01T10:{minute:02}:00Z",
        "startedAt": f"2026-12-01T10:{minute:02}:07Z",
        "outcome": outcome,
        "reason": outcome,
        "jobName": f"job-{minute}",
    }


def value(metrics: OperatorMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_firings_are_counted_when_a_status_first_has_them() -> None:
    metrics = OperatorMetrics()
    one = {"firings": {"succeeded": 1}, "history": [entry(1)]}
    two = {
        "firings": {"succeeded": 1, "failed": 1, "skipped": 1, "waiting": 2},
        "history": [entry(3, "Skipped"), entry(2, "Failed"), entry(1)],
    }
    metrics.wrote_status("team", None, one)
    metrics.wrote_status("team", one, two)
    metrics.wrote_status("team", two, two)
    assert value(metrics, "graphcron_firings_total", outcome="succeeded") == 1
    assert value(metrics, "graphcron_firings_total", outcome="failed") == 1
    assert value(metrics, "graphcron_firings_total", outcome="skipped") == 1
    assert value(metrics, "graphcron_firings_total", outcome="waiting") == 2
    assert value(metrics, "graphcron_firings_total", outcome="missed") == 0
    assert value(metrics, "graphcron_firing_delay_seconds_count") == 2, "a skipped one has not started"
    assert value(metrics, "graphcron_firing_delay_seconds_sum") == 14


def test_after_a_restart_recorded_firings_are_not_counted_again() -> None:
    metrics = OperatorMetrics()
    told = {"firings": {"succeeded": 7}, "history": [entry(1)]}
    metrics.wrote_status("team", told, told | {"active": 1})
    assert value(metrics, "graphcron_firings_total", outcome="succeeded") == 0


def test_a_firing_of_a_backfill_is_counted_once_and_apart() -> None:
    metrics = OperatorMetrics()
    metrics.wrote_backfill("team", None, {"counts": {"succeeded": 2, "failed": 1}})
    metrics.wrote_backfill("team", {"counts": {"succeeded": 2, "failed": 1}}, {"counts": {"succeeded": 5, "failed": 1}})
    for forged in ("?", {"counts": "?"}, {"counts": {"succeeded": "?"}}):
        metrics.wrote_backfill("team", forged, {"counts": {"waiting": 1}})
    assert value(metrics, "graphcron_backfill_firings_total", outcome="succeeded") == 5
    assert value(metrics, "graphcron_backfill_firings_total", outcome="failed") == 1
    assert value(metrics, "graphcron_firings_total", outcome="succeeded") == 0


def test_the_document_lists_each_metric_and_no_other() -> None:
    metrics = idle_metrics()
    told = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
        if family.name.startswith("graphcron_")
    }
    text = (HERE.root / "docs/metrics.md").read_text().partition("## Operator")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(graphcron_\w+)", text, re.MULTILINE)) == told


def graphcron(*types: str, observed: int = 1) -> dict[str, Any]:
    """With conditions of these types beside Ready. Reasons do not count: another version may have written them."""
    conditions = [{"type": kind, "status": "True", "reason": "OfAnotherAge"} for kind in ("Ready", *types)]
    return {"metadata": {"generation": 1}, "status": {"observedGeneration": observed, "conditions": conditions}}


def test_each_graphcron_is_in_one_state() -> None:
    found = [
        (graphcron(), "ready"),
        (graphcron("RunsStarting", "LastRunSucceeded"), "ready"),
        (graphcron("Suspended"), "suspended"),
        (graphcron("Suspended", "Expired"), "expired"),
        (graphcron("Stalled"), "stalled"),
        (graphcron("Stalled", "Suspended"), "stalled"),
        (graphcron(observed=0), "pending"),
        ({"metadata": {"generation": 1}}, "pending"),
    ]
    waits = graphcron("RunsStarting")
    waits["status"]["conditions"][0]["status"] = "False"
    found.append((waits, "not_starting"))
    assert [state_of(manifest) for manifest, _ in found] == [state for _, state in found]
    assert {state for _, state in found} == set(STATES)
