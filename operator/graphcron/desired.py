"""The CronJob that a GraphCron asks for: the only module that knows what a CronJob of ours looks like."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphcron import firing
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
    KeySelector,
    Template,
)
from graphcron.schedule import Schedule

MANAGED_BY = {"app.kubernetes.io/managed-by": "graphcron"}
"""Label of every object we make; the operator watches by it."""

CRON_LABEL = f"{GROUP}/graphcron"
"""Label that names the GraphCron, on its CronJob, Jobs and pods: `kubectl logs -l graphcron.dev/graphcron=NAME`."""

DIGEST_ANNOTATION = f"{GROUP}/desired"
"""Digest of what was applied: it differs when a field was dropped, which no comparison with the live object shows."""

CONTAINER = "run"

ORDER_LIMIT = 240 * 1024
"""Bytes of an order. It travels in an annotation, and Kubernetes limits all annotations of an object together to
256 KiB; the rest is room for the user's own."""

USER_ID = 65532
"""The image's user, by number: `runAsNonRoot` cannot judge a name."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class RunPods:
    """What the installation says about all run pods. `service_account` exists in `namespace` only; pods elsewhere
    take their namespace's default account, and no pod is given a token."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    server_url: str | None = None
    api_key: KeySelector | None = None
    ca_config_map: KeySelector | None = None
    namespace: str | None = None
    service_account: str | None = None
    resources: Mapping[str, Any] = field(
        default_factory=lambda: {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
    )


@dataclass(frozen=True)
class Timing:
    """What a CronJob is told about time: when it fires, whether at all, and which slots are too old to count."""

    schedule: Schedule
    suspend: bool
    not_before: datetime | None


def cron_id(metadata: Mapping[str, Any]) -> str:
    """The UUID by which the REST API knows a GraphCron: its name when that is one, else its uid."""
    try:
        return str(uuid.UUID(metadata["name"])) if len(metadata["name"]) == 36 else str(metadata["uid"])
    except ValueError:
        return str(metadata["uid"])


def order(metadata: Mapping[str, Any], spec: GraphCronSpec, not_before: datetime | None) -> firing.Order:
    """What each run pod of this GraphCron is told to do."""
    identity = cron_id(metadata)
    config = dict(spec.config or {})
    # The Agent Server refuses a run with both configurable and context; LangGraph's own scheduler drops the id too.
    if spec.context is None:
        config["configurable"] = {**config.get("configurable", {}), "cron_id": identity}
    return firing.Order(
        cron_id=identity,
        request=_request(spec) | ({"config": config} if config else {}),
        thread_id=spec.thread_id,
        keep_thread=spec.on_run_completed == "keep",
        not_before=firing.format_time(not_before) if not_before else None,
        end_time=firing.format_time(spec.end_time) if spec.end_time else None,
        input_from_file=spec.input_from is not None,
    )


_REQUEST_FIELDS = (
    "assistant_id", "input", "metadata", "context", "webhook", "interrupt_before", "interrupt_after",
    "multitask_strategy", "stream_mode", "stream_subgraphs", "stream_resumable", "durability", "checkpoint_during",
)  # fmt: skip
"""Fields of the spec that the Agent Server takes under the same name (POST /threads/{thread_id}/runs)."""


def _request(spec: GraphCronSpec) -> dict[str, Any]:
    given = ((name, getattr(spec, name)) for name in _REQUEST_FIELDS)
    return {name: value for name, value in given if value is not None}


def cron_job(graphcron: Manifest, spec: GraphCronSpec, when: Timing, pods: RunPods) -> Manifest:
    """The CronJob for a GraphCron, as server-side apply takes it.

    Raises InvalidGraphCron when the order is too large for a pod, or no Agent Server is known.
    """
    metadata = graphcron["metadata"]
    text = order(metadata, spec, when.not_before).to_json()
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
            "annotations": {},
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
                "spec": _job(spec, labels, text, _pod(metadata["namespace"], spec, pods)),
            },
        },
    }
    manifest["metadata"]["annotations"][DIGEST_ANNOTATION] = _digest(manifest)
    return manifest


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


