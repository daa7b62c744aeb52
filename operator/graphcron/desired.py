"""The CronJob that a GraphCron asks for: the only module that knows what a CronJob of ours looks like."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graphcron import jsontext, pod_template
from graphcron.firing.day_rules import Days
from graphcron.firing.formats import format_time, is_uuid, parse_time
from graphcron.firing.order import DEADLINE_MARGIN, ORDER_ANNOTATION, Order, on_its_days
from graphcron.firing.outcome import FINAL_EXIT_CODES
from graphcron.models import (
    API_VERSION,
    DEFAULT_HISTORY_LIMIT,
    DEFAULT_RETRY_LIMIT,
    DEFAULT_STARTING_DEADLINE_SECONDS,
    DEFAULT_TIMEZONE,
    GROUP,
    KIND,
    GraphCronSpec,
    InvalidGraphCron,
    Template,
)
from graphcron.schedule.fields import Schedule

MANAGED_BY = {"app.kubernetes.io/managed-by": "graphcron"}
"""Label of every object we make; the operator watches by it."""

CRON_LABEL = f"{GROUP}/graphcron"
"""Label that names the GraphCron, on its CronJob, Jobs and pods: `kubectl logs -l graphcron.dev/graphcron=NAME`."""

DIGEST_ANNOTATION = f"{GROUP}/desired"
"""Digest of what was applied: it differs when a field was dropped, which no comparison with the live object shows."""

INSTALLATION_ANNOTATION = f"{GROUP}/installation"
"""What it was applied by (`installation`): another one may want all of them to be otherwise."""

FIELD_MANAGER = "graphcron"
"""Our name in server-side apply."""

ORDER_LIMIT = 240 * 1024
"""Bytes of an order. It travels in an annotation, and Kubernetes limits all annotations of an object together to
256 KiB; the rest is room for the user's own."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Timing:
    """What a CronJob is told about time: when it fires, whether at all, and which slots are too old to count."""

    schedule: Schedule
    suspend: bool
    not_before: datetime | None


def cron_id(metadata: Mapping[str, Any]) -> str:
    """The UUID by which the REST API knows a GraphCron: its name when that is one, else its uid."""
    return str(metadata["name"] if is_uuid(metadata["name"]) else metadata["uid"])


def order(metadata: Mapping[str, Any], spec: GraphCronSpec, not_before: datetime | None, days: Days = ()) -> Order:
    """What each run pod of this GraphCron is told to do."""
    identity = cron_id(metadata)
    config = dict(spec.config or {})
    # The Agent Server refuses a run with both configurable and context; LangGraph's own scheduler drops the id too.
    if spec.context is None:
        config["configurable"] = {**config.get("configurable", {}), "cron_id": identity}
    return Order(
        cron_id=identity,
        request=_request(spec) | ({"config": config} if config else {}),
        thread_id=spec.thread_id,
        keep_thread=spec.on_run_completed == "keep",
        not_before=format_time(not_before) if not_before else None,
        start_time=format_time(spec.start_time) if spec.start_time else None,
        end_time=format_time(spec.end_time) if spec.end_time else None,
        jitter_seconds=spec.jitter_seconds or None,
        deadline_seconds=spec.active_deadline_seconds,
        replace=spec.concurrency_policy == "Replace",
        input_from_file=spec.input_from is not None,
        days=days or None,
        timezone=(spec.timezone or DEFAULT_TIMEZONE) if days else None,
    )


_REQUEST_FIELDS = (
    "assistant_id", "input", "metadata", "context", "webhook", "interrupt_before", "interrupt_after",
    "multitask_strategy", "stream_mode", "stream_subgraphs", "stream_resumable", "durability", "checkpoint_during",
)  # fmt: skip
"""Fields of the spec that the Agent Server takes under the same name (POST /threads/{thread_id}/runs)."""


def _request(spec: GraphCronSpec) -> dict[str, Any]:
    given = ((name, getattr(spec, name)) for name in _REQUEST_FIELDS)
    return {name: value for name, value in given if value is not None}


