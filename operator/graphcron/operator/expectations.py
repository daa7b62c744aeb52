"""What is expected of a GraphCron (`spec.expect`, or the installation's defaults), and what of it is not so. Pure.

Only a GraphCron that fires is expected to do something: not one that is paused, suspended, expired, not started or
stalled, which has a condition of its own that says so. Times before it was created, resumed or given another schedule
do not count, as with missed runs.

Each judgement has the moment at which it may change though nothing else does: that is when to judge again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.kube.resources import CRON_JOBS, Manifest
from graphcron.operator.conditions import LATE, OVERDUE, SLOW
from graphcron.operator.inputs import Inputs
from graphcron.operator.missed_runs import MissedRun
from graphcron.operator.observed import Observed, controller_of
from graphcron.operator.pod_status import job_of, run_state
from graphcron.operator.reasons import NO_SUCCESS_IN_TIME, NOT_FINISHED_IN_TIME, NOT_STARTED_IN_TIME, NOT_STARTING
from graphcron.resource.durations import length_of, written
from graphcron.resource.spec_parts import Expect


@dataclass(frozen=True)
class Limits:
    """The lengths of time that are expected; None for no expectation."""

    success: timedelta | None = None
    start: timedelta | None = None
    finish: timedelta | None = None

    @classmethod
    def of(cls, own: Expect | None, installation: Expect) -> "Limits":
        """Those of the spec, and for each that it does not name the installation's."""
        own = own or Expect()
        return cls(
            _length(own.success_within, installation.success_within),
            _length(own.start_within, installation.start_within),
            _length(own.finish_within, installation.finish_within),
        )


def _length(own: str | None, installation: str | None) -> timedelta | None:
    text = own if own is not None else installation
    return (length_of(text) or None) if text else None


class Judgement(NamedTuple):
    """Reason and message of each condition that is there, and when to judge again although no event comes."""

    unmet: Mapping[str, tuple[str, str]]
    wake_at: datetime | None


def judge(inputs: Inputs, not_before: datetime | None, missed: Sequence[MissedRun]) -> Judgement:
    """Of a GraphCron that fires. Scheduled times before `not_before` were not due; `missed` are not in the history."""
    limits = Limits.of(inputs.spec.expect, inputs.installation.expect)
    since = _since(inputs.created, inputs.spec.start_time, not_before)
    judged: list[tuple[str, str, Found]] = []
    if limits.success:
        judged.append((OVERDUE, NO_SUCCESS_IN_TIME, _success(inputs, since, limits.success)))
    if limits.start:
        judged.append((LATE, NOT_STARTED_IN_TIME, _start(inputs, since, limits.start, missed)))
    if limits.finish:
        judged.append((SLOW, NOT_FINISHED_IN_TIME, _finish(inputs, since, limits.finish)))
    unmet = {kind: (reason, message) for kind, reason, (message, _) in judged if message}
    return Judgement(unmet, min((moment for _, _, (_, moment) in judged if moment), default=None))


class Since(NamedTuple):
    """From when on something is expected, and what happened then."""

    moment: datetime
    what: str


def quiet_until(observed: Observed, installation: Expect, next_run: datetime) -> datetime | None:
    """When an expectation may be missed first, of a GraphCron of which nothing is under way, all is recorded and
    nothing is missed yet; None when that cannot be."""
    spec = observed.graphcron["spec"]
    if "expect" not in spec and installation == Expect():
        return None
    limits = Limits.of(Expect.model_validate(spec.get("expect") or {}), installation)
    start_time = parse_time(spec["startTime"]) if "startTime" in spec else None
    since = _since(
        parse_time(observed.graphcron["metadata"]["creationTimestamp"]), start_time, observed.not_before
    ).moment
    moments = []
    if limits.success:
        moments.append(_success_due(limits.success, since, observed.status.last_successful_time))
    if limits.start:
        moments.append(next_run + limits.start + timedelta(seconds=spec.get("jitterSeconds") or 0))
    return min(moments, default=None)


def _since(created: datetime, start_time: datetime | None, not_before: datetime | None) -> Since:
    moments = [
        Since(created, "the GraphCron was created"),
        Since(not_before or created, "it was resumed or its schedule changed"),
        Since(start_time or created, "its startTime"),
    ]
    return max(moments, key=lambda since: since.moment)


Found = tuple[str | None, datetime | None]
"""The message when an expectation is not met, and when to judge again."""


def _success_due(limit: timedelta, since: datetime, last_success: datetime | None) -> datetime:
    """By when a firing is to succeed."""
    return max(since, last_success or since) + limit


def _success(inputs: Inputs, since: Since, limit: timedelta) -> Found:
    last = inputs.observed.last_success
    due = _success_due(limit, since.moment, last)
    if inputs.now < due:
        return None, due
    ever = f"The last success was at {format_time(last)}." if last else "None ever has."
    return (
        f"No firing has succeeded since {since.what} at {format_time(since.moment)}. {ever}"
        if last is None or last < since.moment
        else f"No firing has succeeded since {format_time(last)}."
    ) + (
        f" One was expected within {written(limit)} (expect.successWithin), by {format_time(due)}. The history says "
        "what the firings did; a success, also of a requested run, ends this."
    ), None


