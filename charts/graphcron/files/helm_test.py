"""What `helm test` runs in a pod of the release's image: a GraphCron is made, answered by a CronJob, and cleaned up.

The GraphCron is disabled from the start, so no run is ever started by it, not even when this is killed half-way.
Exit code 0 when all is well; otherwise 1, and the last line says what did not happen and where to look.
"""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, NotFound

PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS") or 60)
"""For each step. An operator that just started, or waits to become the leader, needs some."""

PAUSE_SECONDS = 0.5


class Failed(Exception):
    """What did not happen, in a sentence."""


async def check(kube: Kube, namespace: str) -> None:
    """Raises Failed or KubeError; the GraphCron is deleted either way."""
    name = f"helm-test-{uuid.uuid4().hex[:8]}"
    spec = {"schedule": "0 0 1 1 *", "assistantId": "helm-test", "enabled": False}
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": name}, "spec": spec}
    made = await kube.create_graphcron(namespace, manifest)
    print(f"made GraphCron {namespace}/{name}")
    try:
        await _until(
            lambda: _ready(kube, namespace, name),
            "the operator has not written a status for it: see the operator's log",
        )
        print("its status says that it is ready")
        found = await _until(
            lambda: _owned_cron_job(kube, namespace, name, made["metadata"]["uid"]),
            "there is no CronJob of it, though its status says that it is ready: see the operator's log",
        )
        if not found["spec"].get("suspend"):
            raise Failed(f"CronJob {namespace}/{name} is not suspended, although its GraphCron is disabled")
        print("it has a CronJob, suspended as the GraphCron is disabled")
    finally:
        await kube.delete_graphcron(namespace, name)
    await _until(
        lambda: _gone(kube, namespace, name),
        "the CronJob is still there, though its GraphCron is deleted: is the cluster's garbage collector at work?",
    )
    print("deleted; the CronJob went with it")


async def _owned_cron_job(kube: Kube, namespace: str, name: str, uid: str) -> dict[str, Any] | None:
    try:
        found = await kube.get_cron_job(namespace, name)
    except NotFound:
        return None
    owners = [owner["uid"] for owner in found["metadata"].get("ownerReferences", [])]
    return found if uid in owners else None


async def _ready(kube: Kube, namespace: str, name: str) -> bool:
    status = (await kube.get_graphcron(namespace, name)).get("status") or {}
    ready = [condition for condition in status.get("conditions", []) if condition["type"] == "Ready"]
    if ready and ready[0]["status"] == "False":
        raise Failed(f"the operator says that it is not ready: {ready[0]['reason']}: {ready[0]['message']}")
    return bool(ready)


async def _gone(kube: Kube, namespace: str, name: str) -> bool:
    try:
        await kube.get_cron_job(namespace, name)
    except NotFound:
        return True
    return False


async def _until(look: Callable[[], Awaitable[Any]], complaint: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise Failed(f"after {PATIENCE_SECONDS:g} s {complaint}")
        await asyncio.sleep(PAUSE_SECONDS)
    return found


async def main() -> int:
    try:
        async with Kube.connect() as kube:
            await check(kube, os.environ["GRAPHCRON_NAMESPACE"])
    except (Failed, KubeError) as error:
        print(f"helm test failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
