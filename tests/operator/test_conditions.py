"""The conditions: run pods that cannot start, the last run, and when a transition time moves."""

import json

from tests.support.world import World, at

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
    world.pods.clear()
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
