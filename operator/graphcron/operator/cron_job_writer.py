"""Writes the CronJob of a GraphCron: applies it, suspends it as it is, adopts one that has lost its owner."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, Refused, Unavailable
from graphcron.kube.resources import CRON_JOBS, Manifest
from graphcron.operator.adoption import is_orphan_of, taken_over
from graphcron.operator.cronjob import digest_of
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import Observed, controller_of, owns
from graphcron.operator.phase import Verdict, stalled
from graphcron.operator.reapply import Applied, applied_again
from graphcron.operator.reasons import NAME_TAKEN, REFUSED_BY_CLUSTER
from graphcron.operator.reconcile import LATER, Plan
from graphcron.operator.verdict import held_up
from graphcron.resource.identity import KIND

log = logging.getLogger(__name__)


class CronJobWriter:
    """`decide` decides again, when a CronJob turns out to be there. `applied` is what was applied last, and when."""

    def __init__(
        self, kube: Kube, cache: ObjectCache, clock: Callable[[], datetime], decide: Callable[[Name, Observed], Plan]
    ) -> None:
        self.applied: dict[Name, Applied] = {}
        self._kube = kube
        self._cache = cache
        self._clock = clock
        self._decide = decide

    async def apply(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out the plan; returns what is observed after it, and the plan with the resulting verdict."""
        if plan.suspend:
            return await self._suspend(name, observed), plan
        if plan.apply is None:
            return observed, plan
        anew = observed.cron_job is None
        try:
            cron_job = await self._kube.apply_cron_job(name[0], plan.apply, anew=anew)
        except Conflict:
            if anew:
                return await self._adopt(name, observed, plan, await self._kube.get_cron_job(*name))
            raise
        except (Refused, Unavailable) as error:
            if plan.verdict.phase.suspends and not anew and not observed.is_suspended:
                observed = await self._suspend(name, observed)
            if not isinstance(error, Refused):
                raise
            complaint = f"The cluster refused the CronJob: {error.message}"
            verdict = held_up(REFUSED_BY_CLUSTER, complaint, observed, keeps_message=True)
            return observed, self._blocked(plan, observed, verdict)
        self.applied[name] = applied_again(self.applied.get(name), digest_of(plan.apply), self._clock())
        log.info("GraphCron %s/%s: CronJob applied: %s", *name, plan.verdict.message)
        self._cache.put(CRON_JOBS, cron_job)
        return replace(observed, cron_job=cron_job), plan

    async def _suspend(self, name: Name, observed: Observed) -> Observed:
        """Suspend the CronJob as it is: pausing works whatever else is wrong."""
        assert observed.cron_job is not None, "there is one to be suspended"
        cron_job = await self._kube.suspend_cron_job(*name, observed.cron_job["metadata"]["uid"])
        log.info("GraphCron %s/%s: CronJob suspended as it is", *name)
        self._cache.put(CRON_JOBS, cron_job)
        return replace(observed, cron_job=cron_job)

    async def _adopt(self, name: Name, observed: Observed, plan: Plan, found: Manifest) -> tuple[Observed, Plan]:
        """Go on from a CronJob of that name that is not observed as ours: it is, and its ADDED event is on the way; it
        was, and has no owner; or it is somebody else's."""
        if orphan := is_orphan_of(found, name[1]):
            log.info("GraphCron %s/%s: its CronJob, which has no owner, is adopted", *name)
            if fields := taken_over(found):
                found = await self._kube.take_over_cron_job(name[0], found, fields)
        if orphan or owns(observed.graphcron, found):
            self._cache.put(CRON_JOBS, found)
            observed = replace(observed, cron_job=found)
            return await self.apply(name, observed, self._decide(name, observed))
        if (owner := controller_of(found)) and (owner["kind"], owner["name"]) == (KIND, name[1]):
            raise Conflict(409, "the CronJob of a deleted GraphCron of this name is still being removed")
        message = f"A CronJob '{name[1]}' that this GraphCron does not own exists already: "
        message += "delete it, or rename the GraphCron."
        return observed, self._blocked(plan, observed, stalled(NAME_TAKEN, message))

    def _blocked(self, plan: Plan, observed: Observed, verdict: Verdict) -> Plan:
        """Requeued: what is in the way, such as a quota, can end without an event of ours."""
        fires_on = observed.cron_job is not None and not observed.is_suspended
        later = self._clock() + LATER
        return replace(plan, verdict=verdict, next_run_times=(), enabled=None if fires_on else False, wake_at=later)
