"""The update of a cron: from the body of a PATCH to a patch of the apiserver's own. Pure.

Nothing is written back that was only read, so updates of one cron at the same moment neither conflict nor undo each
other. What an update takes for granted about the rest of the cron is a test in its patch.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphcron.facade.schemas import CronPatch
from graphcron.facade.translation import Draft, check, is_small, iso, read_schedule, set_fields
from graphcron.kube.json_patch import Operation, add, apply, clear, merge, require
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import UPDATED_AT
from graphcron.views.actions import is_suspended, resume, token

_MERGED = ("metadata", "runOptions")
"""Fields of the spec whose keys are added to those that are there, as LangGraph's server does."""


@dataclass(frozen=True)
class Update:
    """`operations` is the patch, `draft` what it makes of the cron as it was known."""

    operations: list[Operation]
    draft: Draft


def update(known: Manifest, body: CronPatch, now: datetime) -> Update:
    """What a PATCH asks for: given fields replace, metadata merges, a null end time clears, and one that is enabled
    fires again, also after maxFailures. `known` is the cron as it was last read. Raises RestError 422."""
    spec, metadata = known["spec"], known["metadata"]
    given: dict[str, Any] = {}
    schedule = set_fields(given, body, body.schedule, metadata.get("uid", ""))
    operations: list[Operation] = []
    for name, value in given.items():
        if name in _MERGED:
            operations += merge(("spec", name), value, spec.get(name))
        else:
            operations += [add(("spec", name), value)] if value is not None else clear(("spec", name), iso(now))
    if "input" in given and "inputFrom" not in spec:
        operations.append(require(("spec", "inputFrom"), None))  # the CRD cannot say that they exclude each other
    if "end_time" in body.model_fields_set and body.end_time is None:
        operations += clear(("spec", "endTime"), iso(now))
    if body.enabled:
        operations += clear(("spec", "pauseReason"), "")
        if schedule is None:  # it is this one that is judged
            operations.append(require(("spec", "schedule"), spec["schedule"]))
    marks = {UPDATED_AT: iso(now)}
    if body.enabled and spec.get("enabled") is not False:  # a change of the spec resumes it anyway
        if is_suspended(known):
            marks |= resume(known, token(now))["metadata"]["annotations"]
        elif "enabled" in (known.get("status") or {}):  # and maxFailures has not suspended it since
            operations.append(require(("status", "enabled"), True))
    operations += merge(("metadata", "annotations"), marks, metadata.get("annotations"))
    changed = apply(operations, known)
    check(changed, now, pauses=body.enabled is False and body.model_fields_set == {"enabled"})
    if not is_small(changed):
        operations.append(
            require(("metadata", "generation"), metadata.get("generation"))
        )  # its size depends on all of it
    if schedule is None and body.enabled:
        # kubectl may have made a GraphCron whose schedule is invalid
        schedule = read_schedule(spec["schedule"], metadata.get("uid", ""))
    return Update(operations, Draft(changed, schedule))
