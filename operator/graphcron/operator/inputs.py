"""The inputs of one decision: what is observed, the spec as read, the installation's limits and the time. Pure.

Its properties are the facts that follow from them, each derived once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from graphcron.firing.formats import parse_time
from graphcron.kube.outline import OBJECT_LIMIT, OVERSIZE
from graphcron.kube.resources import Manifest
from graphcron.operator.cronjob import Installation
from graphcron.operator.observed import Observed
from graphcron.operator.pod_status import START_PATIENCE
from graphcron.operator.reasons import INVALID_SCHEDULE, INVALID_TIMEZONE, REQUEST_TOO_LARGE
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec import DEFAULT_STARTING_DEADLINE_SECONDS, DEFAULT_TIMEZONE, GraphCronSpec
from graphcron.resource.spec_reader import read_spec
from graphcron.resource.status import ScheduledRuns
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

GRACE = timedelta(seconds=60)
"""How long after its deadline a scheduled time counts as missed: clocks differ, and the event of a Job takes time."""

NEXT_TIMES = 5
"""Entries of `status.nextRunTimes`."""


@dataclass(frozen=True)
class Inputs:
    """`now` is aware."""

    observed: Observed
    installation: Installation
    now: datetime
    spec: GraphCronSpec
    schedule: Schedule
    zone: ZoneInfo
    runs: ScheduledRuns | None = None
    """Of one with maxRuns: what has run (`max_runs.bounded`)."""
    remaining: int | None = None
    """How many more runs may start."""
    runs_end: datetime | None = None
    """The scheduled time after the last one of those."""

    @classmethod
    def read(cls, observed: Observed, installation: Installation, now: datetime) -> "Inputs":
        """Raises InvalidGraphCron for a spec that cannot be scheduled."""
        if observed.graphcron.get(OVERSIZE):
            # How many says nobody: with each status it would be another number, and another status.
            raise InvalidGraphCron(
                REQUEST_TOO_LARGE,
                f"The GraphCron has more than {OBJECT_LIMIT} bytes as JSON. Keep large input in a Secret or ConfigMap, "
                "and name it in spec.inputFrom.",
            )
        spec = read_spec(observed.graphcron.get("spec"))
        try:
            schedule = read(spec.schedule, observed.graphcron["metadata"]["uid"])
            zone = read_timezone(spec.timezone)
        except InvalidSchedule as invalid:
            raise InvalidGraphCron(INVALID_SCHEDULE, str(invalid)) from None
        except InvalidTimezone as invalid:
            raise InvalidGraphCron(INVALID_TIMEZONE, str(invalid)) from None
        return cls(observed, installation, now, spec, schedule, zone)

    @property
    def live(self) -> Manifest | None:
        """The CronJob as it is."""
        return self.observed.cron_job

    @property
    def created(self) -> datetime:
        """When the GraphCron was created: now, of one that is judged before it is."""
        text = self.observed.graphcron["metadata"].get("creationTimestamp")
        return parse_time(text) if text else self.now

    @property
    def timezone(self) -> str:
        return self.spec.timezone or DEFAULT_TIMEZONE

    @property
    def deadline(self) -> timedelta:
        """How late the CronJob controller may make the Job of a scheduled time."""
        return timedelta(seconds=self.spec.starting_deadline_seconds or DEFAULT_STARTING_DEADLINE_SECONDS)

    @cached_property
    def pending(self) -> datetime | None:
        """The first scheduled time that has not fired yet and still may, None when none is left before endTime.

        One that is due counts until it is missed: the controller manager may be late, and suspending the CronJob under
        it would lose the last firing.
        """
        after = self.now
        if self.live:
            after = max(filter(None, (self.now - self.deadline - GRACE, self.observed.settled)))
        return next(iter(self.times_after(after, 1)), None)

    @property
    def waits_for_its_start(self) -> bool:
        """Whether it was suspended until its startTime, and its spec is unchanged since."""
        return self.observed.is_current and self.observed.waited_for_its_start

    @property
    def is_late(self) -> bool:
        """Whether a scheduled time is due for so long that the cluster may not be able to make its Job."""
        return self.pending is not None and self.now >= self.pending + START_PATIENCE

    @property
    def is_held_back(self) -> bool:
        """Whether an earlier firing holds back the next one, as Forbid asks for."""
        active = bool(self.live and self.live.get("status", {}).get("active"))
        return active and self.spec.concurrency_policy == "Forbid"

    def no_job_because(self, due: datetime) -> str | None:
        """Why the CronJob controller could not make the Job of that scheduled time; None when no Event says so."""
        return self.observed.create_failure(self.live["metadata"].get("uid"), due) if self.live else None

    def next_run_times(self, not_before: datetime | None) -> tuple[datetime, ...]:
        """The next scheduled times that will start a run."""
        return tuple(self.times_after(max(self.now, not_before or self.now), NEXT_TIMES))

    def times_after(self, after: datetime, limit: int, until: datetime | None = None) -> list[datetime]:
        """At most so many scheduled times later than `after`, from startTime until endTime; none later than `until`."""
        return next_times(self.schedule, self.zone, after, limit, start=self.spec.start_time, end=self.end, until=until)

    @property
    def end(self) -> datetime | None:
        """Nothing fires that is due then or later: its endTime, or the end of maxRuns."""
        return min(filter(None, (self.spec.end_time, self.runs_end)), default=None)

    @property
    def is_completed(self) -> bool:
        """Whether maxRuns leaves no run."""
        if self.remaining is None:
            return False
        return self.remaining == 0 or (self.pending is None and self.end == self.runs_end is not None)
