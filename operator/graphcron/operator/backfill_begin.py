"""The beginning of a backfill: what it waits for, and the list of its scheduled times. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from graphcron.firing.formats import parse_time
from graphcron.firing.order import scheduled_time_of
from graphcron.kube.resources import Manifest
from graphcron.operator.backfill_progress import Progress, succeeded_slots
from graphcron.operator.backfill_verdict import BackfillVerdict, held_up, stalled
from graphcron.operator.cronjob import Installation
from graphcron.operator.history import is_over
from graphcron.operator.inputs import Inputs
from graphcron.operator.observed import CreateFailure, Observed
from graphcron.operator.reasons import DRY_RUN, EARLIER_BACKFILL, GRAPH_CRON_NOT_FOUND
from graphcron.resource.backfill import BackfillSpec, read_backfill_status
from graphcron.resource.backfill_plan import SlotPlan, Timetable, plan_of, succeeded_in
from graphcron.resource.fields import InvalidGraphCron


@dataclass(frozen=True)
class Given:
    """All that the decision may read."""

    backfill: Manifest
    observed: Observed | None
    """The GraphCron with what the schedule and requests made of it; None when there is none of that name."""
    jobs: tuple[Manifest, ...] = ()
    """Those of this backfill."""
    pods: tuple[Manifest, ...] = ()
    others: tuple[Manifest, ...] = ()
    """The other backfills of the GraphCron."""
    absent: frozenset[str] = frozenset()
    """Names of Jobs that the apiserver was asked for, and has not."""
    obstacles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Reason and message why a Job could not be created when it last was to be, by its name."""
    create_failures: Mapping[str, CreateFailure] | None = None


def begin(
    given: Given, spec: BackfillSpec, progress: Progress, installation: Installation, now: datetime
) -> BackfillVerdict | None:
    """List its scheduled times; the verdict when it does not begin, None when it has."""
    if given.observed is None:
        message = f"There is no GraphCron {spec.graph_cron} in this namespace. The backfill begins when there is one."
        return BackfillVerdict("Waiting", GRAPH_CRON_NOT_FOUND, message)
    if not spec.dry_run:
        if obstacle := held_up(given.observed):
            return BackfillVerdict("Waiting", *obstacle)
        if earlier := next((other for other in given.others if _is_ahead(other, given.backfill)), None):
            message = f"Backfill {earlier['metadata']['name']} of the same GraphCron is not over."
            return BackfillVerdict("Waiting", EARLIER_BACKFILL, message)
    try:
        plan = _slots(given, given.observed, spec, installation, now)
    except InvalidGraphCron as invalid:
        return stalled(invalid)
    if spec.dry_run:
        progress.list_slots(plan)
        message = f"Dry run: {len(plan.slots)} scheduled times would run. Set spec.dryRun to false to run them."
        return BackfillVerdict("DryRun", DRY_RUN, message)
    progress.begin(plan, given.observed.graphcron["metadata"]["uid"], now)
    return None


def _is_ahead(other: Manifest, backfill: Manifest) -> bool:
    """Whether another backfill of the GraphCron was there first, and is still to run."""
    if other["metadata"].get("deletionTimestamp") or (other.get("spec") or {}).get("dryRun"):
        return False
    if (other.get("status") or {}).get("phase") in ("Complete", "Ended", "Stalled"):
        return False
    return _age(other) < _age(backfill)


def _age(backfill: Manifest) -> tuple[str, str]:
    return str(backfill["metadata"]["creationTimestamp"]), str(backfill["metadata"]["name"])


def _slots(given: Given, observed: Observed, spec: BackfillSpec, installation: Installation, now: datetime) -> SlotPlan:
    """What is due when the backfill was created, and not the schedule's own. Raises InvalidGraphCron."""
    inputs = Inputs.read(observed, installation, now)
    until = parse_time(given.backfill["metadata"]["creationTimestamp"])
    if inputs.pending and not observed.is_suspended:
        until = min(until, inputs.pending)
    uid = observed.graphcron["metadata"]["uid"]
    statuses = []
    for other in given.others:
        try:
            status = read_backfill_status(other.get("status"))
        except InvalidGraphCron:
            continue
        statuses += [status] if status.graph_cron_uid == uid else []
    succeeded = succeeded_in(observed.firings) | succeeded_slots(statuses)
    dated = ((job, scheduled_time_of(job["metadata"]["name"])) for job in observed.jobs if is_active(job))
    running = {due for _, due in dated if due}
    return plan_of(spec, Timetable.of(observed.graphcron), until, succeeded, running)


def is_active(job: Manifest) -> bool:
    return not is_over(job) and "deletedAt" not in job
