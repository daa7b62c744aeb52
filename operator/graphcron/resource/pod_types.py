"""Types of a pod spec that a template holds: resources, tolerations and affinity.

A typo in them is refused by kubectl and by the apiserver, and not first when the operator applies the CronJob. Fields
and values are those of core/v1 since Kubernetes 1.31; a test compares them with the apiserver's own description.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from graphcron.resource.fields import Model
from graphcron.resource.quantity import Quantity, amount

REQUESTS_WITHIN_LIMITS = "requests must not be more than limits"

AMOUNTS_LIMIT = 10
"""Entries of requests and of limits."""
LIST_LIMIT = 64
"""Entries of each list."""

Int = Annotated[int, Field(strict=True)]
Text = Annotated[str, Field(max_length=253)]
Key = Annotated[str, Field(max_length=317)]
"""Of a label or a taint: a DNS name of 253 characters, a slash and 63 more."""
Texts = Annotated[list[Text], Field(max_length=LIST_LIMIT)]


def at_most(limit: int) -> BeforeValidator:
    """Counted before anything is judged, as each of a million entries could be wrong: where there are more validators,
    this one stands last, which is the first to run."""

    def check(value: object) -> object:
        if isinstance(value, dict) and len(value) > limit:
            raise ValueError(f"must have at most {limit} entries")
        return value

    return BeforeValidator(check)


Amounts = Annotated[dict[str, Quantity], Field(max_length=AMOUNTS_LIMIT), at_most(AMOUNTS_LIMIT)]

LabelValues = Annotated[dict[str, Text], Field(max_length=LIST_LIMIT), at_most(LIST_LIMIT)]
"""By label."""

_CEL_AMOUNTS = "string(self.requests[name])", "string(self.limits[name])"


class Resources(Model):
    """Resources of a container, as in a pod spec."""

    requests: Amounts | None = Field(None, description="What a node must have free for the pod, such as cpu: 100m.")
    limits: Amounts | None = Field(None, description="What the container may use at most, such as memory: 512Mi.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    # These three alone: of a map that the rule walks through, the estimated cost is beyond the limit.
                    "rule": "!has(self.requests) || !has(self.limits) || ['cpu', 'memory', 'ephemeral-storage'].all("
                    "name, !(name in self.requests && name in self.limits) "
                    f"|| !isQuantity({_CEL_AMOUNTS[0]}) || !isQuantity({_CEL_AMOUNTS[1]}) "
                    f"|| !quantity({_CEL_AMOUNTS[0]}).isGreaterThan(quantity({_CEL_AMOUNTS[1]})))",
                    "message": REQUESTS_WITHIN_LIMITS,
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _requests_are_within_limits(self) -> Self:
        requests, limits = self.requests or {}, self.limits or {}
        if any((amount(requests[name]) or 0) > (amount(limits[name]) or 0) for name in requests.keys() & limits.keys()):
            raise ValueError(REQUESTS_WITHIN_LIMITS)
        return self


class Toleration(Model):
    """A taint that a pod tolerates."""

    key: Key | None = Field(None, description="Key of the taint. Default: any, with operator Exists.")
    operator: Literal["Exists", "Equal", "Lt", "Gt"] | None = Field(
        None, description="How the taint's value is compared. Default: Equal. Lt and Gt need Kubernetes 1.35."
    )
    value: Text | None = Field(None, description="Value of the taint. None with operator Exists.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint. Default: any."
    )
    toleration_seconds: Int | None = Field(
        None, description="How long it is tolerated, in seconds; with effect NoExecute alone. Default: for ever."
    )


class NodeSelectorRequirement(Model):
    """A requirement on a label or field of a node."""

    key: Key = Field(description="Label or field of the node.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        description="How its value is compared."
    )
    values: Texts | None = Field(
        None, description="Values: for In and NotIn at least one, for Gt and Lt one number, for the others none."
    )


NodeRequirements = Annotated[list[NodeSelectorRequirement], Field(max_length=LIST_LIMIT)]


class NodeSelectorTerm(Model):
    """Requirements that a node must meet all."""

    match_expressions: NodeRequirements | None = Field(None, description="Requirements on labels of the node.")
    match_fields: NodeRequirements | None = Field(None, description="Requirements on fields of the node.")


class NodeSelector(Model):
    """Terms of which a node must meet one."""

    node_selector_terms: Annotated[list[NodeSelectorTerm], Field(min_length=1, max_length=LIST_LIMIT)] = Field(
        description="Terms of which a node must meet one."
    )


Weight = Annotated[int, Field(strict=True, ge=1, le=100)]


class PreferredSchedulingTerm(Model):
    """A term by which nodes are preferred."""

    weight: Weight = Field(description="Weight of the preference.")
    preference: NodeSelectorTerm = Field(description="Requirements on the node.")


class NodeAffinity(Model):
    """Which nodes a pod needs or prefers."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = Field(
        None, description="What a node must meet."
    )
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredSchedulingTerm], Field(max_length=LIST_LIMIT)] | None
    ) = Field(None, description="What a node should meet.")


class LabelSelectorRequirement(Model):
    """A requirement on a label."""

    key: Key = Field(description="Label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How its value is compared.")
    values: Texts | None = Field(None, description="Values: for In and NotIn at least one, for the others none.")


class LabelSelector(Model):
    """Objects by their labels. They must meet all that is listed."""

    match_labels: LabelValues | None = Field(None, description="Labels and their values.")
    match_expressions: Annotated[list[LabelSelectorRequirement], Field(max_length=LIST_LIMIT)] | None = Field(
        None, description="Requirements on labels."
    )


class PodAffinityTerm(Model):
    """Other pods, and what part of the cluster counts as near them."""

    label_selector: LabelSelector | None = Field(None, description="The pods, by their labels. Default: none.")
    namespaces: Texts | None = Field(None, description="Their namespaces, by name.")
    namespace_selector: LabelSelector | None = Field(
        None, description="Their namespaces, by labels. Default: the pod's own."
    )
    topology_key: Key = Field(description="Label of nodes; nodes with the same value of it count as near.")
    match_label_keys: Texts | None = Field(None, description="Labels of the pod that the others must have as it has.")
    mismatch_label_keys: Texts | None = Field(None, description="Labels of the pod in which the others must differ.")


class WeightedPodAffinityTerm(Model):
    """A term by which nodes are preferred or avoided."""

    weight: Weight = Field(description="Weight of the preference.")
    pod_affinity_term: PodAffinityTerm = Field(description="The pods.")


class PodAffinity(Model):
    """Other pods that a pod is to be near to, or away from."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[list[PodAffinityTerm], Field(max_length=LIST_LIMIT)] | None
    ) = Field(None, description="What a node must meet.")
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[WeightedPodAffinityTerm], Field(max_length=LIST_LIMIT)] | None
    ) = Field(None, description="What a node should meet.")


class Affinity(Model):
    """Affinity of a pod, as in a pod spec."""

    node_affinity: NodeAffinity | None = Field(None, description="Which nodes it needs or prefers.")
    pod_affinity: PodAffinity | None = Field(None, description="Which pods it is to be near to.")
    pod_anti_affinity: PodAffinity | None = Field(None, description="Which pods it is to be away from.")
