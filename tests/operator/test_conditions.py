"""The conditions: run pods that cannot start, the last run, and when a transition time moves."""

import json

from graphcron.resource.advice import INTERRUPTS_LOST
from tests.support.world import RUNNING, World, at

UNREACHABLE = json.dumps({"outcome": "Failed", "reason": "AgentServerUnreachable", "message": "connection refused"})


def test_a_run_pod_that_cannot_start_says_why(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    message = 'secret "agent-key" not found'
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    world.pods[0]["status"] = {"containerStatuses": [{"state": waiting}]}
    world.reconcile("11:01")
    condition = world.condition("RunsStarting")
    assert (condition["status"], condition["reason"]) == ("False", "CreateContainerConfigError")
    assert message in condition["message"]
    assert world.events == ["Warning CreateContainerConfigError"]
    world.pods[0]["status"] = {"containerStatuses": [{"name": "run", "state": RUNNING}]}
    world.reconcile("11:02")
    assert "RunsStarting" not in world.conditions


def test_a_run_pod_without_its_volumes_after_a_minute_says_where_the_cause_is(world: World) -> None:
    """Only its events would tell what is missing, and nothing happens to it any more."""
    world.edit(
        input=None,
        inputFrom={"configMapKeyRef": {"name": "prompt", "key": "input.json"}},
        server={"url": "http://agent.example", "headersSecretRef": {"name": "headers"}},
    )
    world.reconcile("10:05")
    world.fire("11:00", said="")
    unready = {"type": "PodReadyToStartContainers", "status": "False"}
    creating = [{"state": {"waiting": {"reason": "ContainerCreating"}}}]
    started = "2026-12-01T11:00:02Z"
    status = {"phase": "Pending", "startTime": started, "conditions": [unready], "containerStatuses": creating}
    world.pods[0]["status"] = status
    world.reconcile("11:00:30")
    assert "RunsStarting" not in world.conditions
    assert world.decide("11:00:30").wake_at == at("11:01:02")
    world.reconcile("11:01:02")
    condition = world.condition("RunsStarting")
    assert (condition["status"], condition["reason"]) == ("False", "ContainerCreating")
    assert "It mounts ConfigMap prompt and Secret headers: do they exist" in condition["message"]
    assert f"kubectl describe pod {world.pods[0]['metadata']['name']}" in condition["message"]
    writes = len(world.writes)
    world.reconcile("11:20")
    assert len(world.writes) == writes, "it is told once"
    world.pods[0]["status"] |= {"conditions": [unready | {"status": "True"}]}
    world.reconcile("11:21")
    assert "RunsStarting" not in world.conditions


def test_a_run_pod_that_mounts_nothing_is_not_asked_for_what_it_mounts(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    unready = {"type": "PodReadyToStartContainers", "status": "False"}
    world.pods[0]["status"] = {"phase": "Pending", "startTime": "2026-12-01T11:00:02Z", "conditions": [unready]}
    world.reconcile("11:02")
    assert "mounts" not in world.condition("RunsStarting")["message"]


def test_a_run_pod_that_pulls_its_image_for_long_is_no_trouble(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", said="")
    ready = {"type": "PodReadyToStartContainers", "status": "True"}
    world.pods[0]["status"] = {"phase": "Pending", "startTime": "2026-12-01T11:00:02Z", "conditions": [ready]}
    world.reconcile("11:10")
    assert "RunsStarting" not in world.conditions


def test_a_failed_run_says_why_once(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE, reason="PodFailurePolicy")
    world.reconcile("11:01")
    world.reconcile("11:02")
    assert world.graphcron["status"]["history"][0]["message"] == "connection refused"
    assert world.condition("LastRunSucceeded")["reason"] == "AgentServerUnreachable"
    assert world.events == ["Warning AgentServerUnreachable"]


def test_a_condition_keeps_its_time_until_its_status_changes(world: World) -> None:
    world.reconcile("10:05")
    world.edit(schedule="5 * * * *")
    world.reconcile("10:06")
    assert world.condition("Ready")["lastTransitionTime"] == "2026-12-01T10:05:00Z"
    assert world.condition("Ready")["observedGeneration"] == 2


ASKS = json.dumps(
    {"outcome": "WaitingForInput", "reason": "WaitingForInput", "message": "the graph waits for input on t"}
)
WORKS = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"})


def test_a_run_that_waits_for_input_is_neither_success_nor_failure(world: World) -> None:
    world.edit(maxFailures=2)
    world.reconcile("10:05")
    world.fire("11:00", "Failed", UNREACHABLE)
    world.reconcile("11:01")
    world.fire("12:00", "Complete", ASKS)
    world.reconcile("12:01")
    status = world.graphcron["status"]
    assert status["firings"] == {"succeeded": 0, "failed": 1, "skipped": 0, "missed": 0, "waiting": 1}
    assert status["history"][0]["outcome"] == "WaitingForInput"
    assert status["consecutiveFailures"] == 1, "it does not reset the failures before it"
    assert "lastSuccessfulTime" not in status
    condition = world.condition("WaitingForInput")
    assert (condition["status"], condition["reason"]) == ("True", "WaitingForInput")
    assert condition["message"] == "the run due at 2026-12-01T12:00:00Z: the graph waits for input on t"
    assert world.condition("LastRunSucceeded")["reason"] == "AgentServerUnreachable"
    assert world.events == ["Warning AgentServerUnreachable", "Warning WaitingForInput"]
    world.fire("13:00", "Complete", ASKS)
    world.reconcile("13:01")
    world.fire("14:00", "Failed", UNREACHABLE)
    world.reconcile("14:01")
    assert world.condition("Ready")["reason"] == "MaxFailuresReached", "nor does it count as one"


def test_it_waits_until_another_run_has_ended(world: World) -> None:
    world.reconcile("10:05")
    world.fire("11:00", "Complete", ASKS)
    world.reconcile("11:01")
    skipped = json.dumps({"outcome": "Skipped", "reason": "BeforeStartTime"})
    world.fire("12:00", "Complete", skipped)
    world.reconcile("12:01")
    assert "WaitingForInput" in world.conditions
    world.fire("13:00", "Complete", WORKS)
    world.reconcile("13:01")
    assert "WaitingForInput" not in world.conditions
    assert world.graphcron["status"]["firings"]["waiting"] == 1


def test_who_may_wait_in_vain_is_told_at_the_creation(world: World) -> None:
    world.edit(interruptBefore=["tools"])
    world.reconcile("10:05")
    condition = world.condition("ThreadKept")
    assert (condition["status"], condition["reason"], condition["message"]) == (
        "False",
        "InterruptsLost",
        INTERRUPTS_LOST,
    )
    assert world.condition("Ready")["status"] == "True", "it fires all the same"
    assert world.events == ["Warning InterruptsLost"]
    world.reconcile("10:06")
    assert world.events == ["Warning InterruptsLost"]
    world.edit(onRunCompleted="keep")
    world.reconcile("10:07")
    assert "ThreadKept" not in world.conditions
