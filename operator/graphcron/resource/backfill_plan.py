"""Which scheduled times a backfill runs, and which it leaves out and why: for the operator and for a dry run. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time
from graphcron.resource.backfill import SLOTS_LIMIT, BackfillSpec, LeftOut
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec import DEFAULT_STARTING_DEADLINE_SECONDS, GraphCronSpec
from graphcron.resource.spec_reader import read_spec
from graphcron.resource.status import HistoryEntry, read_status
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

INVALID_SCHEDULE = "InvalidSchedule"
TOO_MANY_SLOTS = "TooManySlots"
"""Reasons of a backfill that cannot begin."""

BEFORE_START_TIME = "BeforeStartTime"
AFTER_END_TIME = "AfterEndTime"
NOT_DUE = "NotDue"
ALREADY_SUCCEEDED = "AlreadySucceeded"
STILL_RUNNING = "StillRunning"
"""Reasons of scheduled times that are left out."""

_SECOND = timedelta(seconds=1)


class SlotPlan(NamedTuple):
    """The scheduled times that are run, the oldest first, and those that are not."""

    slots: list[datetime]
    left_out: list[LeftOut]


class Timetable(NamedTuple):
    """When a GraphCron fires."""

    spec: GraphCronSpec
    fires: Callable[[datetime, datetime], list[datetime]]
    """Its scheduled times from the one moment on and before the other, startTime and endTime apart: `SLOTS_LIMIT` and
    one more at most."""

    @classmethod
    def of(cls, graphcron: Mapping[str, Any]) -> "Timetable":
        """Raises InvalidGraphCron for a spec that cannot be scheduled."""
        spec = read_spec(graphcron.get("spec"))
        try:
            schedule, zone = read(spec.schedule, graphcron["metadata"]["uid"]), read_timezone(spec.timezone)
        except (InvalidSchedule, InvalidTimezone) as invalid:
            raise InvalidGraphCron(INVALID_SCHEDULE, str(invalid)) from None
        return cls(spec, lambda begin, end: _between(schedule, zone, begin, end))


def _between(schedule: Schedule, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    if begin >= end:
        return []
    return next_times(schedule, zone, begin - _SECOND, SLOTS_LIMIT + 1, until=end - _SECOND)


def plan_of(
    spec: BackfillSpec,
    timetable: Timetable,
    until: datetime,
    succeeded: Collection[datetime] = (),
    running: Collection[datetime] = (),
) -> SlotPlan:
    """What a backfill runs. Scheduled times at `until` or later are the schedule's own; `succeeded` are those whose
    run is known to have succeeded, `running` those that have a Job under way.

    Raises InvalidGraphCron when it would be more than `SLOTS_LIMIT`.
    """
    start, end = timetable.spec.start_time, timetable.spec.end_time
    begin, stop = max(spec.from_, start or spec.from_), min(spec.to, end or spec.to, until)
    times = timetable.fires(begin, stop)
    if len(times) > SLOTS_LIMIT:
        raise InvalidGraphCron(
            TOO_MANY_SLOTS,
            f"between from and to lie more than {SLOTS_LIMIT} scheduled times (that many until "
            f"{format_time(times[SLOTS_LIMIT - 1])}): split the backfill into several",
        )
    before = timetable.fires(spec.from_, min(spec.to, begin))
    after = timetable.fires(max(spec.from_, end), spec.to) if end else []
    not_due = timetable.fires(max(begin, until), min(spec.to, end or spec.to))
    done = [time for time in times if not spec.rerun and time in succeeded]
    at_work = [time for time in times if time in running and time not in done]
    dropped = {*done, *at_work}
    groups = (
        (BEFORE_START_TIME, "before startTime of the GraphCron", before),
        (AFTER_END_TIME, "at endTime of the GraphCron or later", after),
        (NOT_DUE, "not due when the backfill was created, or due so lately that the schedule itself runs it", not_due),
        (ALREADY_SUCCEEDED, "its run has succeeded, and rerun is not set", done),
        (STILL_RUNNING, "its Job is under way", at_work),
    )
    left_out = [_left_out(reason, words, found) for reason, words, found in groups if found]
    return SlotPlan([time for time in times if time not in dropped], left_out)


def _left_out(reason: str, words: str, times: list[datetime]) -> LeftOut:
    more = f", and more than {SLOTS_LIMIT} of them" if len(times) > SLOTS_LIMIT else ""
    return LeftOut(
        reason=reason, message=words + more, count=min(len(times), SLOTS_LIMIT), first=times[0], last=times[-1]
    )


def until_of(graphcron: Mapping[str, Any], timetable: Timetable, now: datetime) -> datetime:
    """From when on scheduled times are the schedule's own, by what the status of a GraphCron says: what is due and has
    not fired within startingDeadlineSeconds may still do so."""
    status = read_status(graphcron.get("status"))
    if not status.enabled:
        return now
    deadline = timedelta(seconds=timetable.spec.starting_deadline_seconds or DEFAULT_STARTING_DEADLINE_SECONDS)
    last = status.last_schedule_time
    after = max(now - deadline, last + _SECOND) if last else now - deadline
    return next(iter(timetable.fires(after, now)), now)


def succeeded_in(history: Iterable[HistoryEntry]) -> set[datetime]:
    """The scheduled times in the history of a GraphCron that need no other run. One that waits for input has run."""
    return {
        entry.scheduled_time
        for entry in history
        if entry.outcome in ("Succeeded", "WaitingForInput") and entry.trigger != "Manual"
    }


def ends(times: Iterable[datetime], count: int) -> tuple[list[datetime], list[datetime]]:
    """The first ones and the last ones, none of them twice."""
    ordered = list(times)
    return ordered[:count], ordered[count:][-count:]
