"""The decision on one backfill: whose turn it is, which Jobs to create, and what to record. Pure.

What was done is in its status alone, and each scheduled time gets one Job, whatever is killed in between:

1. The status says that it is a scheduled time's turn (`status.active`). That write succeeds only on the version of the
   backfill that the decision was made on.
2. Then its Job is created, under the name that the CronJob controller would give it. A Job of that name that is there
   already is this one, or one that has to go first.
3. The end of the Job is recorded together with the next turn. Only then may its Job be removed.

A turn without a Job is made up for, and a Job that the status knows of is never created again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from graphcron.firing.order import BACKFILL, scheduled_time_of
from graphcron.kube.resources import Manifest
from graphcron.operator.backfill_begin import Given, begin, is_active
from graphcron.operator.backfill_progress import Progress
from graphcron.operator.backfill_verdict import BackfillVerdict, held_up, stalled, status_of, summary
from graphcron.operator.cronjob import Installation
from graphcron.operator.events import Event
from graphcron.operator.history import ended_at, firing_of
from graphcron.operator.observed import Observed
from graphcron.operator.reasons import (
    BACKFILL_RUNNING,
    DRY_RUN,
    GRAPH_CRON_DELETED,
    JOB_NAME_TAKEN,
    NOT_STARTING,
    OLDER_JOB,
    STILL_RUNNING,
)
from graphcron.operator.requests import beyond_limits
from graphcron.operator.spending import priced
from graphcron.operator.starting import End, to_end, waiting_jobs
from graphcron.operator.triggers import with_trigger
from graphcron.resource import backfill as resource
from graphcron.resource.backfill import BackfillSpec, BackfillStatus, read_backfill, read_backfill_status
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import BACKFILL_LABEL, CRON_LABEL, ENDED_ANNOTATION, controller_reference
from graphcron.resource.prices import Ledger
from graphcron.resource.status import Condition, read_status

A_WORD_LATER = timedelta(seconds=10)
"""How long the outcome of an ended Job is waited for: the watch of its pod may be the later one."""
AGAIN = timedelta(seconds=60)
"""After which an obstacle that no event removes is met anew."""
SOON = timedelta(seconds=3)
"""The same for an older Job, which Kubernetes is asked to remove."""

CRON_DELETED = f"{GRAPH_CRON_DELETED}: its GraphCron was deleted"
"""Reason and message of the Jobs that this ends."""


@dataclass(frozen=True)
class BackfillPlan:
    """What is to be written: first the status, then the rest."""

    status: Manifest
    events: list[Event] = field(default_factory=list)
    create: tuple[Manifest, ...] = ()
    expire: tuple[Manifest, ...] = ()
    end: tuple[End, ...] = ()
    missing: tuple[str, ...] = ()
    """Names of Jobs that are known and not observed. Decide again once the apiserver was asked for them."""
    asks: bool = False
    """Whether Events could say why a Job has no pod. Decide again with them."""
    wake_at: datetime | None = None


def decide(given: Given, installation: Installation, now: datetime) -> BackfillPlan:
    """What is to be written for one backfill, at `now` (aware)."""
    status = given.backfill.get("status")
    try:
        spec, old = read_backfill(given.backfill["spec"]), read_backfill_status(status)
        progress = Progress.of(old)
    except InvalidGraphCron as invalid:
        kept = status if isinstance(status, dict) else {}
        return BackfillPlan(*status_of(given.backfill, kept, _conditions(kept), stalled(invalid), now))
    if old.phase in ("Complete", "Ended"):
        verdict = summary(progress, deleted=old.phase == "Ended")
        return replace(_plan(given, old, progress, verdict, now), expire=_surplus(given, progress))
    if not progress.begun:
        if old.phase == DRY_RUN and old.observed_generation == given.backfill["metadata"]["generation"]:
            return BackfillPlan(status or {})  # what it said of that moment stays
        if obstacle := begin(given, spec, progress, installation, now):
            return _plan(given, old, progress, obstacle, now)
    return _step(given, spec, old, progress, installation, now)


def _plan(
    given: Given, old: BackfillStatus, progress: Progress, verdict: BackfillVerdict, now: datetime
) -> BackfillPlan:
    fields = BackfillStatus.model_validate(progress.fields()).to_dict()
    return BackfillPlan(*status_of(given.backfill, fields, old.conditions or (), verdict, now))


def _conditions(status: Manifest) -> list[Condition]:
    """Those of a status that cannot be read as a whole."""
    return read_status({"conditions": status.get("conditions")}).conditions or []


def _step(
    given: Given,
    spec: BackfillSpec,
    old: BackfillStatus,
    progress: Progress,
    installation: Installation,
    now: datetime,
) -> BackfillPlan:
    """Record what has ended, and make it the turn of the next ones."""
    observed = given.observed
    if observed and observed.graphcron["metadata"]["uid"] != progress.graph_cron_uid:
        observed = None
    missing, wake = _settle(given, progress, installation.ledger, now, gone=observed is None)
    jobs = {job["metadata"]["name"]: job for job in given.jobs}
    if observed is None:
        if progress.active:
            verdict = BackfillVerdict("Running", GRAPH_CRON_DELETED, "The GraphCron was deleted: its Jobs are ended.")
        else:
            progress.finished_at = progress.finished_at or now
            verdict = summary(progress, deleted=True)
        ends = [End(job, CRON_DELETED, kept=True) for job in _at_work(progress, jobs)]
        return replace(_plan(given, old, progress, verdict, now), end=tuple(ends), missing=missing, wake_at=wake)
    obstacle = held_up(observed) or _other_run(observed, progress)
    refused = next((given.obstacles[one.job_name] for one in progress.active if one.job_name in given.obstacles), None)
    if not (obstacle or refused):
        progress.take(
            _parallelism(spec, observed) - len(progress.active),
            observed.graphcron["metadata"]["name"],
            newest=spec.order == "NewestFirst",
        )
    own = Observed(
        graphcron=observed.graphcron,
        cron_job=observed.cron_job,
        jobs=given.jobs,
        pods=given.pods,
        create_failures=given.create_failures,
    )
    waiting = waiting_jobs(own, now)
    end, look_again = to_end(own, waiting, installation.start_timeout, now)
    trouble = next((one.trouble for one in waiting if one.trouble and not one.kept), None)
    if not progress.active and not progress.remaining:
        progress.finished_at = progress.finished_at or now
        verdict = summary(progress)
    elif refused:
        verdict = BackfillVerdict("Waiting", *refused)
        wake = _earlier(wake, now + (SOON if refused[0] == OLDER_JOB else AGAIN))
    elif trouble:
        verdict = BackfillVerdict("Waiting", NOT_STARTING, f"A firing does not start: {trouble[0]}: {trouble[1]}")
    elif obstacle and not progress.active:
        verdict = BackfillVerdict("Waiting", *obstacle)
    else:
        message = f"{progress.over} of {progress.slots} scheduled times are over."
        verdict = BackfillVerdict("Running", BACKFILL_RUNNING, message)
    create = []
    if observed.cron_job and not held_up(observed):
        to_make = [one for one in progress.active if one.job_uid is None and one.job_name not in jobs]
        create = [job_of(given.backfill, observed.cron_job, one.scheduled_time, one.job_name) for one in to_make]
    return replace(
        _plan(given, old, progress, verdict, now),
        create=tuple(create),
        expire=_surplus(given, progress),
        end=(end,) if end else (),
        missing=missing,
        asks=given.create_failures is None and any(one.trouble and one.podless for one in waiting),
        wake_at=_earlier(wake, look_again),
    )


def _settle(
    given: Given, progress: Progress, ledger: Ledger, now: datetime, *, gone: bool
) -> tuple[tuple[str, ...], datetime | None]:
    """Record which Jobs are there and which have ended. Returns the names of those that are missing, and when to look
    again for words of those that have ended without any."""
    jobs, missing, wake = {job["metadata"]["name"]: job for job in given.jobs}, [], None
    for firing in list(progress.active):
        job = jobs.get(firing.job_name)
        if job is None:
            if firing.job_uid is None:
                if given.obstacles.get(firing.job_name, ("", ""))[0] == JOB_NAME_TAKEN:
                    progress.name_taken(firing, now)
                elif gone:
                    progress.give_back(firing)
            elif firing.job_name in given.absent:
                progress.lost(firing, now)
            else:
                missing.append(firing.job_name)
            continue
        found, end = firing_of(job, given.pods), ended_at(job)
        if found and (found[1] or "deletedAt" in job or (end and end + A_WORD_LATER <= now)):
            graphcron = {
                "name": given.backfill["spec"]["graphCron"],
                "namespace": given.backfill["metadata"]["namespace"],
            }
            progress.ends_as(firing, priced(found[0], None, graphcron, ledger))
            continue
        if found and end:
            wake = _earlier(wake, end + A_WORD_LATER)
        if firing.job_uid is None:
            progress.made(firing, job["metadata"]["uid"])
    return tuple(missing), wake


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _at_work(progress: Progress, jobs: Mapping[str, Manifest]) -> list[Manifest]:
    """The Jobs of its turns that are not over, and that nobody has ended."""
    found = [jobs[one.job_name] for one in progress.active if one.job_name in jobs]
    return [job for job in found if is_active(job) and ENDED_ANNOTATION not in job["metadata"].get("annotations", {})]


def _one_at_a_time(observed: Observed) -> bool:
    return observed.graphcron["spec"].get("concurrencyPolicy") in ("Forbid", "Replace")


def _parallelism(spec: BackfillSpec, observed: Observed) -> int:
    return 1 if _one_at_a_time(observed) else spec.parallelism or resource.DEFAULT_PARALLELISM


def _other_run(observed: Observed, progress: Progress) -> tuple[str, str] | None:
    """Why it waits for a run of the schedule or of a request."""
    other = next(filter(is_active, observed.jobs), None)
    if other is None or not _one_at_a_time(observed) or not progress.remaining:
        return None
    policy = observed.graphcron["spec"]["concurrencyPolicy"]
    return STILL_RUNNING, f"Job {other['metadata']['name']} is running, and concurrencyPolicy is {policy}."


def job_of(backfill: Manifest, live: Manifest, slot: datetime, name: str) -> Manifest:
    """The Job of a scheduled time, as the CronJob controller would make it, but for its owner and its trigger. It goes
    with its backfill, and the CronJob controller does not count it."""
    metadata, template = backfill["metadata"], live["spec"]["jobTemplate"]
    labels = {CRON_LABEL: live["metadata"]["name"], BACKFILL_LABEL: metadata["name"]}
    made = template.get("metadata", {})
    spec = with_trigger(template["spec"], BACKFILL)
    pod = spec["template"]["metadata"]
    pod["labels"] = pod.get("labels", {}) | labels
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": made.get("labels", {}) | labels,
            "annotations": made.get("annotations", {}) | {SCHEDULED_ANNOTATION: f"{slot:%Y-%m-%dT%H:%M:%SZ}"},
            "ownerReferences": [controller_reference(metadata, resource.KIND)],
        },
        "spec": spec,
    }


SCHEDULED_ANNOTATION = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""As the CronJob controller sets it."""


def _surplus(given: Given, progress: Progress) -> tuple[Manifest, ...]:
    """Ended Jobs beyond the history limits of the GraphCron, whose outcome is recorded: also by a status that is newer
    than the one at hand, so not those whose turn has not come by this one."""
    turns, coming = {one.job_name for one in progress.active}, set(progress.remaining)
    names = ((job, job["metadata"]["name"]) for job in given.jobs)
    recorded = [job for job, name in names if name not in turns and scheduled_time_of(name) not in coming]
    return tuple(beyond_limits(recorded, given.observed.graphcron["spec"] if given.observed else {}))
