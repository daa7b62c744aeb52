"""The operator process: starts and stops its reflectors, leader election, work queue and probes, in kopf's frame."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import uvloop

from graphcron import logs, probes
from graphcron.environ import CannotStart
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError
from graphcron.kube.leader_election import RELEASE_SECONDS, LeaderElector
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import BACKFILLS, GRAPHCRONS, NAMESPACES, Resource
from graphcron.kube.watch_health import Stream, WatchHealth
from graphcron.kube.write_gate import WriteGate
from graphcron.operator import webhook
from graphcron.operator.admission import answer
from graphcron.operator.backfill_controller import BackfillController
from graphcron.operator.controller import Controller, utc_now
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.cron_metrics import EachGraphCron
from graphcron.operator.cronjob import Installation
from graphcron.operator.kopf_adapter import run_kopf
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.namespaces import NamespaceHandler, NamespacePoll
from graphcron.operator.object_cache import WATCHED_RESOURCES
from graphcron.operator.resource_handler import ResourceHandler
from graphcron.operator.settings import OperatorSettings
from graphcron.operator.spending_record import SpendingRecord
from graphcron.resource.identity import MANAGED_BY
from graphcron.resource.lifetime import Lifetime

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 1.0
"""Between two samples of what the watches have brought."""

BACKFILL_WORKERS = 4
"""Each step of a backfill is a few writes, and its runs take far longer."""

SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
"""Label selector of the CronJobs, Jobs and pods of GraphCrons."""


class Operator:
    """Everything that runs in the process, on one connection. `start` returns once all is running; `stop` may be called
    at any time after the constructor, and more than once."""

    def __init__(self, settings: OperatorSettings, kube: Kube, gate: WriteGate, metrics: OperatorMetrics) -> None:
        self._settings = settings
        self._kube = kube
        self._gate = gate
        self._metrics = metrics
        self._watches = WatchHealth([*WATCHED_RESOURCES, *([] if settings.namespace else [NAMESPACES])])
        self._installation = installation = Installation(
            settings.pods,
            timedelta(seconds=settings.minimum_interval),
            timedelta(seconds=settings.run_start_timeout_seconds),
            settings.owner_headers,
            settings.paused,
            settings.run_expect,
            settings.ledger,
            Lifetime(settings.require_end_time, settings.max_lifetime_days),
            settings.budgets,
        )
        leads = lambda: gate.is_open  # noqa: E731
        marker = _marker(settings.state_dir)
        self._controller = Controller(kube, installation, leads=leads, metrics=metrics, marker=marker)
        self._backfills = BackfillController(
            kube, self._controller.cache, installation, utc_now, leads, metrics, marker
        )
        self._record = SpendingRecord(
            kube, self._controller.cache.spent, settings.lease[0], settings.spending_config_map, utc_now, leads
        )
        self._controller.spent_by_backfills = self._backfills.spent.of
        self._backfills.spent.on_change = self._controller.requeue_one
        self._elector = LeaderElector(
            kube, gate, settings.lease, settings.identity, settings.lease_timing, self._requeue_skipped
        )
        self._reflectors: list[Reflector | NamespacePoll] = [self._reflector(kind) for kind in WATCHED_RESOURCES]
        self._reflectors.append(self._namespaces())
        self._backfill_reflector = self._reflector(BACKFILLS)
        self._background: list[asyncio.Task[None]] = []
        self._workers: asyncio.Task[None] | None = None
        self._probes = contextlib.AsyncExitStack()
        self._stopped = False
        each = EachGraphCron(
            settings.metrics_limit, self._controller.cache.graphcrons, lambda: self._controller.overdue
        )
        metrics.observe(
            queue_depth=lambda: len(self._controller.queue),
            leads=leads,
            last_watch=lambda: self._watches.last_heard,
            states=self._controller.cache.states,
            unmet=self._controller.cache.unmet,
            each=each,
            quarantined=lambda: marker.number(utc_now()),
        )

    def _reflector(self, resource: Resource) -> Reflector:
        selector = "" if resource in (GRAPHCRONS, BACKFILLS) else SELECTOR
        handler = ResourceHandler(self._controller, self._backfills, resource)
        return Reflector(self._kube, resource, self._settings.namespace, selector, handler, self._opened)

    def _opened(self, resource: Resource, stream: Stream) -> None:
        """A watch of backfills counts once there was one: their CRD may be missing, or the permission."""
        self._watches.expect(resource)
        self._watches.opened(resource, stream)

    def _requeue_skipped(self) -> None:
        self._controller.requeue_skipped()
        self._backfills.requeue_skipped()

    def _namespaces(self) -> Reflector | NamespacePoll:
        handler = NamespaceHandler(self._controller, self._backfills)
        if self._settings.namespace:
            return NamespacePoll(self._kube, self._settings.namespace, handler)
        return Reflector(self._kube, NAMESPACES, None, "", handler, self._watches.opened)

    async def start(self) -> None:
        """Raises CannotStart when the cluster has no GraphCron resource, does not answer in time, or does not let it
        read what it needs."""
        await self._wait_for_the_crd()
        log.info("watching GraphCrons in %s", self._settings.namespace or "all namespaces")
        await self._probes.enter_async_context(
            probes.serving(
                health_port=self._settings.health_port,
                metrics_port=self._settings.metrics_port,
                problems=self._problems,
                synced=lambda: self._watches.synced,
                registry=self._metrics.registry,
            )
        )
        await self._serve_webhook()
        await self._record.read()
        reflectors = [*self._reflectors, self._backfill_reflector]
        self._background += [asyncio.create_task(reflector.run()) for reflector in reflectors]
        # Nothing is reconciled before: what is not listed yet would count as missing.
        with _no_collection():
            await self._wait_for_lists()
        self._record.restore()
        # Else the first reconciliations would skip their writes, and all be done twice.
        await self._elector.attempt()
        self._background += [asyncio.create_task(self._elector.run()), asyncio.create_task(self._sample_watches())]
        self._background.append(asyncio.create_task(self._record.run()))
        queue = self._controller.queue
        self._workers = asyncio.create_task(queue.run(self._controller.reconcile, self._settings.workers))
        self._controller.start()
        self._background.append(asyncio.create_task(self._carry_out_backfills()))

    async def _carry_out_backfills(self) -> None:
        """GraphCrons fire without them: a cluster may not have their CRD yet, or not let them be read."""
        await self._backfill_reflector.listed.wait()
        self._backfills.start()
        await self._backfills.queue.run(self._backfills.reconcile, BACKFILL_WORKERS)

    async def stop(self) -> None:
        """Writes in flight are waited for: one that is given up may be carried out all the same, and later. The Lease
        is renewed until then, and given back at the end."""
        if self._stopped:
            return
        self._gate.shut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._gate.drained()
        tasks = [*self._background, *([self._workers] if self._workers else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._elector.release()
        await self._probes.aclose()
        self._stopped = True

    async def _serve_webhook(self) -> None:
        """On each replica, since it writes nothing."""
        folder = self._settings.webhook_certificates
        if folder is None:
            return
        judge = lambda review: answer(review, self._installation, utc_now())  # noqa: E731
        try:
            await self._probes.enter_async_context(webhook.serving(Path(folder), self._settings.webhook_port, judge))
        except OSError as error:
            raise CannotStart(f"the webhook cannot serve with tls.crt and tls.key of {folder}: {error}") from None

    def _problems(self) -> list[str]:
        """What a restart would solve."""
        self._watches.sample()
        silent = self._watches.silent(self._settings.watch_silence, self._elector.answering_since)
        idle = self._workers is not None and self._workers.done()
        return [
            *(f"nothing comes through the watch of {resource} any more" for resource in silent),
            *(["nobody works on the queue any more"] if idle else []),
        ]

    async def _sample_watches(self) -> None:
        while True:
            self._watches.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _wait_for_lists(self) -> None:
        """Permissions that are installed together with the operator take a moment, too."""
        deadline = asyncio.get_running_loop().time() + self._settings.crd_patience
        while not all(reflector.listed.is_set() for reflector in self._reflectors):
            refused = [reflector.refused.message for reflector in self._reflectors if reflector.refused]
            if refused and asyncio.get_running_loop().time() > deadline:
                raise CannotStart(
                    f"the operator's service account lacks a permission: {refused[0]}. The Helm chart grants it."
                )
            waits = next(reflector for reflector in self._reflectors if not reflector.listed.is_set())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAMPLE_SECONDS):
                    await waits.listed.wait()

    async def _wait_for_the_crd(self) -> None:
        """A CRD that is installed together with the operator takes a moment until the apiserver serves it."""
        patience = self._settings.crd_patience
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                if await self._kube.serves_graphcrons():
                    return
                problem = (
                    "the cluster has no GraphCron resource: install the CRD "
                    "(helm does, or: graphcron crd | kubectl apply -f -)"
                )
            except KubeError as error:
                problem = error.message
            if asyncio.get_running_loop().time() > deadline:
                raise CannotStart(problem)
            log.warning("waiting: %s", problem)
            await asyncio.sleep(min(2.0, patience))


def _marker(folder: str | None) -> CrashMarker:
    """Without a folder that can be written, work goes on as without a quarantine."""
    try:
        return CrashMarker(Path(folder) if folder else None, utc_now())
    except OSError as error:
        log.warning("GraphCrons on which the operator dies are not remembered: %s", error)
        return CrashMarker(None, utc_now())


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A page is a quarter of a million small objects without cycles, and is freed as soon as it was read."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def run(settings: OperatorSettings) -> None:
    """Work until SIGTERM or SIGINT. Raises CannotStart and NoCluster."""
    gate, metrics = WriteGate(), OperatorMetrics(settings.prices)
    async with Kube.connect(gate, metrics.wrote) as kube:
        operator = Operator(settings, kube, gate, metrics)
        try:
            await run_kopf(operator, settings.namespace, settings.identity)
        finally:
            await operator.stop()  # kopf does not, when it is stopped while it starts


def main(environ: Mapping[str, str]) -> None:
    """The `graphcron operator` command."""
    settings = OperatorSettings.read(environ)
    logs.configure(settings.log_level, settings.log_format)
    # The object cache is a million small objects that stay, without cycles. Python would look for cycles after each 700
    # new ones.
    gc.set_threshold(50_000, 20, 100)
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(run(settings))
