"""Jobs whose pods do not start, and what the status says of them."""

import json

from graphcron.operator.observed import CreateFailure
from tests.support.world import World, at

QUOTA = 'pods "hello-" is forbidden: failed quota: compute: must specify limits.cpu for: run'
SUCCEEDED = json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1"})
UNREACHABLE = json.dumps({"outcome": "Failed", "reason": "AgentServerUnreachable", "message": "connection refused"})
WAITS = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "agent-key" not found'}}


def job(world: World) -> str:
    return str(world.jobs[-1]["metadata"]["name"])


def stuck(world: World, due: str = "11:00") -> None:
    """A Job without a pod."""
    world.fire(due)
    world.pods = [pod for pod in world.pods if not pod["metadata"]["name"].startswith(job(world))]


def refused(world: World, moment: str = "11:00:02", uid: str = "") -> None:
    """The Job controller says why it could not make the pod of the last Job."""
    world.create_failures[uid or job(world)] = CreateFailure(at(moment), QUOTA)


def overdue(world: World) -> None:
    """A Job that has been without a pod up to its start timeout, for the operator to end."""
    stuck(world)
    refused(world)
    world.reconcile("11:01:01")
    world.reconcile("11:10:01")


def ended(world: World) -> None:
    """Kubernetes ends the Job by its deadline."""
    world.job_ends(0, "11:11", "Failed", "DeadlineExceeded")
    world.reconcile("11:11")


def ready(world: World) -> tuple[str, str]:
    condition = world.condition("Ready")
    return condition["status"], condition["reason"]


def history(world: World) -> list[tuple[str, str, str, int]]:
    return [
        (entry["outcome"], entry["reason"], entry["scheduledTime"][11:16], entry.get("count", 1))
        for entry in world.graphcron["status"].get("history", [])
    ]
