"""What one reconciliation observes: a GraphCron, its CronJob, their Jobs and pods, and the facts that follow. Pure."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pydantic import ValidationError

from graphcron.firing.formats import parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import SUSPENDED, condition_of
from graphcron.operator.cronjob import is_a_run, not_before
from graphcron.operator.history import added, failures_in_a_row, past_firings
from graphcron.resource.status import GraphCronStatus, HistoryEntry


@dataclass(frozen=True)
class Observed:
    """All objects that a decision may read."""

    graphcron: Manifest
    cron_job: Manifest | None
    """The CronJob of its name, if it owns that."""
    jobs: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()

    # Cached: each is read several times in one reconciliation, and costs more than most of it.

    @property
    def generation(self) -> int:
        """Of the spec."""
        generation: int = self.graphcron["metadata"]["generation"]
        return generation

    @cached_property
    def status(self) -> GraphCronStatus:
        """The status as it is; an unreadable one (of an older operator, say) counts as none and is replaced."""
        try:
            return GraphCronStatus.model_validate(found) if (found := self.graphcron.get("status")) else _NO_STATUS
        except ValidationError:
            return _NO_STATUS

    @property
    def is_current(self) -> bool:
        """Whether the status is about the spec as it is."""
        return self.status.observed_generation == self.generation

    @property
    def waited_for_its_start(self) -> bool:
        """Whether the status has it suspended and enabled: only one before its startTime is both."""
        return bool(self.status.enabled) and condition_of(self.status, SUSPENDED) is not None

    @cached_property
    def history(self) -> list[HistoryEntry]:
        """The firings in the status, newest first."""
        return self.status.history or []

    @cached_property
    def firings(self) -> list[HistoryEntry]:
        """Those, and the ones that the Jobs and pods add, newest first."""
        return past_firings(self.history, self._runs(), self.pods)

    @cached_property
    def consecutive_failures(self) -> int:
        """Failed firings since the last success and since the last change of the spec."""
        before = (self.status.consecutive_failures or 0) if self.is_current else 0
        return failures_in_a_row(before, added(self.history, self.firings))

    @property
    def awaits_a_job(self) -> bool:
        """Whether the CronJob names a Job that is not observed yet: each has a watch of its own, and that of the Jobs
        can be the later one."""
        active = self.cron_job.get("status", {}).get("active", []) if self.cron_job else []
        return not {ref["name"] for ref in active} <= {job["metadata"]["name"] for job in self.jobs}

    @property
    def last_schedule_time(self) -> datetime | None:
        """The last scheduled time for which the CronJob controller made a Job."""
        fired = self.cron_job.get("status", {}).get("lastScheduleTime") if self.cron_job else None
        return parse_time(fired) if fired else None

    @cached_property
    def last_fired(self) -> datetime | None:
        """The same, and until there is one when the CronJob was created: times before that were not due. None without a
        CronJob."""
        if self.cron_job is None:
            return None
        created = self.cron_job["metadata"].get("creationTimestamp")
        return self.last_schedule_time or (parse_time(created) if created else None)

    @cached_property
    def not_before(self) -> datetime | None:
        """Run pods skip scheduled times before this one; None for none."""
        return not_before(self.cron_job) if self.cron_job else None

    def _runs(self) -> list[Manifest]:
        """The Jobs except those on days that only the CronJob's spelling of the schedule adds: no run was due."""
        dated = ((job, scheduled_time_of(job["metadata"]["name"])) for job in self.jobs)
        live = self.cron_job
        return [job for job, due in dated if live is None or due is None or is_a_run(live, due)]


def controller_of(manifest: Manifest) -> Manifest | None:
    """The owner that controls an object (metav1.OwnerReference), None when nothing does."""
    references = manifest["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference.get("controller")), None)


def owns(owner: Manifest, other: Manifest) -> bool:
    """Whether the one object controls the other."""
    reference = controller_of(other)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


_NO_STATUS = GraphCronStatus()
