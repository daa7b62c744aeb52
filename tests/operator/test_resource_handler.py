"""Of what a watch brings, only what is new is queued."""

import copy

from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS
from graphcron.operator.resource_handler import ResourceHandler
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
