"""The pod of a firing, from the outside: how it is secured and placed, what it is given, whose credentials it gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphcron import firing
from graphcron.models import GraphCronSpec, InvalidGraphCron, KeySelector, Template

CONTAINER = "run"

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
    active_deadline_seconds: int | None = None
    """Of GraphCrons that name none; None means no limit."""
    resources: Mapping[str, Any] = field(
        default_factory=lambda: {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
    )


def pod(namespace: str, spec: GraphCronSpec, pods: RunPods) -> Manifest:
    template = spec.template or Template()
    volumes = _volumes(spec, pods)
    """The pod spec; `spec.template` can place a run pod, and cannot weaken what secures it."""
    manifest: Manifest = {
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
        manifest["serviceAccountName"] = pods.service_account
    secrets = [*pods.image_pull_secrets, *(secret.name for secret in template.image_pull_secrets or [])]
    optional = {
        "imagePullSecrets": [{"name": name} for name in dict.fromkeys(secrets)],
        "nodeSelector": template.node_selector,
        "tolerations": template.tolerations,
        "affinity": template.affinity,
        "priorityClassName": template.priority_class_name,
        "runtimeClassName": template.runtime_class_name,
    }
    return manifest | {key: value for key, value in optional.items() if value}


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
