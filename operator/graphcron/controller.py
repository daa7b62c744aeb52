"""The operator: watches GraphCrons and what came of them by kopf, and keeps each in line by the work queue.

kopf brings the events and nothing else: no handler state, no finalizer, no annotation is ever written by it. Every
event, of a GraphCron or of a CronJob, Job or pod of ours, means the same: look at that GraphCron again.
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import kopf

from graphcron import logs, status
from graphcron.desired import MANAGED_BY
from graphcron.kube import Conflict, Kube, KubeError, Manifest, NotFound, Refused
from graphcron.models import API_VERSION, GROUP, KIND, PLURAL, VERSION
from graphcron.pod_template import RunPods
from graphcron.reconcile import LATER, Observed, Plan, conclude, controller_of, decide, owns
from graphcron.seen import CRON_JOBS, GRAPHCRONS, JOBS, PODS, Name, Seen
from graphcron.settings import OperatorSettings
from graphcron.status import Note, Verdict
from graphcron.workqueue import WorkQueue

log = logging.getLogger(__name__)

SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())


def utc_now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """Carries out what `reconcile` decides, for one GraphCron at a time."""

    def __init__(self, kube: Kube, pods: RunPods, clock: Callable[[], datetime] = utc_now) -> None:
        self.seen = Seen()
        self.queue: WorkQueue[Name] = WorkQueue()
        self._kube = kube
        self._pods = pods
        self._clock = clock
        self.listed_anew: Callable[[str], None] = lambda shelf: None
        """Called with a shelf whose objects kopf has listed for another time."""

    async def reconcile(self, name: Name) -> None:
        """Bring the cluster in line with one GraphCron: at most one CronJob and one status are written.

        Raises KubeError when the apiserver is not available: the queue tries again.
        """
        observed = self.seen.of(name)
        if observed is None:
            return
        plan = self._decide(name, observed)
        observed, plan = await self._apply(name, observed, plan)
        wanted, notes = conclude(observed, plan, self._clock())
        if wanted != observed.graphcron.get("status"):
            await self._write_status(name, observed.graphcron, wanted, notes)
        self.seen.told(name)
        if plan.wake_at:
            self.queue.add_after(name, (plan.wake_at - self._clock()).total_seconds())

    def _decide(self, name: Name, observed: Observed) -> Plan:
        """A GraphCron that the code trips over stalls alone, and says so."""
        try:
            return decide(observed, self._pods, self._clock())
        except Exception as error:
            log.exception("GraphCron %s/%s: internal error", *name)
            message = f"The operator failed on it ({type(error).__name__}); its log has the details. Please report it."
            return Plan(Verdict(False, status.INTERNAL_ERROR, message))

    async def _apply(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out the plan; returns what is so now, and the plan with the verdict that came of it."""
        if plan.apply is not None and observed.cron_job is None:
            # Server-side apply would take over a CronJob that somebody else made under this name.
            try:
                found = await self._kube.get_cron_job(*name)
            except NotFound:
                found = None
            if found and not owns(observed.graphcron, found):
                if (owner := controller_of(found)) and (owner["kind"], owner["name"]) == (KIND, name[1]):
                    raise Conflict(409, "the CronJob of a deleted GraphCron of this name is still being removed")
                return observed, self._stalled(plan, status.NAME_TAKEN, _name_taken(name))
            if found:
                self.seen.put(CRON_JOBS, found)
                observed = replace(observed, cron_job=found)
                plan = self._decide(name, observed)
        if plan.apply is None:
            return observed, plan
        try:
            cron_job = await self._kube.apply_cron_job(name[0], plan.apply)
        except Refused as refused:
            message = f"The cluster refused the CronJob: {refused.message}"
            return observed, self._stalled(plan, status.REFUSED_BY_CLUSTER, message)
        log.info("GraphCron %s/%s: CronJob applied: %s", *name, plan.verdict.message)
        self.seen.put(CRON_JOBS, cron_job)
        return replace(observed, cron_job=cron_job), plan

    def _stalled(self, plan: Plan, reason: str, message: str) -> Plan:
        """Something that can end without an event of ours, such as a quota: so it is looked at again."""
        later = self._clock() + LATER
        return replace(plan, verdict=Verdict(False, reason, message), next_run_times=(), enabled=False, wake_at=later)

    async def _write_status(self, name: Name, graphcron: Manifest, wanted: dict[str, Any], notes: list[Note]) -> None:
        try:
            written = await self._kube.patch_status(*name, graphcron["metadata"]["uid"], wanted)
        except NotFound:
            # Deleted meanwhile; a namesake comes with an event of its own.
            self.seen.drop(GRAPHCRONS, graphcron)
            return
        self.seen.put(GRAPHCRONS, written)
        for note in notes:
            level = logging.WARNING if note.type == "Warning" else logging.INFO
            log.log(level, "GraphCron %s/%s: %s: %s", *name, note.reason, note.message)
            await self._tell(name, graphcron, note)

    async def sweep(self, shelf: str, namespace: str | None) -> None:
        """Forget what the cluster no longer has. kopf lists anew when a watch was too old to go on, and what was
        deleted in between is not in the list, nor is it told."""
        selector = "" if shelf == GRAPHCRONS else SELECTOR
        items, version = await self._kube.list_metadata(SHELVES[shelf], namespace, selector)
        for name in self.seen.drop_missing(shelf, {item["metadata"]["uid"] for item in items}, version):
            log.info("GraphCron %s/%s: one of its %s went unnoticed", *name, shelf)
            self.queue.add(name)

    async def _tell(self, name: Name, graphcron: Manifest, note: Note) -> None:
        """A Kubernetes event. Best effort: the status says the same and is the truth."""
        moment = self._clock()
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"name": f"{name[1]}.{int(moment.timestamp() * 1e6):x}", "namespace": name[0]},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "namespace": name[0],
                "name": name[1],
                "uid": graphcron["metadata"]["uid"],
            },
            "type": note.type,
            "reason": note.reason,
            "message": note.message[:1024],
            "source": {"component": "graphcron"},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            await self._kube.create_event(name[0], event)
        except Exception as error:
            log.warning("GraphCron %s/%s: its event was not written: %s", *name, error)


