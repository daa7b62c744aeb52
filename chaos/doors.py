"""How the suite's GraphCrons come into the cluster: as manifests, and through the facade's REST API."""

from datetime import timedelta

from chaos.plan import Cron
from chaos.world import Json, World, ask, patiently
from cluster.errors import ClusterError
from examples.demo.session import wait_for
from graphcron.firing.formats import format_time

KEPT = {"retryLimit": 20, "successfulRunsHistoryLimit": 10, "failedRunsHistoryLimit": 10}
"""Jobs outlive an operator that is down for minutes, and attempts outnumber those that are killed."""


def thread(world: World, cron: Cron) -> str:
    """A thread of this id, whether or not an earlier answer was lost."""
    identity = f"00000000-0000-4000-8000-{cron.number:012}"

    def made() -> bool:
        body = {"thread_id": identity, "if_exists": "do_nothing", "metadata": {}}
        return ask(world.agent_address, "POST", "/threads", body)[0] in (200, 409)

    wait_for(f"thread {identity}", lambda: patiently("the Agent Server", made, 30), 30)
    return identity


def manifest(cron: Cron, thread_id: str | None) -> Json:
    spec = {
        "schedule": cron.schedule,
        "startTime": format_time(cron.times[0]),
        "endTime": format_time(cron.times[-1] + timedelta(minutes=1)),
        "assistantId": "agent",
        "input": {"number": cron.number},
        "concurrencyPolicy": cron.policy,
        "jitterSeconds": cron.jitter,
        **KEPT,
    }
    spec |= {"threadId": thread_id} if cron.kind == "thread" else {"onRunCompleted": cron.kind}
    spec |= {"activeDeadlineSeconds": cron.deadline} if cron.deadline else {}
    metadata = {"name": cron.key}
    return {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": metadata, "spec": spec}


def create(world: World, cron: Cron, thread_id: str | None) -> str:
    """By the facade, repeated with one Idempotency-Key until it answers; the name of the GraphCron."""
    body = {"assistant_id": "agent", "schedule": cron.schedule, "input": {"number": cron.number}}
    body["end_time"] = format_time(cron.times[-1] + timedelta(minutes=1))
    path = "/runs/crons"
    if cron.kind == "thread":
        path = f"/threads/{thread_id}/runs/crons"
    else:
        body["on_run_completed"] = cron.kind
    key = {"Idempotency-Key": f"{world.seed} {cron.key}"}

    def made() -> str:
        status, answer = ask(world.facade_address, "POST", path, body, **key)
        if status != 200:
            raise ClusterError(f"POST {path}: {status} {answer}")
        return str(answer["cron_id"])

    return patiently(f"the facade's answer to {cron.key}", made, 60)
