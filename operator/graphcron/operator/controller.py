"""The controller: reconciles one GraphCron after another. It gathers, has `reconcile` decide, and acts."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound, NotLeading, Refused
from graphcron.kube.paths import Manifest
from graphcron.operator.conditions import Verdict
from graphcron.operator.cronjob import installation
from graphcron.operator.events import Note, event_of
from graphcron.operator.metrics import OperatorMetrics
from graphcron.operator.object_cache import CRON_JOBS, GRAPHCRONS, JOBS, PODS, Name, Seen
from graphcron.operator.observed import Observed, controller_of, owns
from graphcron.operator.reasons import INTERNAL_ERROR, NAME_TAKEN, REFUSED_BY_CLUSTER
from graphcron.operator.reconcile import A_LITTLE_LATER, LATER, Plan, conclude, decide
from graphcron.operator.run_pod import RunPods
from graphcron.operator.settled import settled_until
from graphcron.operator.work_queue import WorkQueue
from graphcron.resource.identity import GROUP, KIND, MANAGED_BY, PLURAL, VERSION

log = logging.getLogger(__name__)

SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())


PAUSE_EVERY = 50
"""GraphCrons of a start, after which others may have their turn: Lease, probes, and looks that wait for an answer."""


def utc_now() -> datetime:
    return datetime.now(UTC)


SHELVES = {
    GRAPHCRONS: (GROUP, VERSION, PLURAL),
    CRON_JOBS: ("batch", "v1", "cronjobs"),
    JOBS: ("batch", "v1", "jobs"),
    PODS: ("", "v1", "pods"),
}
"""The resources that are watched: group, version, plural."""


class Controller:
    """Carries out what `reconcile` decides, for one GraphCron at a time.

    While `leads` says no, it looks and decides as ever, so that it can go on in an instant, and writes nothing."""

    def __init__(
        self,
        kube: Kube,
        pods: RunPods,
        clock: Callable[[], datetime] = utc_now,
        leads: Callable[[], bool] = lambda: True,
        metrics: OperatorMetrics | None = None,
        least: timedelta = timedelta(),
    ) -> None:
        self.seen = Seen()
        self._metrics = metrics or OperatorMetrics()
        self.queue: WorkQueue[Name] = WorkQueue(on_retry=self._metrics.retries.inc)
        self._kube = kube
        self._pods = pods
        self._least = least
        self._installation = installation(pods, least)
        self._clock = clock
        self._leads = leads
        self._left: set[Name] = set()
        self._began = False

    def lead(self) -> None:
        """Do what was left to another leader. For all else the last look found nothing to write, and each event since
        brought another look."""
        for name in self._left:
            self.queue.add(name)

    async def reconcile(self, name: Name) -> None:
        """Bring the cluster in line with one GraphCron: at most one CronJob and one status are written.

        Raises KubeError when the apiserver is not available: the queue tries again.
        """
        self._left.discard(name)
        started, outcome = time.perf_counter(), "retry"
        try:
            outcome = await self._reconcile(name)
        except NotLeading:
            self._left.add(name)
            outcome = ""
            if self._leads():  # the lead was lost and won again while a request was under way
                self.queue.add(name)
        finally:
            if outcome:
                self._metrics.reconciled[outcome].observe(time.perf_counter() - started)

    async def _reconcile(self, name: Name) -> str:
        """Returns ok or stalled; empty when there was nothing to look at."""
        observed = self.seen.of(name)
        if observed is None:
            return ""
        plan = self._decide(name, observed)
        if plan.apply is not None and not self._leads():
            raise NotLeading(0, "the leader will apply it")
        if plan.apply is not None and observed.cron_job is None and await self._is_gone(name, observed.graphcron):
            self.seen.drop(GRAPHCRONS, observed.graphcron)
            return ""
        observed, plan = await self._apply(name, observed, plan)
        wanted, notes = conclude(observed, plan, self._clock())
        if wanted != observed.graphcron.get("status"):
            if not self._leads():
                raise NotLeading(0, "the leader will write it")
            await self._write_status(name, observed.graphcron, wanted, notes)
        self.seen.told(name)
        if plan.wake_at:
            self._look_at(name, plan.wake_at)
        return "ok" if plan.verdict.ready else "stalled"

    async def _is_gone(self, name: Name, graphcron: Manifest) -> bool:
        """Whether a GraphCron whose CronJob is missing is missing too: the news that its CronJob was collected can come
        before the news that it was deleted itself. One that never had a CronJob is not asked for."""
        if not graphcron.get("status", {}).get("cronJobName"):
            return False
        try:
            found = await self._kube.get_graphcron(*name)
        except NotFound:
            return True
        return bool(found["metadata"]["uid"] != graphcron["metadata"]["uid"])

    def _decide(self, name: Name, observed: Observed) -> Plan:
        """A GraphCron that the code trips over stalls alone, and says so."""
        try:
            return decide(observed, self._pods, self._clock(), self._least)
        except Exception as error:
            log.exception("GraphCron %s/%s: internal error", *name)
            message = f"The operator failed on it ({type(error).__name__}); its log has the details. Please report it."
            return Plan(Verdict(False, INTERNAL_ERROR, message))

    async def _apply(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out the plan; returns what is so now, and the plan with the verdict that came of it."""
        if plan.apply is None:
            return observed, plan
        unseen = observed.cron_job is None
        try:
            cron_job = await self._kube.apply_cron_job(name[0], plan.apply, anew=unseen)
        except Conflict:
            if unseen:
                return await self._meet(name, observed, plan, await self._kube.get_cron_job(*name))
            raise
        except Refused as refused:
            message = f"The cluster refused the CronJob: {refused.message}"
            return observed, self._stalled(plan, REFUSED_BY_CLUSTER, message)
        log.info("GraphCron %s/%s: CronJob applied: %s", *name, plan.verdict.message)
        self.seen.put(CRON_JOBS, cron_job)
        return replace(observed, cron_job=cron_job), plan

    async def _meet(self, name: Name, observed: Observed, plan: Plan, found: Manifest) -> tuple[Observed, Plan]:
        """Go on from a CronJob of that name that was not seen: ours, and its news is on the way, or somebody else's."""
        if owns(observed.graphcron, found):
            self.seen.put(CRON_JOBS, found)
            observed = replace(observed, cron_job=found)
            return await self._apply(name, observed, self._decide(name, observed))
        if (owner := controller_of(found)) and (owner["kind"], owner["name"]) == (KIND, name[1]):
            raise Conflict(409, "the CronJob of a deleted GraphCron of this name is still being removed")
        return observed, self._stalled(plan, NAME_TAKEN, _name_taken(name))

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
        if written["metadata"]["generation"] != graphcron["metadata"]["generation"]:
            self.queue.add(name)  # edited meanwhile, and now known in that version: no event need come of it
        self._metrics.wrote_status(graphcron.get("status"), wanted)
        for note in notes:
            level = logging.WARNING if note.type == "Warning" else logging.INFO
            log.log(level, "GraphCron %s/%s: %s: %s", *name, note.reason, note.message)
            await self._tell(name, graphcron, note)

    async def load(self, namespace: str | None) -> None:
        """See all GraphCrons. kopf lists them once more, and is shown what is news by then. Raises KubeError."""
        async for items, _ in self._kube.pages(SHELVES[GRAPHCRONS], namespace, ""):
            for item in items:
                self.seen.put(GRAPHCRONS, item)

    async def begin(self) -> None:
        """All is seen that is there: have each GraphCron looked at that is not plainly settled, and all whenever
        something is seen of them."""
        self._began = True
        for number, name in enumerate(self.seen.names()):
            started = time.perf_counter()
            if (until := self._settled_until(name)) is None:
                self.queue.add(name)
            else:
                self._look_at(name, until + A_LITTLE_LATER)
                self._metrics.reconciled["ok"].observe(time.perf_counter() - started)
            # Those that were edited meanwhile come first, and the others would hold up each of their requests.
            if self.queue.is_busy or number % PAUSE_EVERY == 0:
                await asyncio.sleep(0)

    def _settled_until(self, name: Name) -> datetime | None:
        observed = self.seen.of(name)
        if observed is None:
            return None
        try:
            return settled_until(observed, self._installation, self._clock())
        except Exception as error:  # the look will say what is wrong
            log.debug("GraphCron %s/%s is to be looked at: %s", *name, error)
            return None

    def _look_at(self, name: Name, moment: datetime) -> None:
        self.queue.add_after(name, (moment - self._clock()).total_seconds())

    def mirror(self, shelf: str) -> "Shelf":
        """What a Reflector of that resource tells."""
        return Shelf(self, shelf)

    def saw(self, shelf: str, event: Mapping[str, Any]) -> None:
        """An object as a watch brings it, or a list, whose events have no type. Whether it is news is for us to say:
        what comes may be known from before, or be what we wrote ourselves."""
        if event["type"] == "DELETED":
            name = self.seen.drop(shelf, event["object"])
        elif self.seen.is_known(shelf, event["object"]):
            return
        else:
            name = self.seen.put(shelf, event["object"])
        if self._began and name and (shelf == GRAPHCRONS or self.seen.has(name)):
            self.queue.add(name)

    def missing(self, shelf: str, uids: set[str], version: int) -> None:
        """Forget what a list of that version no longer has: it was deleted while nothing was watched."""
        for name in self.seen.drop_missing(shelf, uids, version):
            log.info("GraphCron %s/%s: one of its %s went unnoticed", *name, shelf)
            self.queue.add(name)

    async def _tell(self, name: Name, graphcron: Manifest, note: Note) -> None:
        """A Kubernetes event. Best effort: the status says the same and is the truth."""
        try:
            await self._kube.create_event(name[0], event_of(graphcron, note, self._clock()))
        except Exception as error:
            log.warning("GraphCron %s/%s: its event was not written: %s", *name, error)


class Shelf:
    """The mirror of one resource of those that belong to GraphCrons."""

    def __init__(self, controller: Controller, shelf: str) -> None:
        self._controller = controller
        self._shelf = shelf
        self._listed: set[str] = set()

    def begin(self) -> None:
        self._listed = set()

    def put(self, manifest: Manifest) -> None:
        self._listed.add(manifest["metadata"]["uid"])
        self._controller.saw(self._shelf, {"type": None, "object": manifest})

    def complete(self, version: int) -> None:
        self._controller.missing(self._shelf, self._listed, version)
        self._listed = set()

    def apply(self, event: dict[str, Any]) -> None:
        if event["type"] != "BOOKMARK":
            self._controller.saw(self._shelf, event)


def _name_taken(name: Name) -> str:
    return f"A CronJob '{name[1]}' that this GraphCron does not own exists already: delete it, or rename the GraphCron."
