"""The controller of backfills: it gathers what one decision reads, calls it, and writes the status before all else."""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from graphcron.firing.formats import format_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import NotFound, NotLeading, Refused
from graphcron.kube.resources import BACKFILLS, JOBS, Manifest, Resource
from graphcron.operator.backfill import BackfillPlan, decide
from graphcron.operator.backfill_begin import Given
from graphcron.operator.backfill_jobs import BackfillJobs, subject_of
from graphcron.operator.backfill_spent import BackfillsSpent
from graphcron.operator.backfill_verdict import BackfillVerdict, status_of
from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.create_failures import CreateFailures
from graphcron.operator.cronjob import Installation
from graphcron.operator.events import Event, event_manifest
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import owns
from graphcron.operator.quarantine import Suspect
from graphcron.operator.reasons import INTERNAL_ERROR, QUARANTINED, RECONCILE_FAILED
from graphcron.operator.work_queue import WorkQueue
from graphcron.resource.identity import BACKFILL_LABEL

log = logging.getLogger(__name__)

OVER = ("Complete", "Ended")
_TRIPPED = "The operator failed on it ({}); its log has the details. Please report it."


class BackfillController:
    """Carries out what `backfill` decides. `graphcrons` is the cache with all that belongs to GraphCrons."""

    def __init__(
        self,
        kube: Kube,
        graphcrons: ObjectCache,
        installation: Installation,
        clock: Callable[[], datetime],
        leads: Callable[[], bool],
        metrics: OperatorMetrics,
        marker: CrashMarker,
    ) -> None:
        self.cache = ObjectCache(BACKFILLS, BACKFILL_LABEL)
        self.queue: WorkQueue[Name] = WorkQueue(on_retry=metrics.retries.inc)
        self._kube = kube
        self._graphcrons = graphcrons
        self._installation = installation
        self._clock = clock
        self._leads = leads
        self._metrics = metrics
        self._marker = marker
        self._create_failures = CreateFailures(kube)
        self._by_graphcron: defaultdict[Name, set[Name]] = defaultdict(set)
        self._jobs = BackfillJobs(kube, self.cache)
        self.spent = BackfillsSpent()
        self._over: set[Name] = set()
        """Those that no change of their GraphCron concerns."""
        self._refusals: dict[Name, str] = {}
        self._skipped: set[Name] = set()
        self._started = False

    def start(self) -> None:
        """Everything is listed: queue all backfills, and from now on each one that changes."""
        self._started = True
        for name in self.cache.names():
            self.queue.add(name)

    def requeue(self, namespace: str) -> None:
        """Requeue the backfills of a namespace that are not over."""
        for name in self.cache.names():
            if name[0] == namespace and name not in self._over:
                self._queue(name)

    def requeue_skipped(self) -> None:
        """Requeue the backfills whose writes were skipped while another replica led."""
        for name in self._skipped:
            self.queue.add(name)

    async def reconcile(self, name: Name) -> None:
        """Take one backfill a step further. Raises KubeError when the apiserver is not available or has a newer
        version of it: the queue tries again."""
        self._skipped.discard(name)
        try:
            await self._reconcile(name)
            self._refusals.pop(name, None)
        except Refused as refused:
            await self._say_refused(name, refused)
            raise
        except NotLeading:
            self._skipped.add(name)
            if self._leads():  # the lead was lost and won again while a request was in flight
                self.queue.add(name)

    async def _say_refused(self, name: Name, refused: Refused) -> None:
        """By an Event, once: what the apiserver refuses may be the status."""
        found = self.cache.with_jobs(name)
        if found and self._refusals.get(name) != refused.message:
            self._refusals[name] = refused.message
            words = f"The operator tries again and again, and fails: {refused.message}"
            await self._record(name, found[0], Event("Warning", RECONCILE_FAILED, words))

    async def _reconcile(self, name: Name) -> None:
        if (identity := self.cache.identity(name)) is None:
            self._jobs.forget(name)
            self._refusals.pop(name, None)
            return
        work = Suspect(*name, *identity)
        if suspect := self._marker.postponed(*identity, self._clock()):
            await self._quarantine(name, suspect)
            return
        with self._marker.working_on(work):
            given = self._given(name)
        if given is None:
            return
        plan = self._decide(work, given)
        if plan.missing and self._leads():
            given = await self._look_up(name, given, plan)
            plan = self._decide(work, given)
        if plan.asks and self._leads():
            given = replace(given, create_failures=await self._create_failures.of(name[0]))
            plan = self._decide(work, given)
        if not self._leads():
            raise NotLeading(0, "the leader will write it")
        # Also one that is the same as before, when a Job depends on it: this one may be older than the apiserver's.
        is_new = plan.status != given.backfill.get("status")
        if (is_new or plan.create) and not await self._write_status(name, given.backfill, plan):
            return
        self.cache.reported(name)
        self._marker.survived(work.uid)
        for job in plan.create:
            if await self._jobs.create(name, given.backfill, job):
                self.queue.add(name)
        for job in plan.expire:
            await self._jobs.expire(name, job)
        for end in plan.end:
            await self._jobs.end(name, end)
        if plan.wake_at:
            self.queue.add_after(name, (plan.wake_at - self._clock()).total_seconds())

    def _given(self, name: Name) -> Given | None:
        found = self.cache.with_jobs(name)
        if found is None:
            return None
        backfill, jobs, pods = found
        subject = subject_of(backfill)
        begun = isinstance(status := backfill.get("status"), dict) and "graphCronUid" in status
        # Only the beginning of a backfill depends on others.
        siblings = () if begun else self._by_graphcron.get(subject, set()) - {name}
        others = [found[0] for other in siblings if (found := self.cache.with_jobs(other))]
        return Given(
            backfill,
            self._graphcrons.of(subject),
            jobs,
            pods,
            tuple(others),
            obstacles=self._jobs.obstacles_of(name),
        )

    def _decide(self, work: Suspect, given: Given) -> BackfillPlan:
        """A backfill on which the code fails stalls alone, and its status says so."""
        try:
            with self._marker.working_on(work):
                return decide(given, self._installation, self._clock())
        except Exception as error:
            log.exception("GraphCronBackfill %s/%s: internal error", work.namespace, work.name)
            verdict = BackfillVerdict("Stalled", INTERNAL_ERROR, _TRIPPED.format(type(error).__name__))
            return self._unread(given.backfill, verdict)

    def _unread(self, backfill: Manifest, verdict: BackfillVerdict) -> BackfillPlan:
        """The status as it is, with that verdict."""
        kept = backfill.get("status")
        return BackfillPlan(*status_of(backfill, kept if isinstance(kept, dict) else {}, (), verdict, self._clock()))

    async def _quarantine(self, name: Name, suspect: Suspect) -> None:
        """Leave a backfill alone, and say so."""
        self.queue.add_after(name, (suspect.until - self._clock()).total_seconds())
        if not self._leads():
            raise NotLeading(0, "the leader will say so")
        found = self.cache.with_jobs(name)
        if found and (found[0].get("status") or {}).get("phase") != "Stalled":
            message = suspect.message.replace("GraphCron", "backfill")
            plan = self._unread(found[0], BackfillVerdict("Stalled", QUARANTINED, message))
            await self._write_status(name, found[0], plan)

    async def _look_up(self, name: Name, given: Given, plan: BackfillPlan) -> Given:
        """Ask the apiserver for Jobs that are known and not observed: each resource has a watch of its own."""
        absent, jobs = set(), list(given.jobs)
        for missing in plan.missing:
            found = await self._kube.find_job(name[0], missing)
            if found and owns(given.backfill, found):
                self.cache.put(JOBS, found)
                jobs.append(found)
            else:
                absent.add(missing)
        return replace(given, jobs=tuple(jobs), absent=frozenset(absent))

    async def _write_status(self, name: Name, backfill: Manifest, plan: BackfillPlan) -> bool:
        """False when the backfill is gone. Raises Conflict when it is not as it was observed any more."""
        try:
            written = await self._kube.patch_backfill_status(*name, backfill["metadata"], plan.status)
        except NotFound:
            self.cache.drop(BACKFILLS, backfill)
            return False
        self.cache.put(BACKFILLS, written)
        self.spent.put(subject_of(backfill), written)
        if written["metadata"]["generation"] != backfill["metadata"]["generation"]:
            self.queue.add(name)
        self._metrics.wrote_backfill(name[0], backfill.get("status"), plan.status)
        for event in plan.events:
            level = logging.WARNING if event.type == "Warning" else logging.INFO
            log.log(level, "GraphCronBackfill %s/%s: %s: %s", *name, event.reason, event.message)
            await self._record(name, backfill, event)
        if plan.status.get("phase") in OVER:
            self._queue_siblings(name, subject_of(backfill))
        return True

    async def _record(self, name: Name, backfill: Manifest, event: Event) -> None:
        """Best effort: the status has the same, and is the source of truth."""
        try:
            await self._kube.create_event(name[0], event_manifest(backfill, event, self._clock()))
        except Exception as error:
            log.warning("GraphCronBackfill %s/%s: its event was not written: %s", *name, error)

    def changed(self, resource: Resource, manifest: Manifest) -> None:
        """A backfill, or a Job or pod of one, as a list or a watch event has it."""
        if self.cache.is_known(resource, manifest):
            return
        name = self.cache.put(resource, manifest)
        if name and resource == BACKFILLS:
            self._by_graphcron[subject_of(manifest)].add(name)
            self.spent.put(subject_of(manifest), manifest)
            is_over = (manifest.get("status") or {}).get("phase") in OVER
            (self._over.add if is_over else self._over.discard)(name)
        self._queue(name)

    def deleted(self, resource: Resource, manifest: Manifest) -> None:
        name = self.cache.drop(resource, manifest, format_time(self._clock()))
        if name and resource == BACKFILLS:
            self._marker.survived(manifest["metadata"]["uid"])
            self._forget(name, subject_of(manifest))
        self._queue(name)

    def replaced(self, resource: Resource, uids: set[str], version: int) -> None:
        """A list of that version is complete: drop what it lacks, which was deleted while nothing was watched."""
        for name in self.cache.drop_missing(resource, uids, version):
            self._queue(name)
        if resource == BACKFILLS:
            known = set(self.cache.names())
            for subject, names in list(self._by_graphcron.items()):
                for name in names - known:
                    self._forget(name, subject)

    def graphcron_changed(self, subject: Name | None) -> None:
        """A GraphCron, or something that belongs to it, has changed."""
        for name in (self._by_graphcron.get(subject, set()) if subject else set()) - self._over:
            self._queue(name)

    def _forget(self, name: Name, subject: Name) -> None:
        self._over.discard(name)
        self._by_graphcron[subject].discard(name)
        self._queue_siblings(name, subject)
        if not self._by_graphcron[subject]:
            del self._by_graphcron[subject]

    def _queue_siblings(self, name: Name, subject: Name) -> None:
        """Those that waited for it."""
        for other in self._by_graphcron.get(subject, set()) - self._over - {name}:
            self._queue(other)

    def _queue(self, name: Name | None) -> None:
        if self._started and name and self.cache.has(name):
            self.queue.add(name)
