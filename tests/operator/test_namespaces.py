"""Namespaces: a change of the annotation queues the GraphCrons in it, and nothing else does."""

import asyncio
from typing import Any, cast

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, Refused, Unavailable
from graphcron.kube.resources import BACKFILLS
from graphcron.operator import namespaces
from graphcron.operator.namespaces import NamespaceHandler, NamespacePoll
from graphcron.operator.work_queue import WorkQueue
from tests.support.backfill_world import backfill
from tests.support.controller_bench import Bench
from tests.support.until import until


def namespace(name: str, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "annotations": annotations}}


PAUSED = {"graphcron.dev/paused": "why not"}


async def test_a_pause_queues_the_graphcrons_of_its_namespace_alone(bench: Bench) -> None:
    bench.make()
    await bench.reconcile()
    bench.controller.start()
    bench.controller.queue = type(bench.controller.queue)()
    handler = NamespaceHandler(bench.controller, bench.backfills)
    handler.on_page([namespace("team"), namespace("other", **PAUSED)])
    assert len(bench.controller.queue) == 0
    handler.on_update(namespace("team", **PAUSED))
    assert len(bench.controller.queue) == 1
    await bench.reconcile()
    assert bench.ready["reason"] == "PausedByAdministrator"
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"]
    handler.on_replace({"other"}, 9)
    await bench.reconcile()
    assert not bench.kube.cron_jobs["hello"]["spec"]["suspend"]


async def test_a_pause_queues_the_backfills_of_its_namespace_that_are_not_over(bench: Bench) -> None:
    """Also that of a GraphCron whose status the pause does not change."""
    over = backfill({}, name="over") | {"status": {"phase": "Complete"}}
    elsewhere = backfill({}, name="elsewhere")
    elsewhere["metadata"] |= {"namespace": "other"}
    for one in (backfill({}), over, elsewhere):
        bench.backfills.changed(BACKFILLS, one)
    bench.backfills.start()
    bench.backfills.queue = WorkQueue()
    handler = NamespaceHandler(bench.controller, bench.backfills)
    handler.on_add(namespace("team"))
    assert len(bench.backfills.queue) == 0
    handler.on_update(namespace("team", **PAUSED))
    assert ("team", "again") in bench.backfills.queue
    assert len(bench.backfills.queue) == 1


async def test_before_everything_is_listed_nothing_is_queued(bench: Bench) -> None:
    bench.make()
    NamespaceHandler(bench.controller, bench.backfills).on_add(namespace("team", **PAUSED))
    assert len(bench.controller.queue) == 0


class OneNamespace:
    """An apiserver that answers what the test says."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | KubeError = Refused(403, "it may not be read")

    async def get_namespace(self, name: str) -> dict[str, Any]:
        if isinstance(self.answer, KubeError):
            raise self.answer
        return self.answer


async def test_one_namespace_is_read_again_and_again_and_an_outage_changes_nothing(bench: Bench) -> None:
    kube = OneNamespace()
    poll = NamespacePoll(cast("Kube", kube), "team", NamespaceHandler(bench.controller, bench.backfills))
    wait, namespaces.POLL_SECONDS = namespaces.POLL_SECONDS, 0.01
    running = asyncio.create_task(poll.run())
    try:
        await until(lambda: poll.refused is not None)
        assert not poll.listed.is_set()
        kube.answer = namespace("team", **PAUSED)
        await until(poll.listed.is_set)
        assert poll.refused is None
        kube.answer = Unavailable(503, "it restarts")
        await asyncio.sleep(0.05)
        assert bench.controller.cache.pauses.of("team")
        kube.answer = namespace("team")
        await until(lambda: bench.controller.cache.pauses.of("team") is None)
    finally:
        running.cancel()
        namespaces.POLL_SECONDS = wait