def installation(pods: pod_template.RunPods, least: timedelta) -> str:
    """All that decides about CronJobs beside their GraphCrons: version, settings of run pods, and the least time
    between two firings."""
    return f"{pods.digest}.{int(least.total_seconds())}"


def cron_job(
    graphcron: Manifest, spec: GraphCronSpec, when: Timing, pods: pod_template.RunPods, made_by: str = ""
) -> Manifest:
    """The CronJob for a GraphCron, as server-side apply takes it, marked with the `installation` that made it.

    Raises InvalidGraphCron when the order is too large for a pod, no Agent Server is known, or the installation does
    not let this image run, unless the CronJob is suspended.
    """
    if not when.suspend and (complaint := pod_template.refusal(spec, pods)):
        raise InvalidGraphCron("InPodNotAllowed", complaint)
    metadata = graphcron["metadata"]
    if spec.active_deadline_seconds is None and pods.active_deadline_seconds is not None:
        spec = spec.model_copy(update={"active_deadline_seconds": pods.active_deadline_seconds})
    text = order(metadata, spec, when.not_before, when.schedule.days).to_json()
    if (size := len(text.encode())) > ORDER_LIMIT:
        raise InvalidGraphCron(
            "RequestTooLarge",
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
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                }
            ],
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
                "spec": _job(spec, labels, text, pod_template.pod(metadata["namespace"], spec, pods, size), pods),
            },
        },
    }
    manifest["metadata"]["annotations"][DIGEST_ANNOTATION] = _digest(manifest)
    return manifest


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(jsontext.canonical(manifest)).hexdigest()[:16]


def _job(
    spec: GraphCronSpec, labels: dict[str, str], order_text: str, pod: Manifest, pods: pod_template.RunPods
) -> Manifest:
    template = spec.template or Template()
    # A NetworkPolicy goes by the label of the engine: nobody chooses it for themselves.
    theirs = {name: value for name, value in (template.labels or {}).items() if name not in pod_template.IN_POD_LABEL}
    # Without a checkpointer another pod would run the graph, and pay for it, from its start: only who asks gets that.
    once = spec.in_pod and spec.checkpointer is None and spec.retry_limit is None
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
                        "containerName": pod_template.CONTAINER,
                        "operator": "In",
                        "values": list(FINAL_EXIT_CODES),
                    },
                },
            ]
        },
        "template": {
            "metadata": {
                "labels": theirs | labels | (pod_template.IN_POD_LABEL if spec.in_pod else {}),
                "annotations": (template.annotations or {}) | {ORDER_ANNOTATION: order_text},
            },
            "spec": pod,
        },
    }
    if spec.active_deadline_seconds is not None:
        # The wait is none of the run's time, and the runner itself ends the firing first.
        margin = int(DEADLINE_MARGIN.total_seconds())
        job["activeDeadlineSeconds"] = spec.active_deadline_seconds + (spec.jitter_seconds or 0) + margin
    return job


def not_before(live: Mapping[str, Any]) -> datetime | None:
    """The "not before" that a live CronJob tells its run pods, None when it has none or is unreadable."""
    try:
        if '"not_before"' not in _live_text(live):
            return None  # nearly all of them, and an order can be long
        text = _live_order(live).not_before
        return parse_time(text) if text else None
    except (KeyError, TypeError, ValueError):
        return None


def is_a_run(live: Mapping[str, Any], scheduled_time: datetime) -> bool:
    """Whether a slot of a live CronJob is on a day that the schedule means; True when its order is unreadable."""
    try:
        return on_its_days(_live_order(live), scheduled_time)
    except (KeyError, TypeError, ValueError):
        return True


def _live_order(live: Mapping[str, Any]) -> Order:
    return Order.from_json(_live_text(live))


def _live_text(live: Mapping[str, Any]) -> str:
    text: str = live["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][ORDER_ANNOTATION]
    return text