def _job(spec: GraphCronSpec, labels: dict[str, str], order_text: str, pod: Manifest) -> Manifest:
    template = spec.template or Template()
    job: Manifest = {
        "backoffLimit": _or(spec.retry_limit, DEFAULT_RETRY_LIMIT),
        "podFailurePolicy": {
            "rules": [
                # A drain or an eviction is not the run's fault and uses up no retry.
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {
                        "containerName": CONTAINER,
                        "operator": "In",
                        "values": list(firing.FINAL_EXIT_CODES),
                    },
                },
            ]
        },
        "template": {
            "metadata": {
                "labels": (template.labels or {}) | labels,
                "annotations": (template.annotations or {}) | {firing.ORDER_ANNOTATION: order_text},
            },
            "spec": pod,
        },
    }
    if spec.active_deadline_seconds is not None:
        job["activeDeadlineSeconds"] = spec.active_deadline_seconds
    return job


def _pod(namespace: str, spec: GraphCronSpec, pods: RunPods) -> Manifest:
    template = spec.template or Template()
    volumes = _volumes(spec, pods)
    pod: Manifest = {
        "restartPolicy": "Never",  # podFailurePolicy asks for it
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": pods.image,
                "imagePullPolicy": pods.image_pull_policy,
                "args": ["run"],
                "env": _environment(spec, pods),
                "resources": template.resources if template.resources is not None else dict(pods.resources),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                # A pod that dies before it can say why leaves the end of its log instead.
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    {"name": volume["name"], "mountPath": path, "readOnly": True} for path, volume in volumes
                ],
            }
        ],
        "volumes": [volume for _, volume in volumes],
    }
    if pods.service_account and namespace == pods.namespace:
        pod["serviceAccountName"] = pods.service_account
    secrets = [*pods.image_pull_secrets, *(secret.name for secret in template.image_pull_secrets or [])]
    optional = {
        "imagePullSecrets": [{"name": name} for name in dict.fromkeys(secrets)],
        "nodeSelector": template.node_selector,
        "tolerations": template.tolerations,
        "affinity": template.affinity,
        "priorityClassName": template.priority_class_name,
        "runtimeClassName": template.runtime_class_name,
    }
    return pod | {key: value for key, value in optional.items() if value}


def _environment(spec: GraphCronSpec, pods: RunPods) -> list[Manifest]:
    """Identity of the firing, and the Agent Server. The installation's key goes to its own server alone."""
    own = spec.server
    url = own.url if own else pods.server_url
    key = own.api_key_secret_ref if own else pods.api_key
    if not url:
        raise InvalidGraphCron(
            "NoAgentServer",
            "the installation has no Agent Server: set spec.server.url, or agentServer.url in the Helm values",
        )
    environment: list[Manifest] = [
        _from_label("GRAPHCRON_JOB_NAME", "batch.kubernetes.io/job-name"),
        _from_label("GRAPHCRON_JOB_UID", "batch.kubernetes.io/controller-uid"),
        # Kubernetes expands $(NAME) in values; a doubled dollar is a plain one.
        {"name": "AGENT_SERVER_URL", "value": url.replace("$", "$$")},
    ]
    if key is not None:
        reference = {"name": key.name, "key": key.key}
        environment.append({"name": "AGENT_SERVER_API_KEY", "valueFrom": {"secretKeyRef": reference}})
    if pods.ca_config_map is not None and own is None:
        environment.append({"name": "AGENT_SERVER_CA_FILE", "value": f"{_CA_PATH}/ca.crt"})
    return environment


def _from_label(name: str, label: str) -> Manifest:
    return {
        "name": name,
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{label}']"}},
    }


_CA_PATH = "/etc/graphcron/ca"


