"""What a start can leave alone: GraphCrons that nobody has touched since their status was written. Pure.

To compute what a GraphCron should be, and to compare, takes a fraction of a millisecond; after a start it takes
thousands of them together. Server-side apply keeps a record of who has set which field of an object
(metadata.managedFields). While that of a CronJob names nobody beside us, it is as we applied it, and the status says
for which generation. Whatever is less plain than that is looked at.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphcron.firing.formats import parse_time
from graphcron.operator.conditions import LAST_RUN_SUCCEEDED, READY, state_of
from graphcron.operator.cronjob import not_before
from graphcron.operator.history import job_of
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import NO_OUTCOME, SCHEDULED
from graphcron.resource.identity import FIELD_MANAGER, INSTALLATION_ANNOTATION
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import read_timezone

Manifest = Mapping[str, Any]


def settled_until(seen: Observed, installation: str, now: datetime) -> datetime | None:
    """The next firing of a GraphCron for which nothing is to be done before, since `decide` and `conclude` would come
    to what is there; None when only they can tell. `installation` is what a CronJob applied today would be marked with.

    Raises ValueError and LookupError for a spec that nobody can have called ready.
    """
    live, told = seen.cron_job, seen.graphcron.get("status") or {}
    if live is None or not _is_scheduled(seen.graphcron) or not _is_as_applied(live, installation):
        return None
    coming = told.get("nextRunTimes")
    if not coming or not _is_told(seen, live, told):
        return None
    first = parse_time(coming[0])
    # The first slot after the last that fired: an earlier one would be late or lost, and that is to be told.
    return first if first > now and first == _slot_after_the_last(seen.graphcron, live) else None


def _is_scheduled(graphcron: Manifest) -> bool:
    """Whether its status speaks of this generation, and says that it fires and no more."""
    conditions = {condition["type"]: condition["reason"] for condition in graphcron["status"].get("conditions", [])}
    return (
        state_of(graphcron) == "ready"
        and conditions.pop(READY) == SCHEDULED
        and conditions.keys() <= {LAST_RUN_SUCCEEDED}
    )


def _is_as_applied(live: Manifest, installation: str) -> bool:
    metadata = live["metadata"]
    setters = {
        (entry["manager"], entry["operation"])
        for entry in metadata.get("managedFields", [])
        if entry.get("subresource") != "status"
    }
    return (
        setters == {(FIELD_MANAGER, "Apply")}
        and metadata.get("annotations", {}).get(INSTALLATION_ANNOTATION) == installation
        and not live["spec"].get("suspend")
    )


def _is_told(seen: Observed, live: Manifest, told: dict[str, Any]) -> bool:
    """Whether the status has every firing that can be seen, with how it ended. None is under way."""
    fired = live.get("status", {})
    if fired.get("active") or told.get("active") or fired.get("lastScheduleTime") != told.get("lastScheduleTime"):
        return False
    known = {entry.get("jobName") for entry in told.get("history", []) if entry["reason"] != NO_OUTCOME}
    return {job["metadata"]["name"] for job in seen.jobs} | {job_of(pod) for pod in seen.pods} <= known


def _slot_after_the_last(graphcron: Manifest, live: Manifest) -> datetime | None:
    spec = graphcron["spec"]  # the status calls it ready, so it need not be validated once more
    schedule, zone = read(spec["schedule"], graphcron["metadata"]["uid"]), read_timezone(spec.get("timezone"))
    start, end = (parse_time(spec[name]) if name in spec else None for name in ("startTime", "endTime"))
    last = parse_time(live.get("status", {}).get("lastScheduleTime") or live["metadata"]["creationTimestamp"])
    last = max(last, not_before(live) or last)
    return next(iter(next_times(schedule, zone, last, 1, start=start, end=end)), None)
