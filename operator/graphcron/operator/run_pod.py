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
    TRIGGER_ANNOTATION,
    TRIGGER_VARIABLE,
)
from graphcron.kube.resources import Manifest
from graphcron.operator.pod_parts import (
    annotation_field,
    env_from,
    from_annotation,
    from_config_map,
    from_key,
    from_label,
    from_secret,
)
from graphcron.operator.reasons import NO_AGENT_SERVER
from graphcron.operator.run_pod_defaults import CONTAINER_SECURITY, IN_POD_RESOURCES, POD_SECURITY, RESOURCES
from graphcron.resource.fields import InvalidGraphCron, KeySelector, NameReference
from graphcron.resource.identity import GROUP
from graphcron.resource.spec import DEFAULT_TIMEZONE, GraphCronSpec
from graphcron.resource.spec_parts import CHECKPOINTS_PATH, Template

CONTAINER = "run"

IN_POD_LABEL = {f"{GROUP}/engine": "inPod"}
"""Label of pods that run a graph: they connect to its language model, other run pods to an Agent Server."""


@dataclass(frozen=True)
class RunPods:
    """The installation's settings for all run pods. `service_account` is of pods in `namespace`; those in other
    namespaces take `service_account_elsewhere`, or their namespace's default account without one, and no pod is given a
    token. `in_pod_images` are the images that GraphCrons may name, each in full or up to a `*` at its end; none means
    that the engine is off. `template_labels` and `template_annotations` are the keys that a template may have, written
    the same way."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    server_url: str | None = None
    api_key: KeySelector | None = None
    ca_config_map: KeySelector | None = None
    ca_for_own_servers: bool = False
    """Whether the installation's authority is trusted, beside the system's, also for servers that GraphCrons name."""
    extra_env: tuple[Mapping[str, Any], ...] = ()
    """Variables of each run pod, as a pod spec has them; none replaces one of ours."""
    namespace: str | None = None
    service_account: str | None = None
    service_account_elsewhere: str | None = None
    active_deadline_seconds: int | None = None
    """Of GraphCrons that name none; None means no limit."""
    resources: Mapping[str, Any] = field(default_factory=lambda: RESOURCES)
    pod_security: Mapping[str, Any] = field(default_factory=lambda: POD_SECURITY)
    """`securityContext` of the pod. A platform that chooses user ids, as OpenShift does, wants no `runAsUser`."""
    container_security: Mapping[str, Any] = field(default_factory=lambda: CONTAINER_SECURITY)
    """`securityContext` of each container."""
    headers: NameReference | None = None  # of the owner (owner_headers.py), for the installation's own Agent Server
    in_pod_images: tuple[str, ...] = ()
    template_labels: tuple[str, ...] = ("*",)
    template_annotations: tuple[str, ...] = ("*",)
    in_pod_resources: Mapping[str, Any] = field(default_factory=lambda: IN_POD_RESOURCES)

    @cached_property
    def digest(self) -> str:
        """Differs when any of it does, and between versions of the operator."""
        return hashlib.sha256(f"{__version__} {self!r}".encode()).hexdigest()[:12]


def pod(namespace: str, spec: GraphCronSpec, pods: RunPods, order_size: int) -> Manifest:
    """The pod spec; `spec.template` can place a run pod, and cannot weaken what secures it. A size is in bytes."""
    template = spec.template or Template()
    manifest: Manifest = {
        "restartPolicy": "Never",  # podFailurePolicy asks for it
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {**pods.pod_security, **_user(template)},
    } | (_in_pod(spec, pods) if spec.in_pod else _following(spec, pods, order_size))
    at_home = namespace == pods.namespace
    if account := pods.service_account if at_home else pods.service_account_elsewhere:
        manifest["serviceAccountName"] = account
    secrets = [*pods.image_pull_secrets, *(secret.name for secret in template.image_pull_secrets or [])]
    optional = {
        "imagePullSecrets": [{"name": name} for name in dict.fromkeys(secrets)],
        "nodeSelector": template.node_selector,
        "tolerations": [toleration.to_dict() for toleration in template.tolerations or []],
        "affinity": template.affinity and template.affinity.to_dict(),
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
        "resources": own.to_dict() if own is not None else dict(resources),
        "securityContext": dict(pods.container_security),
        # A pod that dies before it can report an outcome leaves the end of its log instead.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _following(spec: GraphCronSpec, pods: RunPods, order_size: int) -> Manifest:
    """Our image alone, which follows a run on an Agent Server."""
    volumes, environment = _volumes(spec, pods), _environment(spec, pods)
    if order_size <= ORDER_VARIABLE_LIMIT:
        environment.append(from_annotation(ORDER_VARIABLE, ORDER_ANNOTATION))
    else:
        volumes.insert(0, _order_file())
    ours = {
        "image": pods.image,
        "imagePullPolicy": pods.image_pull_policy,
        "args": ["run"],
        "env": _with_extra(environment, pods),
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
        environment.append(from_key("GRAPHCRON_CHECKPOINTER_URL", spec.checkpointer.url_secret_ref))
    theirs: Manifest = {"image": spec.image, "command": ["python3", _RUNNER_PATH]}
    theirs["env"] = _with_extra(environment, pods)
    if spec.working_dir:
        theirs["workingDir"] = spec.working_dir
    if spec.env_from:
        theirs["envFrom"] = [
            env_from("secretRef", source.secret_ref) or env_from("configMapRef", source.config_map_ref)
            for source in spec.env_from
        ]
    brings = {
        "name": "runner",
        "image": pods.image,
        "imagePullPolicy": pods.image_pull_policy,
        "args": ["copy-runner", _RUNNER_PATH, spec.timezone or DEFAULT_TIMEZONE],
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
        environment.append(from_key("AGENT_SERVER_API_KEY", key))
    if authority := _authority(spec, pods):
        environment.append({"name": authority[0], "value": f"{_CA_PATH}/{_CA_FILE}"})
    return environment


def _with_extra(ours: list[Manifest], pods: RunPods) -> list[Manifest]:
    """First the installation's, to which a value of ours may refer."""
    names = {entry["name"] for entry in ours}
    return [*(dict(entry) for entry in pods.extra_env if entry["name"] not in names), *ours]


