"""The cheap first check of a decision: whether anything has changed since the last reconciliation. Pure.

Kubernetes records who has set which field of an object (metadata.managedFields), and counts the changes of a spec
(metadata.generation). While nobody else has set a field of the CronJob or the status, and the CronJob's spec is of the
generation that the status has recorded, both are as this operator wrote them. A restart needs no more for most
GraphCrons: to build and compare everything takes several times as long.
"""

from datetime import datetime

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.operator.conditions import CRON_JOB_MODIFIED, LAST_RUN_SUCCEEDED, READY, state_of
from graphcron.operator.history import is_over
from graphcron.operator.observed import Observed, owns, requested
from graphcron.operator.pod_status import job_of, termination_outcome
from graphcron.operator.requests import STARTED
from graphcron.operator.spending import backfills_are_recorded
from graphcron.resource.identity import (
    FIELD_MANAGER,
    INSTALLATION_ANNOTATION,
    NOTIFIER_MANAGER,
    RESUME_REQUESTED,
    RUN_REQUESTED,
)
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import read_timezone


def unchanged_until(observed: Observed, mark: str, now: datetime) -> datetime | None:
    """The next scheduled time of a GraphCron for which nothing is to be written before; None when that is not certain.
    `mark` is the present installation's."""
    try:
        live, status = observed.cron_job, observed.graphcron.get("status") or {}
        if (
            observed.pause
            or live is None
            or not _is_scheduled(observed.graphcron)
            or not _is_as_applied(observed.graphcron, live, mark)
        ):
            return None
        times = status.get("nextRunTimes")
        if not times or not _is_recorded(observed, live, status) or _has_a_request(observed):
            return None
        first = parse_time(times[0])
        # The first time after the last that fired: an earlier one would be late or missed, which is to be recorded.
        return first if first > now and first == _time_after_the_last(observed) else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # written by another version, or by hand: the full decision reports what is wrong


def _is_scheduled(graphcron: Manifest) -> bool:
    """Whether its status is about this generation, was written by us alone, and has it firing, with no trouble that
    may end."""
    types = {condition["type"] for condition in graphcron["status"]["conditions"]}
    return (
        state_of(graphcron) == "ready"
        and types <= {READY, LAST_RUN_SUCCEEDED, CRON_JOB_MODIFIED}
        and _writers(graphcron, status=True) - _NOTIFIER == {(FIELD_MANAGER, "Update")}
    )


_NOTIFIER = {(NOTIFIER_MANAGER, "Update")}
"""Its fields are not the operator's."""


def _has_a_request(observed: Observed) -> bool:
    """Whether a request by annotation is not recorded, or its firing is under way."""
    graphcron, status = observed.graphcron, observed.graphcron["status"]
    last, run, resume = status.get("lastRequest", {}), requested(graphcron, RUN_REQUESTED), status.get("lastResume", "")
    return (
        last.get("outcome") == STARTED
        or run not in ("", last.get("token"))
        or requested(graphcron, RESUME_REQUESTED) not in ("", resume)
    )


def _is_as_applied(graphcron: Manifest, live: Manifest, mark: str) -> bool:
    return (
        # Of what is removed nobody is recorded: neither of the owner, nor of a field of the spec.
        owns(graphcron, live)
        and live["metadata"].get("generation") == graphcron["status"].get("cronJobGeneration")
        and _writers(live, status=False) == {(FIELD_MANAGER, "Apply")}
        and live["metadata"].get("annotations", {}).get(INSTALLATION_ANNOTATION) == mark
        and not live["spec"].get("suspend")
    )


def _writers(manifest: Manifest, *, status: bool) -> set[tuple[str, str]]:
    """Manager and operation of all who have set a field of its status, or of all else."""
    entries = manifest["metadata"].get("managedFields", [])
    return {
        (entry["manager"], entry["operation"]) for entry in entries if (entry.get("subresource") == "status") is status
    }


def _is_recorded(observed: Observed, live: Manifest, status: Manifest) -> bool:
    """Whether the status has every firing that is observed, as it ended. None is under way."""
    fired = live.get("status", {})
    if observed.backfills and not backfills_are_recorded(status.get("spending"), observed.backfills):
        return False
    if fired.get("active") or status.get("active") or fired.get("lastScheduleTime") != status.get("lastScheduleTime"):
        return False
    history = {entry.get("jobName"): entry["reason"] for entry in status.get("history", [])}
    outcomes = ((job_of(pod), termination_outcome(pod)) for pod in observed.pods)
    # A Job can go on after its run, which is recorded by then.
    return all(job["metadata"]["name"] in history and is_over(job) for job in observed.jobs) and all(
        name in history and (outcome is None or outcome.reason == history[name]) for name, outcome in outcomes
    )


def _time_after_the_last(observed: Observed) -> datetime | None:
    spec = observed.graphcron["spec"]  # the status is ready, so it was valid
    schedule, zone = read(spec["schedule"], observed.graphcron["metadata"]["uid"]), read_timezone(spec.get("timezone"))
    start, end = (parse_time(spec[name]) if name in spec else None for name in ("startTime", "endTime"))
    if (last := observed.settled) is None:
        return None
    return next(iter(next_times(schedule, zone, last, 1, start=start, end=end)), None)
