"""The run pod's manifest: security, placement, environment, volumes and credentials. Pure.

With `engine: inPod` the container is the user's image. It need hold nothing of ours: an init container of our image
copies the runner into a volume, and the image's own Python runs it (docs/adr/0007-the-runner-comes-to-the-graph.md).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphcron import __version__
from graphcron.firing.order import (
    HEADERS_PATH,
    INPUT_PATH,
    ORDER_ANNOTATION,
    ORDER_PATH,
    ORDER_VARIABLE,
    ORDER_VARIABLE_LIMIT,
)
from graphcron.kube.resources import Manifest
from graphcron.operator.reasons import NO_AGENT_SERVER
from graphcron.resource.fields import InvalidGraphCron, KeySelector, NameReference
from graphcron.resource.identity import GROUP
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_parts import CHECKPOINTS_PATH, Template

CONTAINER = "run"

IN_POD_LABEL = {f"{GROUP}/engine": "inPod"}
"""Label of pods that run a graph: they connect to its language model, other run pods to an Agent Server."""

IN_POD_NOT_ALLOWED = "spec.image is not allowed here; allowed are {}; runs.inPod.images of the Helm chart lists them"
IN_POD_OFF = "engine inPod is off here; runs.inPod.images of the Helm chart lists the images that may run, and is empty"
"""Why an image may not run, in the words of the chart's ValidatingAdmissionPolicy."""

USER_ID = 65532
"""The image's user, by number: `runAsNonRoot` cannot judge a name."""

POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "fsGroup": USER_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a run pod where the installation names none: Pod Security "restricted"."""

CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""The same for its containers."""