def _volumes(spec: GraphCronSpec, pods: RunPods) -> list[tuple[str, Manifest]]:
    """Mount path and volume of each thing a run pod reads."""
    field_path = f"metadata.annotations['{firing.ORDER_ANNOTATION}']"
    directory, _, file = firing.ORDER_PATH.rpartition("/")
    item = {"path": file, "fieldRef": {"apiVersion": "v1", "fieldPath": field_path}}
    volumes: list[tuple[str, Manifest]] = [(directory, {"name": "order", "downwardAPI": {"items": [item]}})]
    if source := spec.input_from:
        directory, _, file = firing.INPUT_PATH.rpartition("/")
        if source.secret_key_ref:
            volumes.append((directory, _from_secret("input", source.secret_key_ref, file)))
        elif source.config_map_key_ref:
            volumes.append((directory, _from_config_map("input", source.config_map_key_ref, file)))
    if spec.server and (headers := spec.server.headers_secret_ref):
        volumes.append((firing.HEADERS_PATH, {"name": "headers", "secret": {"secretName": headers.name}}))
    if pods.ca_config_map and spec.server is None:
        volumes.append((_CA_PATH, _from_config_map("ca", pods.ca_config_map, "ca.crt")))
    return volumes


def _from_secret(name: str, source: KeySelector, file: str) -> Manifest:
    items = [{"key": source.key, "path": file}]
    return {"name": name, "secret": {"secretName": source.name, "items": items}}


def _from_config_map(name: str, source: KeySelector, file: str) -> Manifest:
    items = [{"key": source.key, "path": file}]
    return {"name": name, "configMap": {"name": source.name, "items": items}}


def not_before(live: Mapping[str, Any]) -> datetime | None:
    """The "not before" that a live CronJob tells its run pods, None when it has none or is unreadable."""
    try:
        template = live["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"]
        text = firing.Order.from_json(template[firing.ORDER_ANNOTATION]).not_before
        return firing.parse_time(text) if text else None
    except (KeyError, TypeError, ValueError):
        return None


def in_sync(desired: Any, live: Any) -> bool:
    """Whether a live object has all that is desired; what else it has belongs to others.

    Lists of named things (containers, variables, volumes) are compared by name, as server-side apply merges them;
    other lists exactly. Quantities are compared by value, since the apiserver rewrites them.
    """
    if isinstance(desired, Mapping):
        if not isinstance(live, Mapping):
            return not desired and live is None
        return all(_in_sync_field(key, value, live.get(key)) for key, value in desired.items())
    if isinstance(desired, list):
        if not isinstance(live, list):
            return not desired and live is None
        if key := _merge_key(desired):
            present = {item.get(key): item for item in live if isinstance(item, Mapping)}
            return all(in_sync(item, present.get(item[key])) for item in desired)
        return len(desired) == len(live) and all(map(in_sync, desired, live))
    return bool(desired == live) and isinstance(desired, bool) == isinstance(live, bool)


def _in_sync_field(key: str, desired: Any, live: Any) -> bool:
    if key in ("requests", "limits") and isinstance(desired, Mapping) and isinstance(live, Mapping):
        return {name: _quantity(value) for name, value in desired.items()} == {
            name: _quantity(live.get(name)) for name in desired
        }
    return in_sync(desired, live)


_SUFFIXES: dict[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTP", 1)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTP", 1)},
}


def _quantity(value: Any) -> Any:
    """A Kubernetes quantity as a number; what is none stays as it is."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(value))
    if not match or match[2] not in _SUFFIXES:
        return value
    try:
        return Decimal(match[1]) * _SUFFIXES[match[2]]
    except InvalidOperation:
        return value


def _merge_key(items: list[Any]) -> str | None:
    """The field by which Kubernetes merges such a list, None for a list that is replaced as a whole."""
    for key in ("mountPath", "name", "uid"):
        if items and all(isinstance(item, Mapping) and key in item for item in items):
            return key
    return None
