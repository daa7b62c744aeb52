"""What made a Job, as the annotation of its pod template says: to the run pod, and to the history. Pure."""

from graphcron.firing.order import SCHEDULE, TRIGGER_ANNOTATION, trigger_of
from graphcron.kube.resources import Manifest


def with_trigger(job_spec: Manifest, trigger: str) -> Manifest:
    """A copy of the spec of a Job, or of a CronJob's template, whose pods know that trigger."""
    template = job_spec["template"]
    metadata = template.get("metadata", {})
    annotations = metadata.get("annotations", {}) | {TRIGGER_ANNOTATION: trigger}
    return job_spec | {"template": template | {"metadata": metadata | {"annotations": annotations}}}


def trigger_mark(job: Manifest) -> str:
    """The annotation's value, "" for none."""
    template = job.get("spec", {}).get("template", {})
    return str(template.get("metadata", {}).get("annotations", {}).get(TRIGGER_ANNOTATION, ""))


def recorded_trigger(job: Manifest) -> str | None:
    """The trigger as a history entry has it: None for the schedule."""
    trigger = trigger_of(job["metadata"]["name"], trigger_mark(job))
    return None if trigger == SCHEDULE else trigger


def only_trigger(job: Manifest) -> Manifest:
    """What is kept of a Job's spec: the mark alone, and nothing without it."""
    mark = trigger_mark(job)
    return {"spec": with_trigger({"template": {}}, mark)} if mark else {}
