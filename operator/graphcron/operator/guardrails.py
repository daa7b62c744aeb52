"""The guard rails that the operator holds, besides the apiserver: which images may run, which keys a template may
have, and how long a GraphCron may last. One that becomes stricter suspends what breaks it. Pure."""

from datetime import datetime
from typing import NamedTuple

from graphcron.operator.reasons import IN_POD_NOT_ALLOWED, LIFETIME_NOT_ALLOWED, TEMPLATE_NOT_ALLOWED
from graphcron.operator.run_pod import RunPods
from graphcron.resource.lifetime import Lifetime
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_parts import Template

IMAGE = "spec.image is not allowed here; allowed are {}; runs.inPod.images of the Helm chart lists them"
NO_IMAGE = "engine inPod is off here; runs.inPod.images of the Helm chart lists the images that may run, and is empty"
KEY = (
    "spec.template.{0} has a key that is not allowed here; allowed are {1}; "
    "guardrails.template{2} of the Helm chart lists them"
)
NO_KEY = "spec.template.{0} is not allowed here: guardrails.template{2} of the Helm chart is empty"
"""Why a GraphCron may not run, in the words of the chart's ValidatingAdmissionPolicy."""


class Refusal(NamedTuple):
    """Why the installation does not let a GraphCron run."""

    reason: str
    complaint: str


def refusal(spec: GraphCronSpec, pods: RunPods) -> Refusal | None:
    """Why the installation does not let a GraphCron run; None when it does."""
    if spec.in_pod and not is_listed(spec.image or "", pods.in_pod_images):
        complaint = IMAGE.format(", ".join(pods.in_pod_images)) if pods.in_pod_images else NO_IMAGE
        return Refusal(IN_POD_NOT_ALLOWED, complaint)
    template = spec.template or Template()
    for name, keys, listed in (
        ("labels", template.labels, pods.template_labels),
        ("annotations", template.annotations, pods.template_annotations),
    ):
        if not all(is_listed(key, listed) for key in keys or ()):
            complaint = (KEY if listed else NO_KEY).format(name, ", ".join(listed), name.title())
            return Refusal(TEMPLATE_NOT_ALLOWED, complaint)
    return None


def lasts_too_long(spec: GraphCronSpec, created: datetime, lifetime: Lifetime) -> Refusal | None:
    """The same for its end."""
    complaint = lifetime.complaint(created, spec.start_time, spec.end_time)
    return Refusal(LIFETIME_NOT_ALLOWED, complaint) if complaint else None


def is_listed(text: str, listed: tuple[str, ...]) -> bool:
    """Whether it is listed in full, or up to a `*` at the end of an entry."""
    return any(text.startswith(entry[:-1]) if entry.endswith("*") else text == entry for entry in listed)