def _name_taken(name: Name) -> str:
    return f"A CronJob '{name[1]}' that this GraphCron does not own exists already: delete it, or rename the GraphCron."


SHELVES = {
    GRAPHCRONS: (GROUP, VERSION, PLURAL),
    CRON_JOBS: ("batch", "v1", "cronjobs"),
    JOBS: ("batch", "v1", "jobs"),
    PODS: ("", "v1", "pods"),
}

SWEEP_SECONDS = 600.0
"""Between sweeps without a reason: a list that was emptied unnoticed gives no event at all."""


class Backoffs:
    """Seconds between attempts of kopf's own requests. Without end: kopf takes the end of its list for a reason to
    give a watch up, and an apiserver may be away for longer than that."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 2, 3, 5, 8, 13), itertools.repeat(20))


def register(registry: kopf.OperatorRegistry, controller: Controller, given: OperatorSettings) -> None:
    """Hand kopf's events to the controller, and have its queue worked on while kopf runs."""
    at_work: list[asyncio.Task[None]] = []

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # events are ours to write
        settings.scanning.disabled = True  # no list or watch of CRDs and namespaces
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = Backoffs()
        settings.watching.chunk_size = 500
        for shelf in (CRON_JOBS, JOBS, PODS):
            group, version, plural = SHELVES[shelf]
            key = (group, version, plural) if group else (version, plural)
            settings.watching.label_selectors[key] = SELECTOR
        sweeps: WorkQueue[str] = WorkQueue()

        async def sweep(shelf: str) -> None:
            await controller.sweep(shelf, given.namespace)
            sweeps.add_after(shelf, SWEEP_SECONDS)

        for shelf in SHELVES:
            sweeps.add_after(shelf, SWEEP_SECONDS)
        controller.listed_anew = sweeps.add
        at_work.append(asyncio.create_task(controller.queue.run(controller.reconcile, given.workers)))
        at_work.append(asyncio.create_task(sweeps.run(sweep, workers=1)))

    @kopf.on.cleanup(registry=registry)
    async def _stop(**_: object) -> None:
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    @kopf.on.probe(registry=registry, id="queue", errors=kopf.ErrorsMode.PERMANENT)
    async def _probe(**_: object) -> str:
        # An error here fails the liveness probe: a queue that nobody works on would go unnoticed.
        if any(task.done() for task in at_work):
            raise RuntimeError("nobody works on the queue any more")
        return f"{len(controller.queue)} waiting"

    @kopf.on.login(registry=registry)
    async def _login(**given: Any) -> kopf.ConnectionInfo | None:
        # The pod's own account, renewed by kopf when its token has expired; outside of a cluster, KUBECONFIG.
        return kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)

    for shelf, resource in SHELVES.items():
        _watch(registry, controller, shelf, [part for part in resource if part])


def _watch(registry: kopf.OperatorRegistry, controller: Controller, shelf: str, resource: list[str]) -> None:
    # kopf calls no handler before it has listed and indexed all resources that have an index: so what `remember`
    # puts in is whole before the first reconciliation, and a restart takes nothing for missing that is only unread.
    @kopf.index(*resource, registry=registry, id=f"remember-{shelf}")
    async def _remember(body: kopf.Body, **_: object) -> None:
        controller.seen.put(shelf, dict(body))

    @kopf.on.event(*resource, registry=registry, id=f"saw-{shelf}")
    async def _saw(event: kopf.RawEvent, **_: object) -> None:
        if event["type"] == "DELETED":
            name = controller.seen.drop(shelf, event["object"])
        else:
            name = controller.seen.put(shelf, event["object"])
            # What a list brings has no type. An object that comes so, and was there before, means another list.
            if controller.seen.is_repeated(event["object"]) and event["type"] is None:
                controller.listed_anew(shelf)
        if name:
            controller.queue.add(name)


async def run(settings: OperatorSettings) -> None:
    """Work until SIGTERM or SIGINT."""
    async with Kube.connect() as kube:
        await _wait_for_the_crd(kube, settings.crd_patience)
        controller = Controller(kube, settings.pods)
        registry = kopf.OperatorRegistry()
        register(registry, controller, settings)
        scope: dict[str, Any] = {"namespaces": [settings.namespace]} if settings.namespace else {"clusterwide": True}
        log.info("watching GraphCrons in %s", settings.namespace or "all namespaces")
        await kopf.operator(
            registry=registry,
            standalone=True,
            liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
            **scope,
        )


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


def main(environ: Mapping[str, str] | None = None) -> None:
    """The `graphcron operator` command."""
    settings = OperatorSettings.read(os.environ if environ is None else environ)
    logs.configure(settings.log_level)
    asyncio.run(run(settings))
