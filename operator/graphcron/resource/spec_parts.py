"""The objects within a spec: references to Secrets and ConfigMaps, the Agent Server, the run pod's template."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from graphcron.resource.durations import Duration
from graphcron.resource.fields import KeySelector, Model, NameReference, ObjectName
from graphcron.resource.pod_types import LIST_LIMIT, Affinity, LabelValues, Resources, Toleration
from graphcron.resource.template_metadata import Annotations, Labels
from graphcron.resource.urls import ServerUrl

ENV_FROM_ONE = "envFrom needs exactly one of secretRef and configMapRef in each entry"
INPUT_FROM_ONE = "inputFrom needs exactly one of secretKeyRef and configMapKeyRef"
ONE_CA = "server takes one of caConfigMapKeyRef and caSecretKeyRef: remove the other"

CHECKPOINTS_PATH = "/checkpoints"
"""Where a run pod has the volume of `spec.checkpointer.claimName`."""


class InputFrom(Model):
    """Where the input is read from at each firing, instead of `input`."""

    secret_key_ref: KeySelector | None = Field(None, description="Key of a Secret that contains the input as JSON.")
    config_map_key_ref: KeySelector | None = Field(
        None, description="Key of a ConfigMap that contains the input as JSON."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.secretKeyRef) != has(self.configMapKeyRef)",
                    "message": INPUT_FROM_ONE,
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise ValueError(INPUT_FROM_ONE)
        return self


class Server(Model):
    """An Agent Server other than the installation's default. It gets only the credentials named here."""

    url: ServerUrl = Field(description="Base URL of the Agent Server, without credentials or query.")
    api_key_secret_ref: KeySelector | None = Field(
        None, description="Secret key whose value is sent as x-api-key. Default: no key is sent."
    )
    headers_secret_ref: NameReference | None = Field(
        None, description="Secret with HTTP headers for every request: its keys are the names, its values the values."
    )
    ca_config_map_key_ref: KeySelector | None = Field(
        None,
        description="Key of a ConfigMap with the certificate authorities (PEM) to trust for this server. Default: the "
        "system's.",
    )
    ca_secret_key_ref: KeySelector | None = Field(
        None, description="The same as caConfigMapKeyRef, from a key of a Secret. At most one of the two."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "!has(self.caConfigMapKeyRef) || !has(self.caSecretKeyRef)", "message": ONE_CA}
            ]
        }
    )

    @model_validator(mode="after")
    def _one_ca(self) -> Self:
        if self.ca_config_map_key_ref and self.ca_secret_key_ref:
            raise ValueError(ONE_CA)
        return self


class Expect(Model):
    """What the GraphCron's owner expects of its firings. What is not so becomes a condition."""

    success_within: Duration | None = Field(
        None,
        description="A firing succeeds at least this often, such as 26h. Otherwise the GraphCron is Overdue. Default: "
        "the installation's.",
    )
    start_within: Duration | None = Field(
        None,
        description="Each run starts at most this long after its scheduled time, such as 5m; jitterSeconds comes on "
        "top. Otherwise the GraphCron is Late. Default: the installation's.",
    )
    finish_within: Duration | None = Field(
        None,
        description="Each run takes at most this long, with all its attempts, such as 20m. Otherwise the GraphCron is "
        "Slow; the run goes on. Default: the installation's.",
    )


class EnvFrom(Model):
    """All keys of a Secret or ConfigMap in the GraphCron's namespace, as environment variables."""

    secret_ref: NameReference | None = Field(None, description="Secret whose keys become environment variables.")
    config_map_ref: NameReference | None = Field(None, description="ConfigMap whose keys become environment variables.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.secretRef) != has(self.configMapRef)",
                    "message": ENV_FROM_ONE,
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.secret_ref is None) == (self.config_map_ref is None):
            raise ValueError(ENV_FROM_ONE)
        return self


class Checkpointer(Model):
    """Where a graph that runs in the pod keeps its threads, so that a later firing or attempt finds them."""

    url_secret_ref: KeySelector = Field(
        description="Key of a Secret that contains the URL: postgresql://USER:PASSWORD@HOST/DATABASE, or "
        f"sqlite:///{CHECKPOINTS_PATH}/FILE with claimName."
    )
    claim_name: ObjectName | None = Field(
        None, description=f"PersistentVolumeClaim to mount at {CHECKPOINTS_PATH}. Default: none."
    )


UserId = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Id of a user or a group, except root's. The upper bound is that of Kubernetes."""


class PodSecurityContext(Model):
    """User and groups of a run pod, for an image that needs others than the installation's. Never root."""

    run_as_user: UserId | None = Field(None, description="User id of the containers.")
    run_as_group: UserId | None = Field(None, description="Primary group id of the containers.")
    fs_group: UserId | None = Field(None, description="Group id that owns the volumes of the pod.")


ClassName = Annotated[str, Field(max_length=253)]
"""Empty for none, as in a pod."""


class Template(Model):
    """Scheduling, resources and user of the run pods. A GraphCron cannot change their other security settings."""

    resources: Resources | None = Field(None, description="Container resources. Default: the installation's.")
    node_selector: LabelValues | None = Field(None, description="Node labels a run pod needs.")
    tolerations: Annotated[list[Toleration], Field(max_length=LIST_LIMIT)] | None = Field(
        None, description="Taints a run pod tolerates."
    )
    affinity: Affinity | None = Field(None, description="Affinity of the run pods, as in a pod spec.")
    labels: Labels | None = Field(
        None, description="Additional labels of the run pods. Those of Kubernetes and of GraphCron are reserved."
    )
    annotations: Annotations | None = Field(
        None, description="Additional annotations of the run pods. Those of Kubernetes and of GraphCron are reserved."
    )
    priority_class_name: ClassName | None = Field(None, description="PriorityClass of the run pods.")
    image_pull_secrets: Annotated[list[NameReference], Field(max_length=32)] | None = Field(
        None, description="Secrets with registry credentials for the run pods."
    )
    runtime_class_name: ClassName | None = Field(None, description="RuntimeClass of the run pods.")
    pod_security_context: PodSecurityContext | None = Field(
        None, description="User and groups of the run pods. Default: the installation's."
    )