@dataclass(frozen=True)
class RunPods:
    """The installation's settings for all run pods. `service_account` exists in `namespace` only; pods elsewhere
    take their namespace's default account, and no pod is given a token. `in_pod_images` are the images that GraphCrons
    may name, each in full or up to a `*` at its end; none means that the engine is off."""

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
    pod_security: Mapping[str, Any] = field(default_factory=lambda: POD_SECURITY)
    """`securityContext` of the pod. A platform that chooses user ids, as OpenShift does, wants no `runAsUser`."""
    container_security: Mapping[str, Any] = field(default_factory=lambda: CONTAINER_SECURITY)
    """`securityContext` of each container."""
    headers: NameReference | None = None  # of the owner (owner_headers.py), for the installation's own Agent Server
    in_pod_images: tuple[str, ...] = ()
    in_pod_resources: Mapping[str, Any] = field(
        default_factory=lambda: {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    )

    @cached_property
    def digest(self) -> str:
        """Differs when any of it does, and between versions of the operator."""
        return hashlib.sha256(f"{__version__} {self!r}".encode()).hexdigest()[:12]

    def allows(self, image: str) -> bool:
        return any(
            image.startswith(allowed[:-1]) if allowed.endswith("*") else image == allowed
            for allowed in self.in_pod_images
        )


def refusal(spec: GraphCronSpec, pods: RunPods) -> str | None:
    """Why the installation does not let the image of a GraphCron run; None when it does, or when there is none."""
    if not spec.in_pod:
        return None
    if not pods.in_pod_images:
        return IN_POD_OFF
    allowed = spec.image is not None and pods.allows(spec.image)
    return None if allowed else IN_POD_NOT_ALLOWED.format(", ".join(pods.in_pod_images))


def pod(namespace: str, spec: GraphCronSpec, pods: RunPods, order_size: int) -> Manifest:
    """The pod spec; `spec.template` can place a run pod, and cannot weaken what secures it. A size is in bytes."""
    template = spec.template or Template()
    manifest: Manifest = {
        "restartPolicy": "Never",  # podFailurePolicy asks for it
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {**pods.pod_security, **_user(template)},
    } | (_in_pod(spec, pods) if spec.in_pod else _following(spec, pods, order_size))
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


def _user(template: Template) -> Manifest:
    """The user and groups that a GraphCron names, as a pod spec has them."""
    own = template.pod_security_context
    return own.model_dump(by_alias=True, exclude_none=True) if own else {}


def _container(
    spec: GraphCronSpec, pods: RunPods, resources: Mapping[str, Any], volumes: "list[tuple[str, Manifest]]"
) -> Manifest:
    """What both engines' containers have in common."""
    own = spec.template.resources if spec.template else None
    mounts = [{"name": volume["name"], "mountPath": path, "readOnly": True} for path, volume in volumes]
    # No empty list: the apiserver would drop it, and the live object never be what was asked for.
    return ({"volumeMounts": mounts} if mounts else {}) | {
        "name": CONTAINER,
        "resources": own if own is not None else dict(resources),
        "securityContext": dict(pods.container_security),
        # A pod that dies before it can report an outcome leaves the end of its log instead.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _following(spec: GraphCronSpec, pods: RunPods, order_size: int) -> Manifest:
    """Our image alone, which follows a run on an Agent Server."""
    volumes, environment = _volumes(spec, pods), _environment(spec, pods)
    if order_size <= ORDER_VARIABLE_LIMIT:
        environment.append({"name": ORDER_VARIABLE, "valueFrom": {"fieldRef": _ORDER}})
    else:
        volumes.insert(0, _order_file())
    ours = {
        "image": pods.image,
        "imagePullPolicy": pods.image_pull_policy,
        "args": ["run"],
        "env": environment,
    }
    found: Manifest = {"containers": [_container(spec, pods, pods.resources, volumes) | ours]}
    return found | ({"volumes": [volume for _, volume in volumes]} if volumes else {})


_RUNNER_PATH = "/graphcron"
"""Where the user's container has the runner."""


def _in_pod(spec: GraphCronSpec, pods: RunPods) -> Manifest:
    """The user's image, which runs the graph by the runner that our image brings. The image's user may be root or
    nobody in particular: it runs as ours, so its files must be readable by all, as files of images are."""
    # A file, whatever its size: it needs volumes anyway, and programs that the graph starts inherit the environment.
    volumes = [_order_file(), *_volumes(spec, pods)]
    runner: Manifest = {"name": "runner", "emptyDir": {}}
    tmp: Manifest = {"name": "tmp", "emptyDir": {}}
    container = _container(spec, pods, pods.in_pod_resources, [*volumes, (_RUNNER_PATH, runner)])
    container["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108  a volume of the pod's own
    if claim := spec.checkpointer and spec.checkpointer.claim_name:
        container["volumeMounts"].append({"name": "checkpoints", "mountPath": CHECKPOINTS_PATH})
        volumes.append((CHECKPOINTS_PATH, {"name": "checkpoints", "persistentVolumeClaim": {"claimName": claim}}))
    environment = [
        *_IDENTITY,
        # The root file system is read-only, and the image's HOME may be root's.
        {"name": "HOME", "value": "/tmp"},  # noqa: S108
        {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        {"name": "PYTHONUNBUFFERED", "value": "1"},
    ]
    if spec.checkpointer:
        environment.append(_from_key("GRAPHCRON_CHECKPOINTER_URL", spec.checkpointer.url_secret_ref))
    theirs: Manifest = {"image": spec.image, "command": ["python3", _RUNNER_PATH], "env": environment}
    if spec.working_dir:
        theirs["workingDir"] = spec.working_dir
    if spec.env_from:
        theirs["envFrom"] = [
            _env_from("secretRef", source.secret_ref) or _env_from("configMapRef", source.config_map_ref)
            for source in spec.env_from
        ]
    brings = {
        "name": "runner",
        "image": pods.image,
        "imagePullPolicy": pods.image_pull_policy,
        "args": ["copy-runner", _RUNNER_PATH],
        "resources": dict(pods.resources),
        "securityContext": dict(pods.container_security),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "runner", "mountPath": _RUNNER_PATH}],
    }
    return {
        "initContainers": [brings],
        "containers": [container | theirs],
        "volumes": [*(volume for _, volume in volumes), runner, tmp],
    }


def _env_from(kind: str, source: NameReference | None) -> Manifest | None:
    return {kind: {"name": source.name}} if source else None


def _environment(spec: GraphCronSpec, pods: RunPods) -> list[Manifest]:
    """Identity of the firing, and the Agent Server. The installation's key goes to its own server alone."""
    own = spec.server
    url = own.url if own else pods.server_url
    key = own.api_key_secret_ref if own else pods.api_key
    if not url:
        raise InvalidGraphCron(
            NO_AGENT_SERVER,
            "the installation has no Agent Server: set spec.server.url, or agentServer.url in the Helm values",
        )
    environment: list[Manifest] = [
        *_IDENTITY,
        # Kubernetes expands $(NAME) in values; a doubled dollar is a plain one.
        {"name": "AGENT_SERVER_URL", "value": url.replace("$", "$$")},
    ]
    if key is not None:
        environment.append(_from_key("AGENT_SERVER_API_KEY", key))
    if pods.ca_config_map is not None and own is None:
        environment.append({"name": "AGENT_SERVER_CA_FILE", "value": f"{_CA_PATH}/ca.crt"})
    return environment


def _from_label(name: str, label: str) -> Manifest:
    return {
        "name": name,
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{label}']"}},
    }


def _from_key(name: str, key: KeySelector) -> Manifest:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": key.name, "key": key.key}}}


_IDENTITY = (
    _from_label("GRAPHCRON_JOB_NAME", "batch.kubernetes.io/job-name"),
    _from_label("GRAPHCRON_JOB_UID", "batch.kubernetes.io/controller-uid"),
)


_CA_PATH = "/etc/graphcron/ca"


_ORDER = {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{ORDER_ANNOTATION}']"}


def _order_file() -> tuple[str, Manifest]:
    directory, _, file = ORDER_PATH.rpartition("/")
    return directory, {"name": "order", "downwardAPI": {"items": [{"path": file, "fieldRef": _ORDER}]}}


def _volumes(spec: GraphCronSpec, pods: RunPods) -> list[tuple[str, Manifest]]:
    """Mount path and volume of each thing, besides its order, that a run pod reads."""
    volumes: list[tuple[str, Manifest]] = []
    if source := spec.input_from:
        directory, _, file = INPUT_PATH.rpartition("/")
        if source.secret_key_ref:
            volumes.append((directory, _from_secret("input", source.secret_key_ref, file)))
        elif source.config_map_key_ref:
            volumes.append((directory, _from_config_map("input", source.config_map_key_ref, file)))
    if headers := spec.server.headers_secret_ref if spec.server else None if spec.in_pod else pods.headers:
        volumes.append((HEADERS_PATH, {"name": "headers", "secret": {"secretName": headers.name}}))
    if pods.ca_config_map and spec.server is None and not spec.in_pod:
        volumes.append((_CA_PATH, _from_config_map("ca", pods.ca_config_map, "ca.crt")))
    return volumes


def _from_secret(name: str, source: KeySelector, file: str) -> Manifest:
    items = [{"key": source.key, "path": file}]
    return {"name": name, "secret": {"secretName": source.name, "items": items}}


def _from_config_map(name: str, source: KeySelector, file: str) -> Manifest:
    items = [{"key": source.key, "path": file}]
    return {"name": name, "configMap": {"name": source.name, "items": items}}
