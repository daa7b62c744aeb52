"""The operator process: starts and stops its watches, leader election, work queue, probes and kopf."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import uvloop

from graphcron import logs
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError
from graphcron.kube.leader_election import Leader
from graphcron.kube.reflector import Reflector
from graphcron.kube.watch_health import Heartbeat
from graphcron.kube.write_gate import Fence
from graphcron.operator import probes
from graphcron.operator.controller import SELECTOR, SHELVES, Controller
from graphcron.operator.kopf_adapter import register, run_kopf
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import CRON_JOBS, JOBS, PODS, Name
from graphcron.operator.settings import OperatorSettings
from graphcron.operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
"""Between looks at what the watches have brought."""

FIRST_LOOKS_SECONDS = 10.0
"""For the looks at all that is there at the start, before kopf starts. Where they write much, new GraphCrons need not
wait for all of it."""


async def run(settings: OperatorSettings) -> None:
    """Work until SIGTERM or SIGINT."""
    _listen_to_signals()
    asyncio.get_running_loop().set_exception_handler(tell_of)
    fence, metrics = Fence(), OperatorMetrics()
    heartbeat = Heartbeat(SHELVES[shelf][2] for shelf in SHELVES)

    async with Kube.connect(fence, metrics.wrote) as kube:
        await _wait_for_the_crd(kube, settings.crd_patience)
        least = timedelta(seconds=settings.minimum_interval)
        controller = Controller(kube, settings.pods, leads=lambda: fence.is_open, metrics=metrics, least=least)
        leader = Leader(kube, fence, settings.lease, settings.identity, settings.lease_timing, controller.lead)
        registry, at_work = register(controller, fence, heartbeat)
        reflectors = [
            Reflector(kube, SHELVES[shelf], settings.namespace, SELECTOR, controller.mirror(shelf), heartbeat.opened)
            for shelf in (CRON_JOBS, JOBS, PODS)
        ]
        metrics.observe(
            queue_depth=lambda: len(controller.queue),
            leads=lambda: fence.is_open,
            last_watch=lambda: heartbeat.last_heard,
            states=controller.seen.states,
        )

        def problems() -> list[str]:
            heartbeat.listen()
            silent = heartbeat.silent(settings.watch_silence, leader.answering_since)
            return [
                *(f"nothing comes through the watch of {name} any more" for name in silent),
                *(["nobody works on the queue any more"] if any(task.done() for task in at_work) else []),
            ]

        log.info("watching GraphCrons in %s", settings.namespace or "all namespaces")
        async with probes.serving(
            health_port=settings.health_port,
            metrics_port=settings.metrics_port,
            problems=problems,
            synced=lambda: heartbeat.synced,
            registry=metrics.registry,
        ):
            # All are started before kopf, which ends what was started after it: the Lease is kept until the very end.
            ours = [asyncio.create_task(reflector.run()) for reflector in reflectors]
            try:
                # No look before all is there: it would take for missing what is only unread.
                with _no_collection():
                    await asyncio.gather(
                        _load(controller, settings.namespace), *(reflector.listed.wait() for reflector in reflectors)
                    )
                # Else the first looks would leave what they find to a leader that is yet to come, and all come twice.
                await leader.attempt()
                ours += [asyncio.create_task(leader.run()), asyncio.create_task(_listen(heartbeat))]
                at_work.append(asyncio.create_task(controller.queue.run(controller.reconcile, settings.workers)))
                await controller.begin()
                await _first_looks(controller.queue)
                await run_kopf(registry, settings.namespace, settings.identity)
            finally:
                for task in ours:
                    task.cancel()
                await asyncio.wait(ours)
                await leader.release()


def tell_of(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """asyncio's own way to tell of an error, but for a stop while kopf reads a watch: it leaves a generator behind that
    cannot be closed, and nothing is wrong."""
    if "asyncgen" in context:
        log.debug("%s", context["message"])
    else:
        loop.default_exception_handler(context)


def _listen_to_signals() -> None:
    """Until kopf does it by itself. The first process of a container hears no signal that it has no handler for, and to
    wait for the CRD, or for an apiserver, may take long."""
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _listen(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat.listen()
        await asyncio.sleep(LISTEN_SECONDS)


async def _wait_for_the_crd(kube: Kube, patience: float) -> None:
    """kopf looks up once which resources there are, and would wait for ever for events of one that was late.

    `patience` in seconds: a CRD that is installed together with us takes a moment until the apiserver serves it.
    """
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            if await kube.serves_graphcrons():
                return
            problem = (
                "the cluster has no GraphCron resource: install the CRD "
                "(helm does, or: graphcron crd | kubectl apply -f -)"
            )
        except KubeError as error:
            problem = error.message
        if asyncio.get_running_loop().time() > deadline:
            raise SystemExit(f"graphcron: {problem}")
        log.warning("waiting: %s", problem)
        await asyncio.sleep(min(2.0, patience))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A page is a quarter of a million small objects, which go when it was read, and have no cycles to be found."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _load(controller: Controller, namespace: str | None) -> None:
    while True:
        try:
            return await controller.load(namespace)
        except KubeError as error:
            log.warning("waiting: %s", error.message)
            await asyncio.sleep(2.0)


async def _first_looks(queue: WorkQueue[Name]) -> None:
    """kopf would take turns with them, to bring what is known already."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOKS_SECONDS):
            while len(queue):  # noqa: ASYNC110 - it announces nothing
                await asyncio.sleep(0.02)


def main(environ: Mapping[str, str]) -> None:
    """The `graphcron operator` command."""
    settings = OperatorSettings.read(environ)
    logs.configure(settings.log_level, settings.log_format)
    # The picture of the cluster is a million small objects that stay, with no cycles among them. Python would look
    # through them for cycles after each 700 new ones.
    gc.set_threshold(50_000, 20, 100)
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(run(settings))
