"""The CronJob manifest of a GraphCron, and what is read back from a live one. Pure."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from graphcron.firing.formats import parse_time
from graphcron.firing.order import DEADLINE_MARGIN, ORDER_ANNOTATION, Order, on_its_days
from graphcron.firing.outcome import FINAL_EXIT_CODES
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.operator import run_pod
from graphcron.operator.guardrails import refusal
from graphcron.operator.reasons import REQUEST_TOO_LARGE
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import (
    CRON_LABEL,
    DIGEST_ANNOTATION,
    INSTALLATION_ANNOTATION,
    MANAGED_BY,
    controller_reference,
)
from graphcron.resource.lifetime import ANY_LIFETIME, Lifetime
from graphcron.resource.order_of import ORDER_LIMIT, order
from graphcron.resource.prices import NO_LEDGER, Ledger
from graphcron.resource.spec import (
    DEFAULT_HISTORY_LIMIT,
    DEFAULT_RETRY_LIMIT,
    DEFAULT_STARTING_DEADLINE_SECONDS,
    DEFAULT_TIMEZONE,
    GraphCronSpec,
)
from graphcron.resource.spec_parts import Expect, Template
from graphcron.schedule.fields import Schedule


@dataclass(frozen=True)
class CronJobTiming:
    """When a CronJob fires, whether it is suspended, and before which scheduled time its run pods skip."""

    schedule: Schedule
    suspend: bool
    not_before: datetime | None
    skip_until: datetime | None = None
    """Before which scheduled time they skip because a budget is used up."""

    @property
    def first(self) -> datetime | None:
        """What is due later than that may start a run; None for anything."""
        begins = [self.not_before, self.skip_until - timedelta(seconds=1) if self.skip_until else None]
        return max(filter(None, begins), default=None)


@dataclass(frozen=True)
class Installation:
    """What decides about all CronJobs beside their GraphCrons. `minimum_interval` is the least time between two firings
    of one GraphCron, 0 for any; `start_timeout` is how long a firing may be without a running container, 0 for ever."""

    pods: run_pod.RunPods
    minimum_interval: timedelta = timedelta()
    start_timeout: timedelta = timedelta()
    owner_headers: str | None = None
    """Prefix of the Secrets with the headers of owners."""
    paused: str | None = None
    """Why all GraphCrons are paused; None or empty when they are not."""
    expect: Expect = field(default_factory=Expect)
    """What is expected of GraphCrons that do not say it themselves."""
    ledger: Ledger = NO_LEDGER
    lifetime: Lifetime = ANY_LIFETIME
    """Whether GraphCrons must have an end, and how far off it may be."""
    budgets: SharedBudgets = field(default_factory=SharedBudgets)
    """What many GraphCrons may use together."""

    @cached_property
    def mark(self) -> str:
        """Differs when any of it does that a CronJob shows, and between versions of the operator."""
        expected = "".join(f".{value or ''}" for _, value in self.expect) if self.expect != Expect() else ""
        lasts = f".{self.lifetime.required:d}-{self.lifetime.days}" if self.lifetime != ANY_LIFETIME else ""
        return f"{self.pods.digest}.{int(self.minimum_interval.total_seconds())}{expected}{lasts}"


def cron_job(
    graphcron: Manifest, spec: GraphCronSpec, when: CronJobTiming, pods: run_pod.RunPods, made_by: str = ""
) -> Manifest:
    """The CronJob for a GraphCron, as server-side apply takes it, marked with the installation that made it.

    Raises InvalidGraphCron when the order is too large for a pod, no Agent Server is known, or the installation does
    not let it run, unless the CronJob is suspended.
    """
    if not when.suspend and (refused := refusal(spec, pods)):
        raise InvalidGraphCron(refused.reason, refused.complaint)
    metadata = graphcron["metadata"]
    if spec.active_deadline_seconds is None and pods.active_deadline_seconds is not None:
        spec = spec.model_copy(update={"active_deadline_seconds": pods.active_deadline_seconds})
    text = order(metadata, spec, when.not_before, when.schedule, when.skip_until).to_json()
    if (size := len(text.encode())) > ORDER_LIMIT:
        raise InvalidGraphCron(
            REQUEST_TOO_LARGE,
            f"the run request is {size} bytes, and a run pod can carry {ORDER_LIMIT}: "
            "put the input into a Secret or ConfigMap and name it in spec.inputFrom",
        )
    labels = MANAGED_BY | {CRON_LABEL: metadata["name"]}
    manifest: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {INSTALLATION_ANNOTATION: made_by},
            "ownerReferences": [controller_reference(metadata)],
        },
        "spec": {
            "schedule": when.schedule.kubernetes,
            "timeZone": spec.timezone or DEFAULT_TIMEZONE,
            "suspend": when.suspend,
            "concurrencyPolicy": spec.concurrency_policy or "Allow",
            "startingDeadlineSeconds": _or(spec.starting_deadline_seconds, DEFAULT_STARTING_DEADLINE_SECONDS),
            "successfulJobsHistoryLimit": _or(spec.successful_runs_history_limit, DEFAULT_HISTORY_LIMIT),
            "failedJobsHistoryLimit": _or(spec.failed_runs_history_limit, DEFAULT_HISTORY_LIMIT),
            "jobTemplate": {
                "metadata": {"labels": labels},
                "spec": _job(spec, labels, text, run_pod.pod(metadata["namespace"], spec, pods, size)),
            },
        },
    }
    manifest["metadata"]["annotations"][DIGEST_ANNOTATION] = _digest(manifest)
    return manifest


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(jsontext.canonical(manifest)).hexdigest()[:16]


def _job(spec: GraphCronSpec, labels: dict[str, str], order_text: str, pod: Manifest) -> Manifest:
    template = spec.template or Template()
    once = spec.runs_once
    # A drain or an eviction is not the run's fault and uses up no retry.
    drained = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    job: Manifest = {
        "backoffLimit": 0 if once else _or(spec.retry_limit, DEFAULT_RETRY_LIMIT),
        "podFailurePolicy": {
            "rules": [
                *([] if once else [drained]),
                {
                    "action": "FailJob",
                    "onExitCodes": {
                        "containerName": run_pod.CONTAINER,
                        "operator": "In",
                        "values": list(FINAL_EXIT_CODES),
                    },
                },
            ]
        },
        "template": {
            "metadata": {
                "labels": (template.labels or {}) | labels | (run_pod.IN_POD_LABEL if spec.in_pod else {}),
                "annotations": (template.annotations or {}) | _DEFAULT_CONTAINER | {ORDER_ANNOTATION: order_text},
            },
            "spec": pod,
        },
    }
    if spec.active_deadline_seconds is not None:
        # The wait is none of the run's time, and the runner itself ends the firing first.
        margin = int(DEADLINE_MARGIN.total_seconds())
        job["activeDeadlineSeconds"] = spec.active_deadline_seconds + (spec.jitter_seconds or 0) + margin
    return job


_DEFAULT_CONTAINER = {"kubectl.kubernetes.io/default-container": run_pod.CONTAINER}
"""Whose log `kubectl logs` shows: others may inject containers."""


def digest_of(manifest: Manifest) -> str:
    """The digest of what was applied, in a manifest or a live CronJob; empty when there is none."""
    digest: str = manifest["metadata"].get("annotations", {}).get(DIGEST_ANNOTATION, "")
    return digest


def not_before(live: Manifest) -> datetime | None:
    """The "not before" in the order of a live CronJob, None when it has none or is unreadable."""
    try:
        if '"not_before"' not in _live_text(live):
            return None  # nearly all of them, and an order can be long
        text = _live_order(live).not_before
        return parse_time(text) if text else None
    except (KeyError, TypeError, ValueError):
        return None


def skip_until(live: Manifest) -> datetime | None:
    """When the window ends of the budget by which run pods of a live CronJob skip; None when they do not."""
    try:
        if '"skip_until"' not in _live_text(live):
            return None  # as above
        text = _live_order(live).skip_until
        return parse_time(text) if text else None
    except (KeyError, TypeError, ValueError):
        return None


def is_a_run(live: Manifest, scheduled_time: datetime) -> bool:
    """Whether a scheduled time of a live CronJob is on a day of the schedule (L, W and # fire on more days than they
    mean); True when its order is unreadable."""
    try:
        return on_its_days(_live_order(live), scheduled_time)
    except (KeyError, TypeError, ValueError):
        return True


def mounted(live: Manifest) -> list[str]:
    """Kind and name of each object that the pods of a live CronJob mount."""
    kinds = (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret"))
    claim = ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim")
    volumes = live["spec"]["jobTemplate"]["spec"]["template"]["spec"].get("volumes", [])
    return [
        f"{kind} {volume[source][name]}"
        for volume in volumes
        for source, name, kind in (*kinds, claim)
        if source in volume
    ]


def _live_order(live: Manifest) -> Order:
    return Order.from_json(_live_text(live))


def _live_text(live: Manifest) -> str:
    text: str = live["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][ORDER_ANNOTATION]
    return text
