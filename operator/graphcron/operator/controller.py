"""The controller: reconciles one GraphCron at a time. It reads the object cache, calls `reconcile`, and writes."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound, NotLeading
from graphcron.kube.resources import GRAPHCRONS, Manifest, Resource
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.create_failures import CreateFailures
from graphcron.operator.cron_job_writer import CronJobWriter
from graphcron.operator.cronjob import Installation
from graphcron.operator.events import Event, event_manifest
from graphcron.operator.job_writer import JobWriter
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import Observed
from graphcron.operator.pauses import Pauses
from graphcron.operator.phase import stalled
from graphcron.operator.quarantine import Suspect, conditions
from graphcron.operator.reasons import INTERNAL_ERROR, QUARANTINED, RECONCILE_FAILED
from graphcron.operator.reconcile import LATER, Plan, conclude, decide, failing
from graphcron.operator.starting import BETWEEN_TOUCHES
from graphcron.operator.work_queue import WorkQueue
from graphcron.resource.usage import BackfillSpent

log = logging.getLogger(__name__)

FAILURES_UNTIL_RECORDED = 3
"""Of one GraphCron in a row. Two are usual where an apiserver restarts."""

_TRIPPED = "The operator failed on it ({}); its log has the details. Please report it."


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
        marker: CrashMarker | None = None,
    ) -> None:
        self.cache = ObjectCache()
        self.cache.pauses = Pauses(installation.paused)
        self._marker = marker or CrashMarker(None, clock())
        self._quarantined: dict[str, Suspect] = {}
        self._metrics = metrics or OperatorMetrics()
        self.queue: WorkQueue[Name] = WorkQueue(on_retry=self._metrics.retries.inc)
        self._kube = kube
        self._create_failures = CreateFailures(kube)
        self._installation = installation
        self._clock = clock
        self._leads = leads
        self._skipped: set[Name] = set()
        self._cron_jobs = CronJobWriter(kube, self.cache, clock, self._decide)
        self._jobs = JobWriter(kube, self.cache, leads)
        self._failures: dict[Name, int] = {}
        self.overdue: dict[Name, datetime] = {}
        """The scheduled times that have passed without a Job."""
        self.spent_by_backfills: Callable[[Name, str], tuple[BackfillSpent, ...]] = lambda name, uid: ()
        """What the firings of the backfills of a GraphCron with that uid have used."""
        self._started = False

    def start(self) -> None:
        """Everything is listed: queue all GraphCrons, and from now on each one that changes."""
        self._started = True
        for name in self.cache.names():
            self.queue.add(name)

    def requeue(self, namespace: str) -> None:
        """Requeue all GraphCrons of a namespace."""
        for name in self.cache.names() if self._started else ():
            if name[0] == namespace:
                self.queue.add(name)

    def requeue_one(self, name: Name) -> None:
        """Requeue that GraphCron."""
        self._queue(GRAPHCRONS, name if self.cache.has(name) else None)

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
            self._failures.pop(name, None)
        except NotLeading:
            self._skipped.add(name)
            outcome = ""
            if self._leads():  # the lead was lost and won again while a request was in flight
                self.queue.add(name)
        except Exception as error:
            await self._failed(name, error)
            raise
        finally:
            if outcome:
                self._metrics.reconciled[outcome].observe(time.perf_counter() - started)

    async def _reconcile(self, name: Name) -> str:
        """Returns ok or stalled; empty when there is no such GraphCron."""
        self.overdue.pop(name, None)
        if (identity := self.cache.identity(name)) is None:
            return ""
        if suspect := self._marker.postponed(*identity, self._clock()):
            await self._quarantine(name, suspect)
            return "stalled"
        work = Suspect(*name, *identity)
        with self._marker.working_on(work):
            observed = self.cache.of(name)
        if observed is None:
            return ""
        backfills = self.spent_by_backfills(name, identity[0])
        if backfills or name in self._cron_jobs.applied:
            observed = replace(observed, applied=self._cron_jobs.applied.get(name), backfills=backfills)
        plan = self._decide(name, observed)
        if plan.asks and self._leads():
            observed = replace(observed, create_failures=await self._create_failures.of(name[0]))
            plan = self._decide(name, observed)
        if plan.overdue:
            self.overdue[name] = plan.overdue
        if (plan.apply is not None or plan.suspend) and not self._leads():
            raise NotLeading(0, "the leader will apply it")
        if plan.apply is not None and observed.cron_job is None and await self._is_gone(name, observed.graphcron):
            self.cache.drop(GRAPHCRONS, observed.graphcron)
            return ""
        observed, plan = await self._cron_jobs.apply(name, observed, plan)
        observed, plan = await self._jobs.request(name, observed, plan)
        with self._marker.working_on(work):
            wanted, events = conclude(observed, plan, self._clock(), self._installation.ledger)
        if wanted != observed.graphcron.get("status"):
            if not self._leads():
                raise NotLeading(0, "the leader will write it")
            await self._write_status(name, observed.graphcron, wanted, events)
        self.cache.reported(name)
        self._marker.survived(work.uid)
        if not plan.unchanged and self._leads():
            await self._jobs.remove_surplus(name, observed)
            if await self._jobs.touch(name, observed, self._clock()):
                self.queue.add_after(name, BETWEEN_TOUCHES.total_seconds())
        if plan.end:
            if not self._leads():
                raise NotLeading(0, "the leader will end it")
            if not await self._jobs.end(name, plan.end):
                self.queue.add_after(name, LATER.total_seconds())
        if plan.wake_at:
            self.queue.add_after(name, (plan.wake_at - self._clock()).total_seconds())
        return "ok" if plan.verdict.ready else "stalled"

    async def _quarantine(self, name: Name, suspect: Suspect) -> None:
        """Leave a GraphCron alone, and say so once. It is not read."""
        now = self._clock()
        self.queue.add_after(name, (suspect.until - now).total_seconds())
        if self._quarantined.get(suspect.uid) == suspect:
            return
        if not self._leads():
            raise NotLeading(0, "the leader will say so")
        try:
            written = await self._kube.patch_conditions(*name, suspect.uid, conditions(suspect, now))
        except (NotFound, Conflict):
            return  # deleted meanwhile; a namesake has an event of its own
        self._quarantined[suspect.uid] = suspect
        self.cache.put(GRAPHCRONS, written)
        log.warning("GraphCron %s/%s: %s: %s", *name, QUARANTINED, suspect.message)
        about = {"metadata": {"namespace": name[0], "name": name[1], "uid": suspect.uid}}
        await self._record(name, about, Event("Warning", QUARANTINED, suspect.message))

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
            with self._marker.working_on(Suspect(*name, observed.graphcron["metadata"]["uid"], observed.generation)):
                return decide(observed, self._installation, self._clock())
        except Exception as error:
            log.exception("GraphCron %s/%s: internal error", *name)
            return Plan(stalled(INTERNAL_ERROR, _TRIPPED.format(type(error).__name__)))

    async def _failed(self, name: Name, error: Exception) -> None:
        """Record in the status that a reconciliation fails again and again, and why. Best effort: what fails may be to
        write the status."""
        self._failures[name] = failures = self._failures.get(name, 0) + 1
        if failures < FAILURES_UNTIL_RECORDED or not self._leads():
            return
        reason, complaint = INTERNAL_ERROR, _TRIPPED.format(type(error).__name__)
        if isinstance(error, KubeError):
            reason, complaint = RECONCILE_FAILED, f"The operator tries again and again, and fails: {error.message}"
        try:
            if (observed := self.cache.of(name)) is None:
                return
            wanted, events = failing(observed, reason, complaint, self._clock())
            if wanted != observed.graphcron.get("status"):
                await self._write_status(name, observed.graphcron, wanted, events)
        except Exception as another:
            log.warning("GraphCron %s/%s: its failure was not recorded: %s", *name, another)

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
        self._metrics.wrote_status(name[0], graphcron.get("status"), wanted)
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
        name = self.cache.drop(resource, manifest, format_time(self._clock()))
        if resource == GRAPHCRONS:
            self._marker.survived(manifest["metadata"]["uid"])
            if name:
                self._cron_jobs.applied.pop(name, None)
        self._queue(resource, name)

    def replaced(self, resource: Resource, uids: set[str], version: int) -> None:
        """A list of that version is complete: drop what it lacks, which was deleted while nothing was watched."""
        for name in self.cache.drop_missing(resource, uids, version):
            log.info("GraphCron %s/%s: one of its %s was deleted while nothing was watched", *name, resource)
            self._queue(resource, name)

    def _queue(self, resource: Resource, name: Name | None) -> None:
        if self._started and name and (resource == GRAPHCRONS or self.cache.has(name)):
            self.queue.add(name)
