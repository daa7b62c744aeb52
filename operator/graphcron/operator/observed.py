"""What one reconciliation observes: a GraphCron, its CronJob, their Jobs and pods, and the facts that follow. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import SUSPENDED, condition_of
from graphcron.operator.cronjob import is_a_run, not_before
from graphcron.operator.exceeded import NOT_SHARED, Shared
from graphcron.operator.history import added, failures_in_a_row, most_failures, past_firings
from graphcron.operator.pauses import Pause
from graphcron.operator.reapply import Applied
from graphcron.resource.identity import RESUME_REQUESTED
from graphcron.resource.status import TOKEN_LIMIT, GraphCronStatus, HistoryEntry, read_status
from graphcron.resource.usage import BackfillSpent
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

CLOCK_DIFFERENCE = timedelta(seconds=5)
"""Between the operator and the controller manager, which deletes a Job at the moment of the next firing."""


class CreateFailure(NamedTuple):
    """What an Event FailedCreate says, and when it did last."""

    last: datetime
    message: str


@dataclass(frozen=True)
class Observed:
    """All objects that a decision may read."""

    graphcron: Manifest
    cron_job: Manifest | None
    """The CronJob of its name, if it owns that."""
    jobs: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    create_failures: Mapping[str, CreateFailure] | None = None
    """By uid of the Job or CronJob that could not create what it should. None until somebody asked for them."""
    pause: Pause | None = None
    """What an administrator pauses it by."""
    applied: Applied | None = None
    """The last apply of its CronJob by this process."""
    backfills: tuple[BackfillSpent, ...] = ()
    """What the firings of its backfills have used, by their statuses."""
    shared: Shared = NOT_SHARED
    """What budgets of the installation say about it."""

    # Cached: each is read several times in one reconciliation, and costs more than most of it.

    @property
    def generation(self) -> int:
        """Of the spec."""
        generation: int = self.graphcron["metadata"]["generation"]
        return generation

    @cached_property
    def status(self) -> GraphCronStatus:
        """The status as it is, as far as it is readable."""
        return read_status(self.graphcron.get("status"))

    def as_of(self, now: datetime) -> "Observed":
        """It without what its status has from the future: nobody can have observed that, and it would stand above all
        that comes until then."""
        latest, status = format_time(now + CLOCKS_DIFFER), self.graphcron.get("status")
        if not isinstance(status, dict) or not any(text > latest for text in _times(status)):
            return self
        future = {name for name in _PAST if isinstance(text := status.get(name), str) and text > latest}
        kept: dict[str, Any] = {name: value for name, value in status.items() if name not in future}
        for name in _LISTS:
            kept[name] = [item for item in _list(kept.get(name)) if all(text <= latest for text in _times(item))]
        return replace(self, graphcron=self.graphcron | {"status": kept})

    @property
    def is_current(self) -> bool:
        """Whether the status is about the spec as it is."""
        return self.status.observed_generation == self.generation

    @property
    def is_suspended(self) -> bool:
        """Whether there is a CronJob, and it is suspended."""
        spec = (self.cron_job or {}).get("spec")
        return isinstance(spec, dict) and bool(spec.get("suspend"))

    @property
    def is_paused(self) -> bool:
        """Whether an administrator or its spec says so, valid or not."""
        spec = self.graphcron.get("spec")
        return self.pause is not None or (isinstance(spec, dict) and spec.get("enabled") is False)

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
        return past_firings(self.history, self.runs(), self.pods, self._was_replaced)

    @cached_property
    def last_success(self) -> datetime | None:
        """When a firing last succeeded."""
        ended = (entry.finished_at for entry in self.firings if entry.outcome == "Succeeded")
        return next(ended, None) or self.status.last_successful_time

    @cached_property
    def consecutive_failures(self) -> int:
        """Failed firings since the last success, the last change of the spec and the last request to resume."""
        if self.resume_token != self.status.last_resume:
            return 0
        before = (self.status.consecutive_failures or 0) if self.is_current else 0
        return failures_in_a_row(min(before, most_failures(self.history)), added(self.history, self.firings))

    @property
    def resume_token(self) -> str | None:
        """The token of the last request to resume; the recorded one when the annotation is gone."""
        return requested(self.graphcron, RESUME_REQUESTED) or self.status.last_resume

    @property
    def awaits_a_job(self) -> bool:
        """Whether the CronJob names a Job that is not observed yet: each has a watch of its own, and that of the Jobs
        can be the later one."""
        active = self.cron_job.get("status", {}).get("active", []) if self.cron_job else []
        return not {ref.get("name") for ref in active} <= {job["metadata"]["name"] for job in self.jobs}

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

    @property
    def settled(self) -> datetime | None:
        """Scheduled times until then have fired or were not due; None without a CronJob."""
        begun = self.not_before - timedelta(seconds=1) if self.not_before else None  # what is due at that moment counts
        return max(filter(None, (self.last_fired, begun)), default=None)

    def create_failure(self, uid: str | None, since: datetime) -> str | None:
        """Why that Job or CronJob could not create what it should; None when no Event since then says so."""
        failure = (self.create_failures or {}).get(uid or "")
        return failure.message if failure and failure.last >= since else None

    def _was_replaced(self, job: Manifest) -> bool:
        """Whether the CronJob controller deleted a Job because a later firing was due."""
        live, due = self.cron_job, scheduled_time_of(job["metadata"]["name"])
        if live is None or due is None or live["spec"].get("concurrencyPolicy") != "Replace":
            return False
        try:
            schedule, zone = read(live["spec"]["schedule"], ""), read_timezone(live["spec"].get("timeZone"))
        except (InvalidSchedule, InvalidTimezone):
            return False  # somebody else's, which is corrected: when it fired is not known
        return bool(next_times(schedule, zone, due, 1, until=parse_time(job["deletedAt"]) + CLOCK_DIFFERENCE))

    def runs(self) -> list[Manifest]:
        """The Jobs except those on days that only the CronJob's spelling of the schedule adds: no run was due."""
        dated = ((job, scheduled_time_of(job["metadata"]["name"])) for job in self.jobs)
        live = self.cron_job
        return [job for job, due in dated if live is None or due is None or is_a_run(live, due)]


def requested(graphcron: Manifest, annotation: str) -> str:
    """The token of a request by annotation, which its first `TOKEN_LIMIT` characters are; empty for none."""
    return str(graphcron["metadata"].get("annotations", {}).get(annotation) or "")[:TOKEN_LIMIT]


def controller_of(manifest: Manifest) -> Manifest | None:
    """The owner that controls an object (metav1.OwnerReference), None when nothing does."""
    references = manifest["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference.get("controller")), None)


def owns(owner: Manifest, other: Manifest) -> bool:
    """Whether the one object controls the other."""
    reference = controller_of(other)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


CLOCKS_DIFFER = timedelta(days=1)
"""Far more than two clocks of a cluster do: a firing that counted as one to come would be counted again and again."""


_PAST = (
    "lastScheduleTime", "lastSuccessfulTime", "lastTransitionTime", "scheduledTime", "lastScheduledTime", "startedAt",
    "finishedAt",
)  # fmt: skip
_LISTS = ("history", "conditions")


def _times(status: Any) -> Iterator[str]:
    """The times of what a status has observed, as they are written: RFC 3339 in UTC, which sorts as text."""
    if isinstance(status, dict):
        yield from (text for name in _PAST if isinstance(text := status.get(name), str))
        for name in _LISTS:
            for item in _list(status.get(name)):
                yield from _times(item)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