class Start(NamedTuple):
    """What is known of the start of the run of one scheduled time."""

    due: datetime
    started: datetime | None = None
    never: bool = False
    """It has ended without a run."""
    because: str = ""


def _start(inputs: Inputs, since: Since, limit: timedelta, missed: Sequence[MissedRun]) -> Found:
    """The newest firing of the schedule decides of which it is known whether it has started in time."""
    allowed = limit + timedelta(seconds=inputs.spec.jitter_seconds or 0)
    wake_at: list[datetime] = []
    decided: list[Start] = []
    for start in _starts(inputs, missed):
        deadline = start.due + allowed
        if start.due < since.moment:
            continue
        if start.started or start.never or deadline <= inputs.now:
            decided.append(start)
        else:
            wake_at.append(deadline)
    newest = max(decided, key=lambda start: start.due, default=None)
    message = None
    if newest and not (newest.started and newest.started <= newest.due + allowed):
        what = "started no run" if newest.never else "has not started its run yet"
        if newest.started:
            what = f"started its run at {format_time(newest.started)}, {written(newest.started - newest.due)} later"
        jitter = f" and jitterSeconds {inputs.spec.jitter_seconds}" if inputs.spec.jitter_seconds else ""
        message = (
            f"The firing due at {format_time(newest.due)} {what}{newest.because}. {written(limit)} "
            f"(expect.startWithin{jitter}) are allowed. Ready and RunsStarting have the cause as far as the cluster "
            "tells it; the next firing that starts in time ends this."
        )
    return message, min(wake_at, default=None)


def _starts(inputs: Inputs, missed: Sequence[MissedRun]) -> Iterator[Start]:
    """Those of the schedule's firings that did not skip their run on purpose."""
    observed = inputs.observed
    for entry in observed.firings:
        due = entry.last_scheduled_time or entry.scheduled_time
        if entry.trigger is not None or entry.outcome == "Skipped":
            continue
        if entry.outcome == "Missed" or entry.reason == NOT_STARTING:
            yield Start(due, never=True, because=f": {entry.reason}")
        elif entry.started_at:
            yield Start(due, entry.started_at)
    for one in missed:
        if one.outcome == "Missed":
            yield Start(one.due, never=True, because=f": {one.reason}")
    for job in _under_way(observed):
        due_at = scheduled_time_of(job["metadata"]["name"])
        if due_at and (controller_of(job) or {"kind": CRON_JOBS.kind})["kind"] == CRON_JOBS.kind:
            yield Start(due_at, _began(observed, job))
    if inputs.live and inputs.pending and not inputs.is_held_back:
        yield Start(inputs.pending, because=": the cluster has made no Job for it")


def _under_way(observed: Observed) -> list[Manifest]:
    over = {entry.job_name for entry in observed.firings}
    return [job for job in observed.runs() if job["metadata"]["name"] not in over and "deletedAt" not in job]


def _began(observed: Observed, job: Manifest) -> datetime | None:
    """When a container `run` of a Job first started."""
    pods = (pod for pod in observed.pods if job_of(pod) == job["metadata"]["name"])
    states = (state for pod in pods for state in run_state(pod).values() if isinstance(state, dict))
    return min((parse_time(state["startedAt"]) for state in states if state.get("startedAt")), default=None)


def _finish(inputs: Inputs, since: Since, limit: timedelta) -> Found:
    """A run under way decides when it is slow; else the last one that ended."""
    observed, jitter, wake_at = inputs.observed, timedelta(seconds=inputs.spec.jitter_seconds or 0), []
    allowed = f"{written(limit)} (expect.finishWithin)"
    for job in sorted(_under_way(observed), key=lambda job: str(job["metadata"]["creationTimestamp"])):
        name, began = job["metadata"]["name"], _began(observed, job)
        if began is None:
            continue
        began += jitter if scheduled_time_of(name) else timedelta(0)
        if began + limit <= inputs.now:
            return (
                f"The run of Job {name} has been under way since {format_time(began)}, longer than {allowed}. See its "
                f"log (kubectl logs job/{name}), or the run on the Agent Server. activeDeadlineSeconds would end it.",
                None,
            )
        wake_at.append(began + limit)
    ended = [
        (entry.finished_at, entry.started_at, entry.job_name)
        for entry in observed.firings
        if entry.started_at and entry.finished_at and entry.finished_at >= since.moment
        if entry.outcome not in ("Skipped", "Missed") and entry.reason != NOT_STARTING
    ]
    message = None
    if ended:
        finished, started, name = max(ended, key=lambda run: run[0])
        if finished - started > limit:
            message = (
                f"The last run that ended, of Job {name}, took {written(finished - started)}, from "
                f"{format_time(started)} to {format_time(finished)}. {allowed} are allowed. The next run that ends "
                "in time ends this."
            )
    return message, min(wake_at, default=None)