def _authority(spec: GraphCronSpec, pods: RunPods) -> tuple[str, Manifest] | None:
    """Whom the runner trusts for its server: the variable that says so, and the volume of the file. A server's own
    authority and the installation's count instead of the system's. Where the installation's is lent to other servers,
    it counts beside them: what a GraphCron names may be on the internet."""
    own = spec.server
    if own and own.ca_config_map_key_ref:
        return "AGENT_SERVER_CA_FILE", from_config_map("ca", own.ca_config_map_key_ref, _CA_FILE)
    if own and own.ca_secret_key_ref:
        return "AGENT_SERVER_CA_FILE", from_secret("ca", own.ca_secret_key_ref, _CA_FILE)
    if pods.ca_config_map and (own is None or pods.ca_for_own_servers):
        variable = "AGENT_SERVER_EXTRA_CA_FILE" if own else "AGENT_SERVER_CA_FILE"
        return variable, from_config_map("ca", pods.ca_config_map, _CA_FILE)
    return None


_IDENTITY = (
    from_label("GRAPHCRON_JOB_NAME", "batch.kubernetes.io/job-name"),
    from_label("GRAPHCRON_JOB_UID", "batch.kubernetes.io/controller-uid"),
    from_annotation(TRIGGER_VARIABLE, TRIGGER_ANNOTATION),
)


_CA_PATH, _CA_FILE = "/etc/graphcron/ca", "ca.crt"


_ORDER = annotation_field(ORDER_ANNOTATION)


def _order_file() -> tuple[str, Manifest]:
    directory, _, file = ORDER_PATH.rpartition("/")
    return directory, {"name": "order", "downwardAPI": {"items": [{"path": file, "fieldRef": _ORDER}]}}


def _volumes(spec: GraphCronSpec, pods: RunPods) -> list[tuple[str, Manifest]]:
    """Mount path and volume of each thing, besides its order, that a run pod reads."""
    volumes: list[tuple[str, Manifest]] = []
    if source := spec.input_from:
        directory, _, file = INPUT_PATH.rpartition("/")
        if source.secret_key_ref:
            volumes.append((directory, from_secret("input", source.secret_key_ref, file)))
        elif source.config_map_key_ref:
            volumes.append((directory, from_config_map("input", source.config_map_key_ref, file)))
    if headers := spec.server.headers_secret_ref if spec.server else None if spec.in_pod else pods.headers:
        volumes.append((HEADERS_PATH, {"name": "headers", "secret": {"secretName": headers.name}}))
    if not spec.in_pod and (authority := _authority(spec, pods)):
        volumes.append((_CA_PATH, authority[1]))
    return volumes
