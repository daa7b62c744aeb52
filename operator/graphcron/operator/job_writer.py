"""Writes Jobs: creates those of requested runs, lets Kubernetes remove them, and ends firings that do not start."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from graphcron.firing.formats import format_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound, NotLeading, Refused
from graphcron.kube.resources import JOBS
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import Observed
from graphcron.operator.pod_status import has_started
from graphcron.operator.reconcile import Plan
from graphcron.operator.requests import REPLACED_BY_REQUEST, run_request, surplus
from graphcron.operator.starting import End, to_touch

log = logging.getLogger(__name__)


class JobWriter:
    """While `leads` is false, it raises NotLeading instead of writing."""

    def __init__(self, kube: Kube, cache: ObjectCache, leads: Callable[[], bool]) -> None:
        self._kube = kube
        self._cache = cache
        self._leads = leads

    async def request(self, name: Name, observed: Observed, plan: Plan) -> tuple[Observed, Plan]:
        """Carry out a request to run now. The status records it afterwards: killed in between, the next reconciliation
        finds the Job by its name."""
        request = None if plan.unchanged else run_request(observed, plan.verdict)
        if request is None or request.job is None:
            return observed, replace(plan, request=request)
        if not self._leads():
            raise NotLeading(0, "the leader will create its Job")
        try:
            for job in request.ends:
                self._cache.put(JOBS, await self._kube.end_job(name[0], job, REPLACED_BY_REQUEST))
            with suppress(Conflict):  # an earlier reconciliation created it, and could not record it
                made = await self._kube.create_job(name[0], request.job)
                self._cache.put(JOBS, made)
                observed = replace(observed, jobs=(*observed.jobs, made))
        except Refused as refused:
            request = request.not_made(refused.message)
        return observed, replace(plan, request=request)

    async def remove_surplus(self, name: Name, observed: Observed) -> None:
        """Jobs of requests beyond the history limits, after their outcomes were recorded."""
        for job in surplus(observed):
            try:
                await self._kube.expire_job(name[0], job)
            except (Conflict, NotFound, Refused):
                continue  # it is gone, or its event is on the way

    async def touch(self, name: Name, observed: Observed, now: datetime) -> bool:
        """Remind the Job controller of Jobs that it seems to have forgotten. Whether there are any."""
        jobs = to_touch(observed, now)
        for job in jobs:
            try:
                self._cache.put(JOBS, await self._kube.touch_job(name[0], job, format_time(now)))
            except (Conflict, NotFound, Refused):
                continue  # it is gone, or its event is on the way
            log.info("GraphCron %s/%s: Job %s has no pod, and was touched", *name, job["metadata"]["name"])
        return bool(jobs)

    async def end(self, name: Name, end: End) -> bool:
        """End a firing that does not start, unless a pod of it has started by now: that one is followed to its end. The
        Job's own end then brings the outcome into the status, after a restart as well. False when it was refused."""
        job = end.job["metadata"]["name"]
        if not end.kept and any(map(has_started, await self._kube.list_pods_of_job(name[0], job))):
            return True
        try:
            self._cache.put(JOBS, await self._kube.end_job(name[0], end.job, end.because))
        except (Conflict, NotFound):
            return True  # it has changed, and its event is on the way
        except Refused as refused:
            log.warning("GraphCron %s/%s: Job %s cannot be ended: %s", *name, job, refused.message)
            return False
        log.warning("GraphCron %s/%s: Job %s ended: %s", *name, job, end.because)
        return True
