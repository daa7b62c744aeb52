"""The operator process, and the only module that knows kopf: it hands kopf's events to the controller.

kopf brings the events of GraphCrons and nothing else: no handler state, no finalizer, no annotation is ever written by
it. What belongs to them, CronJobs, Jobs and pods of ours, comes by a Reflector each, which is there before kopf starts.
Every event means the same: look at that GraphCron again.
"""

import asyncio
import contextlib
import gc
import itertools
import logging
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import kopf
import uvloop

from graphcron import health, logs, news
from graphcron.controller import SELECTOR, SHELVES, Controller
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError
from graphcron.kube.leader_election import RELEASE_SECONDS, Leader
from graphcron.kube.reflector import Reflector
from graphcron.kube.transport import UNPACKED
from graphcron.kube.watch_health import WATCH_SECONDS, Heartbeat
from graphcron.kube.write_gate import Fence
from graphcron.operator_metrics import OperatorMetrics
from graphcron.operator_settings import OperatorSettings
from graphcron.seen import CRON_JOBS, GRAPHCRONS, JOBS, PODS, Name
from graphcron.workqueue import WorkQueue

log = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
"""Between looks at what the watches have brought."""

FIRST_LOOKS_SECONDS = 10.0
"""For the looks at all that is there at the start, before kopf starts. Where they write much, new GraphCrons need not
wait for all of it."""

CONNECTIONS = 50
"""Of kopf: a watch holds one for each resource."""


class Backoffs:
    """Seconds between attempts of kopf's own requests. Without end: kopf takes the end of its list for a reason to
    give a watch up, and an apiserver may be away for longer than that."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 2, 3, 5, 8, 13), itertools.repeat(20))


class NoDiffs(kopf.DiffBaseStorage):
    """kopf would copy each object at each event, to find out what has changed. We compare by ourselves."""

    def build(self, *, body: kopf.Body, extra_fields: object = None, ignored_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


class NoProgress(kopf.ProgressStorage):
    """There is none to keep: no handler of ours is one that kopf tries again."""

    def fetch(self, *, key: object, body: kopf.Body) -> kopf.ProgressRecord | None:
        return None

    def store(self, *, key: object, record: kopf.ProgressRecord, body: kopf.Body, patch: kopf.Patch) -> None:
        pass

    def purge(self, *, key: object, body: kopf.Body, patch: kopf.Patch) -> None:
        pass

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        pass

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence

    def flush(self) -> None:
        pass


def register(
    registry: kopf.OperatorRegistry,
    controller: Controller,
    fence: Fence,
    heartbeat: Heartbeat,
) -> list[asyncio.Task[None]]:
    """Hand kopf's events to the controller. Returns what is at work beside kopf until it ends: none may end before."""
    at_work: list[asyncio.Task[None]] = []

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # events are ours to write
        settings.persistence.diffbase_storage = NoDiffs()
        settings.persistence.progress_storage = NoProgress()
        settings.scanning.disabled = True  # no list or watch of CRDs and namespaces
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = Backoffs()
        settings.watching.chunk_size = 500
        settings.queueing.idle_timeout = 1.0  # after which the task of an object ends; each keeps its last event
        settings.watching.server_timeout = WATCH_SECONDS

    @kopf.on.cleanup(registry=registry)
    async def _stop(**_: object) -> None:
        # What is under way is waited for: a request that is given up may be carried out all the same, and later. The
        # Lease is kept and renewed until kopf has ended, which takes it a few seconds at times.
        fence.shut()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fence.emptied(), RELEASE_SECONDS)
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    @kopf.on.login(registry=registry)
    async def _login(**given: Any) -> kopf.AiohttpSession | None:
        # The pod's own account, renewed by kopf when its token has expired; outside of a cluster, KUBECONFIG.
        found = kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)
        return _session(found, heartbeat, controller) if found else None

    @kopf.on.event(*SHELVES[GRAPHCRONS], registry=registry, id="saw")
    async def _saw(event: kopf.RawEvent, **_: object) -> None:
        controller.saw(GRAPHCRONS, event)

    return at_work


def _session(found: kopf.ConnectionInfo, heartbeat: Heartbeat, controller: Controller) -> kopf.AiohttpSession:
    """A session as kopf would make it, in which the heartbeat can listen to the watches. (kopf has the bookmarks, and
    hands them to nobody.) Of objects it brings what the controller does not know yet."""

    async def answered(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        if params.url.query.get("watch") == "true" and params.response.status == 200:
            heartbeat.opened(params.url.name, params.response.content)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(answered)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=found.as_ssl_context()),
        headers=UNPACKED | found.as_http_headers(),
        proxy=found.proxy_url,
        trust_env=bool(found.trust_env),
        trace_configs=[tracing],
        response_class=news.answers(
            is_known=lambda manifest: controller.seen.is_known(GRAPHCRONS, manifest),
            listed=lambda uids, version: controller.missing(GRAPHCRONS, uids, version),
        ),
    )
    return kopf.AiohttpSession(server=found.server, default_namespace=found.default_namespace, aiohttp_session=session)


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
        registry = kopf.OperatorRegistry()
        at_work = register(registry, controller, fence, heartbeat)
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

        scope: dict[str, Any] = {"namespaces": [settings.namespace]} if settings.namespace else {"clusterwide": True}
        log.info("watching GraphCrons in %s", settings.namespace or "all namespaces")
        async with health.serving(
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
                await kopf.operator(registry=registry, standalone=True, **scope)
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
