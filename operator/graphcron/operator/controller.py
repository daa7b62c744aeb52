"""The controller: reconciles one GraphCron at a time. It reads the object cache, calls `reconcile`, and writes.

`ResourceHandler` fills the cache from a reflector and queues the GraphCron that a change belongs to.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound, NotLeading, Refused
from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS, JOBS, Manifest, Resource
from graphcron.operator.create_failures import CreateFailures
from graphcron.operator.cronjob import Installation
from graphcron.operator.events import Event, event_manifest
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import Observed, controller_of, owns
from graphcron.operator.phase import Verdict, stalled
from graphcron.operator.pod_status import has_started
from graphcron.operator.reasons import INTERNAL_ERROR, NAME_TAKEN, REFUSED_BY_CLUSTER
from graphcron.operator.reconcile import LATER, Plan, conclude, decide
from graphcron.operator.requests import REPLACED_BY_REQUEST, run_request, surplus
from graphcron.operator.starting import End
from graphcron.operator.work_queue import WorkQueue
from graphcron.resource.identity import KIND

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """Carries out what `reconcile` decides. While `leads` is false it reconciles as usual and skips all writes, so that
    it can take over at once."""

    def __init__(
        self,
        kube: Kube,
        installation: Installation,
        clock: Callable[[], datetime] = utc_now,
        leads: Callable[[], bool] = lambda: True,
        metrics: OperatorMetrics | None = None,
    ) -> None:
        self.cache = ObjectCache()
        self._metrics = metrics or OperatorMetrics()
        self.queue: WorkQueue[Name] = WorkQueue(on_retry=self._metrics.retries.inc)
        self._kube = kube
        self._create_failures = CreateFailures(kube)
        self._installation = installation
        self._clock = clock
        self._leads = leads
        self._skipped: set[Name] = set()
        self._started = False

    def start(self) -> None:
        """Everything is listed: queue all GraphCrons, and from now on each one that changes."""
        self._started = True
        for name in self.cache.names():
            self.queue.add(name)

    def requeue_skipped(self) -> None:
        """Requeue the GraphCrons whose writes were skipped while another replica led."""
        for name in self._skipped:
            self.queue.add(name)

    async def reconcile(self, name: Name) -> None:
        """Bring the cluster in line with one GraphCron: at most one CronJob and one status are written.

        Raises KubeError when the apiserver is not available: the queue tries again.
        """
        self._skipped.discard(name)
        started, outcome = time.perf_counter(), "retry"
        try:
            outcome = await self._reconcile(name)
        except NotLeading:
            self._skipped.add(name)
            outcome = ""
            if self._leads():  # the lead was lost and won again while a request was in flight
                self.queue.add(name)
        finally:
            if outcome:
                self._metrics.reconciled[outcome].observe(time.perf_counter() - started)

    async def _reconcile(self, name: Name) -> str:
        """Returns ok or stalled; empty when there is no such GraphCron."""
        observed = self.cache.of(name)
        if observed is None:
            return ""
        plan = self._decide(name, observed)
        if plan.asks and self._leads():
            observed = replace(observed, create_failures=await self._create_failures.of(name[0]))
            plan = self._decide(name, observed)
        if plan.apply is not None and not self._leads():
            raise NotLeading(0, "the leader will apply it")
        if plan.apply is not None and observed.cron_job is None and await self._is_gone(name, observed.graphcron):
            self.cache.drop(GRAPHCRONS, observed.graphcron)
            return ""
        observed, plan = await self._apply(name, observed, plan)
        observed, plan = await self._request(name, observed, plan)
        wanted, events = conclude(observed, plan, self._clock())
        if wanted != observed.graphcron.get("status"):
            if not self._leads():
                raise NotLeading(0, "the leader will write it")
            await self._write_status(name, observed.graphcron, wanted, events)
        self.cache.reported(name)
        if not plan.unchanged and self._leads():
            await self._remove_surplus(name, observed)
        if plan.end:
            if not self._leads():
                raise NotLeading(0, "the leader will end it")
            await self._end(name, plan.end)
        if plan.wake_at:
            self.queue.add_after(name, (plan.wake_at - self._clock()).total_seconds())
        return "ok" if plan.verdict.ready else "stalled"

    async def _is_gone(self, name: Name, graphcron: Manifest) -> bool:
        """Whether a GraphCron whose CronJob is missing is deleted too: the DELETED event of the CronJob can come before
        its own. One that never had a CronJob is not looked up."""
        if not graphcron.get("status", {}).get("cronJobName"):
            return False
        try:
            found = await self._kube.get_graphcron(*name)
        except NotFound:
            return True
        return bool(found["metadata"]["uid"] != graphcron["metadata"]["uid"])

    def _decide(self, name: Name, observed: Observed) -> Plan:
        """A GraphCron on which the code fails stalls alone, and its status says so."""
        try:
            return decide(observed, self._installation, self._clock())
        except Exception as error:
            log.exception("GraphCron %s/%s: internal error", *name)
            message = f"The operator failed on it ({type(error).__name__}); its log has the details. Please report it."
            return Plan(stalled(INTERNAL_ERROR, message))

    async def _apply(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out the plan; returns what is observed after it, and the plan with the resulting verdict."""
        if plan.apply is None:
            return observed, plan
        anew = observed.cron_job is None
        try:
            cron_job = await self._kube.apply_cron_job(name[0], plan.apply, anew=anew)
        except Conflict:
            if anew:
                return await self._adopt(name, observed, plan, await self._kube.get_cron_job(*name))
            raise
        except Refused as refused:
            message = f"The cluster refused the CronJob: {refused.message}"
            return observed, self._blocked(plan, stalled(REFUSED_BY_CLUSTER, message, keeps_message=True))
        log.info("GraphCron %s/%s: CronJob applied: %s", *name, plan.verdict.message)
        self.cache.put(CRON_JOBS, cron_job)
        return replace(observed, cron_job=cron_job), plan

    async def _adopt(self, name: Name, observed: Observed, plan: Plan, found: Manifest) -> tuple[Observed, Plan]:
        """Go on from a CronJob of that name that is not in the cache: ours, and its ADDED event is on the way, or
        somebody else's."""
        if owns(observed.graphcron, found):
            self.cache.put(CRON_JOBS, found)
            observed = replace(observed, cron_job=found)
            return await self._apply(name, observed, self._decide(name, observed))
        if (owner := controller_of(found)) and (owner["kind"], owner["name"]) == (KIND, name[1]):
            raise Conflict(409, "the CronJob of a deleted GraphCron of this name is still being removed")
        message = f"A CronJob '{name[1]}' that this GraphCron does not own exists already: "
        message += "delete it, or rename the GraphCron."
        return observed, self._blocked(plan, stalled(NAME_TAKEN, message))

    async def _request(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out a request to run now. The status records it afterwards: killed in between, the next reconciliation
        finds the Job by its name."""
        request = None if plan.unchanged else run_request(observed, plan.verdict)
        if request is None or request.job is None:
            return observed, replace(plan, request=request)
        if not self._leads():
            raise NotLeading(0, "the leader will create its Job")
        try:
            for job in request.ends:
                self.cache.put(JOBS, await self._kube.end_job(name[0], job, REPLACED_BY_REQUEST))
            with suppress(Conflict):  # an earlier reconciliation created it, and could not record it
                made = await self._kube.create_job(name[0], request.job)
                self.cache.put(JOBS, made)
                observed = replace(observed, jobs=(*observed.jobs, made))
        except Refused as refused:
            request = request.not_made(refused.message)
        return observed, replace(plan, request=request)

    async def _remove_surplus(self, name: Name, observed: Observed) -> None:
        """Jobs of requests beyond the history limits, after their outcomes were recorded."""
        for job in surplus(observed):
            try:
                await self._kube.expire_job(name[0], job)
            except (Conflict, NotFound, Refused):
                continue  # it is gone, or its event is on the way

    async def _end(self, name: Name, end: End) -> None:
        """End a firing that does not start, unless a pod of it has started by now: that one is followed to its end. The
        Job's own end then brings the outcome into the status, after a restart as well."""
        job = end.job["metadata"]["name"]
        if not end.kept and any(map(has_started, await self._kube.list_pods_of_job(name[0], job))):
            return
        try:
            self.cache.put(JOBS, await self._kube.end_job(name[0], end.job, end.because))
        except (Conflict, NotFound):
            return  # it has changed, and its event is on the way
        except Refused as refused:
            log.warning("GraphCron %s/%s: Job %s cannot be ended: %s", *name, job, refused.message)
            self.queue.add_after(name, LATER.total_seconds())
            return
        log.warning("GraphCron %s/%s: Job %s ended: %s", *name, job, end.because)

    def _blocked(self, plan: Plan, verdict: Verdict) -> Plan:
        """Requeued: what is in the way, such as a quota, can end without an event of ours."""
        later = self._clock() + LATER
        return replace(plan, verdict=verdict, next_run_times=(), enabled=False, wake_at=later)

    async def _write_status(self, name: Name, graphcron: Manifest, wanted: dict[str, Any], events: list[Event]) -> None:
        try:
            written = await self._kube.patch_status(*name, graphcron["metadata"]["uid"], wanted)
        except NotFound:
            # Deleted meanwhile; a namesake has an event of its own.
            self.cache.drop(GRAPHCRONS, graphcron)
            return
        self.cache.put(GRAPHCRONS, written)
        if written["metadata"]["generation"] != graphcron["metadata"]["generation"]:
            self.queue.add(name)  # edited meanwhile; the cache has that version already, so its event changes nothing
        self._metrics.wrote_status(graphcron.get("status"), wanted)
        for event in events:
            level = logging.WARNING if event.type == "Warning" else logging.INFO
            log.log(level, "GraphCron %s/%s: %s: %s", *name, event.reason, event.message)
            await self._record(name, graphcron, event)

    async def _record(self, name: Name, graphcron: Manifest, event: Event) -> None:
        """Best effort: the status has the same, and is the source of truth."""
        try:
            await self._kube.create_event(name[0], event_manifest(graphcron, event, self._clock()))
        except Exception as error:
            log.warning("GraphCron %s/%s: its event was not written: %s", *name, error)

    def changed(self, resource: Resource, manifest: Manifest) -> None:
        """An object as a list or a watch event has it. Versions that are cached already, because they were listed or
        we wrote them, queue nothing."""
        if not self.cache.is_known(resource, manifest):
            self._queue(resource, self.cache.put(resource, manifest))

    def deleted(self, resource: Resource, manifest: Manifest) -> None:
        self._queue(resource, self.cache.drop(resource, manifest, format_time(self._clock())))

    def replaced(self, resource: Resource, uids: set[str], version: int) -> None:
        """A list of that version is complete: drop what it lacks, which was deleted while nothing was watched."""
        for name in self.cache.drop_missing(resource, uids, version):
            log.info("GraphCron %s/%s: one of its %s was deleted while nothing was watched", *name, resource)
            self._queue(resource, name)

    def _queue(self, resource: Resource, name: Name | None) -> None:
        if self._started and name and (resource == GRAPHCRONS or self.cache.has(name)):
            self.queue.add(name)


class ResourceHandler:
    """What a reflector of one watched resource calls."""

    def __init__(self, controller: Controller, resource: Resource) -> None:
        self._controller = controller
        self._resource = resource

    def on_page(self, items: list[Manifest]) -> None:
        for item in items:
            self._controller.changed(self._resource, item)

    def on_replace(self, uids: set[str], version: int) -> None:
        self._controller.replaced(self._resource, uids, version)

    def on_add(self, manifest: Manifest) -> None:
        self._controller.changed(self._resource, manifest)

    on_update = on_add

    def on_delete(self, manifest: Manifest) -> None:
        self._controller.deleted(self._resource, manifest)

    def on_bookmark(self, version: int) -> None:
        pass
