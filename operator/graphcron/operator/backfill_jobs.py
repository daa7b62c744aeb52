"""Writes the Jobs of backfills, and knows why one could not be created."""

import logging
from collections.abc import Mapping

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound, Refused
from graphcron.kube.resources import JOBS, Manifest
from graphcron.operator.history import is_over
from graphcron.operator.object_cache import Name, ObjectCache
from graphcron.operator.observed import owns
from graphcron.operator.pod_status import has_started
from graphcron.operator.reasons import JOB_NAME_TAKEN, JOB_REFUSED, OLDER_JOB
from graphcron.operator.starting import End
from graphcron.resource.identity import CRON_LABEL, MANAGED_BY

log = logging.getLogger(__name__)


class BackfillJobs:
    """`cache` has the Jobs of backfills."""

    def __init__(self, kube: Kube, cache: ObjectCache) -> None:
        self._kube = kube
        self._cache = cache
        self._obstacles: dict[Name, dict[str, tuple[str, str]]] = {}

    def obstacles_of(self, name: Name) -> Mapping[str, tuple[str, str]]:
        """Reason and message why a Job could not be created when it last was to be, by its name."""
        return self._obstacles.get(name, {})

    def forget(self, name: Name) -> None:
        """The backfill is gone."""
        self._obstacles.pop(name, None)

    async def create(self, name: Name, backfill: Manifest, job: Manifest) -> bool:
        """Create the Job of a scheduled time, once. True when there is news for the next decision: that it is there, or
        what keeps it from being created."""
        key, obstacles = job["metadata"]["name"], self._obstacles.setdefault(name, {})
        before = obstacles.pop(key, None)
        try:
            self._cache.put(JOBS, await self._kube.create_job(name[0], job))
            return True
        except Conflict:
            obstacle = await self._in_the_way(name, backfill, key)
        except Refused as refused:
            obstacle = (JOB_REFUSED, f"The cluster refused Job {key}: {refused.message}")
        if obstacle:
            obstacles[key] = obstacle
        return obstacle is None or obstacle != before

    async def _in_the_way(self, name: Name, backfill: Manifest, key: str) -> tuple[str, str] | None:
        """Why a Job that has the name already keeps its successor from being created; None for the very Job."""
        found = await self._kube.find_job(name[0], key)
        if found is None:
            return OLDER_JOB, f"An older Job {key} was there a moment ago."
        if owns(backfill, found):
            self._cache.put(JOBS, found)
            return None
        labels = found["metadata"].get("labels", {})
        if not (MANAGED_BY.items() <= labels.items()) or labels.get(CRON_LABEL) != subject_of(backfill)[1]:
            return JOB_NAME_TAKEN, f"Job {key} belongs to somebody else."
        if not is_over(found):
            return OLDER_JOB, f"An older Job {key} is running."
        await self.expire(name, found)
        return OLDER_JOB, f"An older Job {key} of the same scheduled time is being removed."

    async def expire(self, name: Name, job: Manifest) -> None:
        """Have Kubernetes remove an ended Job."""
        try:
            await self._kube.expire_job(name[0], job)
        except (Conflict, NotFound):
            return  # it is gone, or its event is on the way
        except Refused as refused:
            words = (job["metadata"]["name"], refused.message)
            log.warning("GraphCronBackfill %s/%s: Job %s cannot be removed: %s", *name, *words)

    async def end(self, name: Name, end: End) -> None:
        """End a Job, unless it is one that does not start, and has started by now."""
        job = end.job["metadata"]["name"]
        if not end.kept and any(map(has_started, await self._kube.list_pods_of_job(name[0], job))):
            return
        try:
            self._cache.put(JOBS, await self._kube.end_job(name[0], end.job, end.because))
        except (Conflict, NotFound):
            return  # it has changed, and its event is on the way
        log.warning("GraphCronBackfill %s/%s: Job %s ended: %s", *name, job, end.because)


def subject_of(backfill: Manifest) -> Name:
    """The GraphCron that a backfill names."""
    spec = backfill.get("spec")
    graphcron = spec.get("graphCron") if isinstance(spec, dict) else None
    return backfill["metadata"]["namespace"], str(graphcron)
