"""Requests by annotation: run a GraphCron now, or resume it after failures. Each token is carried out once. Pure.

An annotation is level-triggered and nothing that Git would revert. The Job of a token has a name made of the token and
the GraphCron's uid, and the GraphCron as its owner, so that only the operator removes it, once its outcome is recorded:
whatever is killed in between, the next reconciliation finds it and makes no second one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphcron.firing.order import MANUAL
from graphcron.kube.resources import Manifest
from graphcron.operator.history import is_over
from graphcron.operator.observed import Observed, owns, requested
from graphcron.operator.phase import Phase, Verdict
from graphcron.operator.reasons import (
    CANNOT_RUN,
    JOB_REFUSED,
    OVER_BUDGET,
    PAUSED_BY_ADMINISTRATOR,
    REPLACED,
    REQUESTED_AT_CREATION,
    STILL_RUNNING,
)
from graphcron.operator.triggers import with_trigger
from graphcron.resource.identity import (
    CRON_LABEL,
    ENDED_ANNOTATION,
    RUN_REQUESTED,
    controller_reference,
    requested_job_name,
)
from graphcron.resource.spec import DEFAULT_HISTORY_LIMIT
from graphcron.resource.status import NOT_OBSERVED, HistoryEntry, LastRequest

STARTED = "Started"
REFUSED = "Refused"


@dataclass(frozen=True)
class RunRequest:
    """A token that is not recorded yet, and what comes of it: a Job, or a refusal with reason and message."""

    token: str
    job: Manifest | None = None
    ends: tuple[Manifest, ...] = ()
    """Jobs to end before, with concurrencyPolicy Replace."""
    refused: tuple[str, str] | None = None

    def recorded(self) -> LastRequest:
        """As the status has it."""
        reason, message = self.refused or (None, None)
        name = self.job["metadata"]["name"] if self.job else None
        outcome = REFUSED if self.refused else STARTED
        return LastRequest(token=self.token, job_name=name, outcome=outcome, reason=reason, message=message)

    def not_made(self, because: str) -> "RunRequest":
        """The same, after the cluster refused the Job."""
        message = f"The cluster refused the Job: {because}. Remove the obstacle, and request again with another token."
        return RunRequest(self.token, refused=(JOB_REFUSED, message))


def run_request(observed: Observed, verdict: Verdict) -> RunRequest | None:
    """The request that the annotation makes, None when it is recorded already. `observed` has the CronJob as it is."""
    token, last = requested(observed.graphcron, RUN_REQUESTED), observed.status.last_request
    if not token or (last and last.token == token):
        return None
    live = observed.cron_job
    if live is not None and _is_made(observed, token):
        return RunRequest(token, _job(observed.graphcron, live, token))
    if refused := _refusal(observed, verdict):
        return RunRequest(token, refused=refused)
    active = list(filter(_is_active, observed.jobs))
    assert live is not None, "refused without one"
    policy, job = live["spec"].get("concurrencyPolicy"), _job(observed.graphcron, live, token)
    others = [other for other in active if other["metadata"]["name"] != job["metadata"]["name"]]
    if others and policy == "Forbid":
        message = f"Job {others[0]['metadata']['name']} is still running, and concurrencyPolicy is Forbid."
        return RunRequest(
            token, refused=(STILL_RUNNING, f"{message} Request again with another token when it is over.")
        )
    return RunRequest(token, job, tuple(others) if policy == "Replace" else ())


REPLACED_BY_REQUEST = f"{REPLACED}: a run was requested while it ran, and concurrencyPolicy is Replace"
"""Reason and message of a Job that a requested run ends."""


def _is_made(observed: Observed, token: str) -> bool:
    """Whether the Job of a token is there: a process died before it recorded it, or other tokens came in between. So
    nothing is refused or ended for it any more."""
    name = requested_job_name(observed.graphcron["metadata"], token)
    return any(job["metadata"]["name"] == name for job in observed.jobs)


def _refusal(observed: Observed, verdict: Verdict) -> tuple[str, str] | None:
    if observed.status.observed_generation in (None, NOT_OBSERVED):
        return REQUESTED_AT_CREATION, (
            "The request came with the GraphCron itself, so it may be a copy's or a backup's. "
            "Request again with another token."
        )
    if observed.pause:
        return PAUSED_BY_ADMINISTRATOR, f"{observed.pause.sentence} Request again with another token then."
    if verdict.refuses_runs:
        return OVER_BUDGET, f"{verdict.refuses_runs} Request again with another token then."
    if verdict.phase in (Phase.STALLED, Phase.HALTED) or observed.cron_job is None:
        message = f"The GraphCron cannot run: {verdict.message}"
        return CANNOT_RUN, f"{message} Correct it, and request again with another token."
    return None


def _job(graphcron: Manifest, live: Manifest, token: str) -> Manifest:
    """As `kubectl create job --from=cronjob/NAME` makes it, but for its owner and its trigger."""
    metadata, template = graphcron["metadata"], live["spec"]["jobTemplate"]
    made = template.get("metadata", {})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": requested_job_name(metadata, token),
            "namespace": metadata["namespace"],
            "labels": made.get("labels", {}) | {CRON_LABEL: metadata["name"]},
            "annotations": made.get("annotations", {})
            | {"cronjob.kubernetes.io/instantiate": "manual", RUN_REQUESTED: token},
            "ownerReferences": [controller_reference(metadata)],
        },
        "spec": with_trigger(template["spec"], MANUAL),
    }


def last_request(observed: Observed, request: RunRequest | None, past: Sequence[HistoryEntry]) -> LastRequest | None:
    """The last request as the status is to have it: the new one, or the known one with the outcome of its firing."""
    if request:
        return request.recorded()
    last = observed.status.last_request
    if last is None or last.outcome != STARTED:
        return last
    entry = next((entry for entry in past if entry.job_name == last.job_name), None)
    if entry is None:
        return last
    return last.model_copy(update={"outcome": entry.outcome, "reason": entry.reason, "message": entry.message})


def active_jobs(observed: Observed) -> list[Manifest]:
    """The Jobs of requests that are not over. The CronJob counts those of the schedule."""
    return [job for job in observed.jobs if owns(observed.graphcron, job) and _is_active(job)]


def _is_active(job: Manifest) -> bool:
    ended = ENDED_ANNOTATION in job["metadata"].get("annotations", {})
    return not (ended or is_over(job) or "deletedAt" in job)


def surplus(observed: Observed) -> list[Manifest]:
    """Finished Jobs of requests beyond the history limits. Once the status is written, their outcomes are recorded. The
    CronJob controller removes those of the schedule."""
    ours = [job for job in observed.jobs if owns(observed.graphcron, job)]
    return beyond_limits(ours, observed.graphcron["spec"])


def beyond_limits(jobs: Sequence[Manifest], spec: Manifest) -> list[Manifest]:
    """Those finished Jobs that are older than the ones that the history limits of a spec keep."""
    ours = [job for job in jobs if "deletedAt" not in job]
    ours.sort(key=lambda job: str(job["metadata"]["creationTimestamp"]), reverse=True)
    found: list[Manifest] = []
    for kind, name in (("Complete", "successfulRunsHistoryLimit"), ("Failed", "failedRunsHistoryLimit")):
        found += [job for job in ours if _ended_as(job, kind)][spec.get(name, DEFAULT_HISTORY_LIMIT) :]
    return found


def _ended_as(job: Manifest, kind: str) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any((one["type"], one["status"]) == (kind, "True") for one in conditions)
