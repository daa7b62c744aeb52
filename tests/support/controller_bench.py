"""A controller on a memory of an apiserver."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from graphcron.kube.client import Kube
from graphcron.kube.errors import Unavailable
from graphcron.kube.resources import GRAPHCRONS
from graphcron.operator.backfill_controller import BackfillController
from graphcron.operator.controller import Controller
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.cronjob import Installation
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import Name
from graphcron.operator.run_pod import RunPods
from tests.support.cluster_memory import MemoryCluster

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
HELLO: Name = ("team", "hello")
INSTALLATION = Installation(
    RunPods(image="graphcron:test", server_url="http://agent.example"), start_timeout=timedelta(minutes=10)
)


class Bench:
    """A controller on an apiserver's memory, with a watch that is as late as the test wants it."""

    def __init__(self) -> None:
        self.kube = MemoryCluster()
        self.leads = True
        self.now = NOW
        self.controller = Controller(
            cast("Kube", self.kube), INSTALLATION, clock=lambda: self.now, leads=lambda: self.leads
        )
        self.backfills = BackfillController(
            cast("Kube", self.kube),
            self.controller.cache,
            INSTALLATION,
            clock=lambda: self.now,
            leads=lambda: self.leads,
            metrics=OperatorMetrics(),
            marker=CrashMarker(None, NOW),
        )
        self.controller.spent_by_backfills = self.backfills.spent.of
        self.backfills.spent.on_change = self.controller.requeue_one

    def make(self, **spec: Any) -> dict[str, Any]:
        made = self.kube.make("hello", **spec)
        self.controller.cache.put(GRAPHCRONS, made)
        return made

    def edit(self, spec: dict[str, Any]) -> None:
        """Another spec; the watch brings it at once."""
        self.controller.cache.put(GRAPHCRONS, self.kube.edit("hello", spec))

    async def reconcile(self) -> None:
        await self.controller.reconcile(HELLO)

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        conditions = self.kube.graphcrons["hello"]["status"]["conditions"]
        return {condition["type"]: condition for condition in conditions}

    @property
    def ready(self) -> dict[str, Any]:
        return self.conditions["Ready"]


LEAST = {"schedule": "0 * * * *", "assistantId": "agent"}
LIVE_ON = ". Until then its CronJob fires as before the change."
WEBHOOK = Unavailable(500, 'failed calling webhook "policy.example": context deadline exceeded, request 7f3a')


async def edited(bench: Bench, **spec: Any) -> None:
    """A GraphCron with its CronJob, after an edit of its spec."""
    bench.make()
    await bench.reconcile()
    bench.edit(LEAST | spec)
    bench.kube.writes.clear()


def owned_by(graphcron: dict[str, Any]) -> dict[str, Any]:
    owner = {"kind": "GraphCron", "name": "hello", "uid": graphcron["metadata"]["uid"], "controller": True}
    labels = {"graphcron.dev/graphcron": "hello"}
    return {"name": "hello", "namespace": "team", "uid": "cj", "labels": labels, "ownerReferences": [owner]}
