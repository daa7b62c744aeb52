"""What GitOps tools make of a GraphCron in each phase: Argo CD by the chart's health check, in a real Lua, and Flux by
kstatus, whose own library is asked."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import LuaRuntime

from cluster import kstatus
from cluster.paths import HERE
from graphcron.operator.pauses import Pause
from graphcron.operator.phase import Phase
from tests.chart.helm import CHART
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.in_pod_specs import IN_POD
from tests.support.manifests import graphcron
from tests.support.world import World

LUA = CHART / "extras/argocd-health.lua"


def scheduled(world: World) -> None:
    world.reconcile("10:05")


def paused(world: World) -> None:
    world.edit(enabled=False, pauseReason="holidays")
    world.reconcile("10:05")


def not_started(world: World) -> None:
    world.edit(startTime="2027-01-01T00:00:00Z")
    world.reconcile("10:05")


def expired(world: World) -> None:
    world.edit(endTime="2026-12-01T10:10:00Z")
    world.reconcile("10:05")


def completed(world: World) -> None:
    world.edit(maxRuns=1)
    world.reconcile("10:05")
    world.fire("11:00", "Complete")
    world.reconcile("11:01")


def paused_by_administrator(world: World) -> None:
    world.pause = Pause("The annotation graphcron.dev/paused of namespace team", "upgrade")
    world.reconcile("10:05")


def over_budget(world: World) -> None:
    world.edit(budget={"tokens": 100})
    world.reconcile("10:05")
    world.fire(
        "11:00",
        "Complete",
        said='{"outcome": "Succeeded", "reason": "RunSucceeded", "usage": {"totalTokens": 100, '
        '"inputTokens": 100, "source": "FinalState", "complete": true}}',
    )
    world.reconcile("11:01")
    world.reconcile("11:01")


def too_frequent(world: World) -> None:
    world.least = timedelta(hours=2)
    world.reconcile("10:05")


def max_failures(world: World) -> None:
    world.edit(maxFailures=1)
    world.reconcile("10:05")
    world.fire("11:00", "Failed")
    world.reconcile("11:01")


def in_pod_not_allowed(world: World) -> None:
    world.edit(**IN_POD)
    world.reconcile("10:05")


def stalled(world: World) -> None:
    world.edit(timezone="Mars/Phobos")
    world.reconcile("10:05")


def stalled_and_paused(world: World) -> None:
    world.edit(timezone="Mars/Phobos", enabled=False)
    world.reconcile("10:05")


def edited(world: World) -> None:
    scheduled(world)
    world.edit(schedule="5 * * * *")


def deleted(world: World) -> None:
    scheduled(world)
    world.graphcron["metadata"]["deletionTimestamp"] = "2026-12-01T10:06:00Z"


def failed_once(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed")
    world.reconcile("11:01")


def pod_cannot_start(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    world.pods[0]["status"] = {"containerStatuses": [{"state": waiting}]}
    world.reconcile("11:01")


def not_starting(world: World) -> None:
    pod_cannot_start(world)
    world.reconcile("11:03")


STATES: list[tuple[Callable[[World], None], Phase | None, str, str]] = [
    (scheduled, Phase.SCHEDULED, "Healthy", "Current"),
    (paused, Phase.PAUSED, "Suspended", "Current"),
    (not_started, Phase.NOT_STARTED, "Healthy", "Current"),
    (expired, Phase.EXPIRED, "Healthy", "Current"),
    (completed, Phase.COMPLETED, "Healthy", "Current"),
    (paused_by_administrator, Phase.PAUSED_BY_ADMINISTRATOR, "Suspended", "Current"),
    (over_budget, Phase.OVER_BUDGET, "Suspended", "Current"),
    (too_frequent, Phase.TOO_FREQUENT, "Degraded", "Failed"),
    (max_failures, Phase.MAX_FAILURES, "Degraded", "Failed"),
    (in_pod_not_allowed, None, "Degraded", "Failed"),
    (stalled, None, "Degraded", "Failed"),
    (stalled_and_paused, None, "Degraded", "Failed"),
    (edited, Phase.SCHEDULED, "Progressing", "InProgress"),
    (deleted, Phase.SCHEDULED, "Progressing", "Terminating"),
    (failed_once, Phase.SCHEDULED, "Healthy", "Current"),
    (pod_cannot_start, Phase.SCHEDULED, "Healthy", "Current"),
    (not_starting, Phase.NOT_STARTING, "Degraded", "InProgress"),
]
"""How it comes about, the phase, and what Argo CD and kstatus say. A firing that fails makes no resource unhealthy: the
next one may succeed, and a rollback would change nothing."""


def argocd(manifest: dict[str, Any]) -> tuple[str, str]:
    """Status and message, as Argo CD evaluates it: the object is the global `obj`."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(json.loads(json.dumps(manifest)), recursive=True)
    health = lua.execute(LUA.read_text())
    return health["status"], health["message"]


@pytest.mark.parametrize(("happens", "phase", "argo", "k"), STATES, ids=[state[0].__name__ for state in STATES])
def test_each_state_is_seen_as_what_it_is(
    happens: Callable[[World], None], phase: Phase | None, argo: str, k: str
) -> None:
    world = World()
    happens(world)
    ready = world.condition("Ready")
    assert phase is None or ready["reason"] == phase.reason
    health, message = argocd(world.graphcron)
    ((found, told),) = kstatus.statuses([world.graphcron])
    assert (health, found) == (argo, k)
    if health != "Progressing":
        assert message == ready["message"]
    if found == "Failed":
        assert told == ready["message"]


def test_all_phases_are_among_them() -> None:
    assert {phase for _, phase, _, _ in STATES} >= set(Phase) - {Phase.STALLED, Phase.HALTED}


def test_a_new_one_is_not_taken_for_one_that_works(tmp_path: Path) -> None:
    """By kstatus, an object without a status is current. So the CRD gives it one, as those of Flux do."""
    with graphcron_apiserver(tmp_path) as plane:
        path = "/apis/graphcron.dev/v1/namespaces/default/graphcrons"
        plane.install(graphcron("new"), path)
        status, found = plane.api.request("GET", f"{path}/new")
    assert (status, found["metadata"]["generation"]) == (200, 1)
    assert [word for word, _ in kstatus.statuses([found])] == ["InProgress"]
    assert argocd(found) == ("Progressing", "Waiting for the operator")


def test_the_document_has_the_same_check() -> None:
    text = (HERE.root / "docs/how-to/gitops.md").read_text()
    config = text.partition("`argocd-cm`")[2].partition("```yaml\n")[2].partition("```")[0]
    (lua,) = yaml.safe_load(config)["data"].values()
    code = [line for line in LUA.read_text().splitlines() if not line.startswith("--")]
    assert lua.splitlines() == code
