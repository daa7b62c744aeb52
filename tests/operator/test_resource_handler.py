"""Of what a watch brings, only what is new is queued."""

import copy

from graphcron.kube.resources import BACKFILLS, CRON_JOBS, GRAPHCRONS, JOBS
from graphcron.operator.resource_handler import ResourceHandler
from graphcron.operator.work_queue import WorkQueue
from tests.support.backfill_world import backfill
from tests.support.controller_bench import Bench, owned_by


async def test_what_a_list_lacks_is_dropped_and_requeued(bench: Bench) -> None:
    """A deletion while nothing was watched is never told: the CronJob would stay missing."""
    bench.make()
    await bench.reconcile()
    bench.kube.cron_jobs.clear()
    bench.kube.writes.clear()
    await bench.reconcile()
    assert bench.kube.writes == [], "it was not told"
    bench.controller.start()
    ResourceHandler(bench.controller, bench.backfills, CRON_JOBS).on_replace(set(), 10**9)
    assert len(bench.controller.queue) == 1
    await bench.reconcile()
    assert bench.kube.writes == ["cronjob hello"]


async def test_only_a_changed_resource_version_is_queued(bench: Bench) -> None:
    """An event of what is known already, and of a CronJob whose GraphCron nobody has seen, needs no look."""
    bench.controller.start()
    crons, jobs = (ResourceHandler(bench.controller, bench.backfills, resource) for resource in (GRAPHCRONS, CRON_JOBS))
    made = bench.make()
    await bench.reconcile()
    jobs.on_add(bench.kube.cron_jobs["hello"])
    crons.on_page([bench.kube.graphcrons["hello"]])
    stranger = {"metadata": owned_by(made) | {"name": "x", "labels": {"graphcron.dev/graphcron": "x"}}}
    jobs.on_add(stranger)
    assert len(bench.controller.queue) == 0
    changed = copy.deepcopy(bench.kube.cron_jobs["hello"])
    changed["metadata"]["resourceVersion"] = "1000"
    jobs.on_update(changed)
    assert len(bench.controller.queue) == 1


async def test_a_backfill_and_its_jobs_go_to_their_own_controller(bench: Bench) -> None:
    bench.controller.start()
    bench.backfills.start()
    backfills, jobs = (ResourceHandler(bench.controller, bench.backfills, resource) for resource in (BACKFILLS, JOBS))
    backfills.on_page([backfill({})])
    assert ("team", "again") in bench.backfills.queue
    owner = {"kind": "GraphCronBackfill", "name": "again", "uid": "uid of again", "controller": True}
    labels = {"graphcron.dev/graphcron": "hello", "graphcron.dev/backfill": "again"}
    metadata = {"name": "hello-29000000", "namespace": "team", "uid": "j", "resourceVersion": "7", "labels": labels}
    job = {"metadata": metadata | {"ownerReferences": [owner]}, "status": {}}
    jobs.on_add(job)
    found = bench.backfills.cache.with_jobs(("team", "again"))
    assert found
    assert [one["metadata"]["name"] for one in found[1]] == ["hello-29000000"]
    assert len(bench.controller.cache) == 0
    jobs.on_replace(set(), 10)
    backfills.on_delete(backfill({}))
    assert bench.backfills.cache.with_jobs(("team", "again")) is None


async def test_a_change_of_a_graphcron_queues_its_backfills(bench: Bench) -> None:
    crons, backfills = (ResourceHandler(bench.controller, bench.backfills, it) for it in (GRAPHCRONS, BACKFILLS))
    bench.backfills.start()
    crons.on_add(bench.make())
    assert len(bench.backfills.queue) == 0
    backfills.on_add(backfill({}))
    bench.backfills.queue = WorkQueue()
    crons.on_update(bench.kube.touch("hello"))
    assert ("team", "again") in bench.backfills.queue
    crons.on_update(bench.kube.make("another"))
    assert len(bench.backfills.queue) == 1
