"""What the actions of `/graphcron/v1` write: patches of the apiserver's own, in which nothing is written back that was
only read. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from graphcron.facade.auth.callers import Caller
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.translation import Draft, iso, read_schedule
from graphcron.kube.json_patch import Operation, add, clear, merge, require
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import RUN_REQUESTED, UPDATED_AT
from graphcron.views import actions

ACTOR_HEADER = "X-GraphCron-Actor"
"""Who acts, where callers have no names (mode open)."""
ACTOR_LIMIT = 100


def read_actor(caller: Caller, given: Sequence[str]) -> str | None:
    """The name of whoever acts: that of the key or token, which no header can replace. Raises RestError 400."""
    if given and (len(given) > 1 or not re.fullmatch(rf"[ -~]{{1,{ACTOR_LIMIT}}}", given[0])):
        raise RestError(400, f"{ACTOR_HEADER} must be sent once, with 1 to {ACTOR_LIMIT} printable ASCII characters")
    return caller.owner or next(iter(given), None)


def run(known: Manifest, token: str) -> list[Operation]:
    """Run it now. Applies only as long as no other request was made. Raises NotYet."""
    actions.check_run(known)
    annotations = known["metadata"].get("annotations")
    newest = (annotations or {}).get(RUN_REQUESTED)
    guard = [] if annotations is None else [require(("metadata", "annotations", RUN_REQUESTED), newest)]
    return [*guard, *merge(("metadata", "annotations"), {RUN_REQUESTED: token}, annotations)]


def pause(known: Manifest, reason: str | None, who: str | None, now: datetime) -> list[Operation]:
    """Fire no more."""
    return _operations(known, actions.pause(reason, who), now)


def resume(known: Manifest, token: str, quota: Quota, now: datetime) -> list[Operation]:
    """Fire again. Raises RestError 422 when its schedule may not."""
    patch, spec, operations = actions.resume(known, token), known["spec"], []
    if "spec" in patch:
        schedule = read_schedule(spec["schedule"], known["metadata"].get("uid", ""))
        quota.check_schedule(Draft(known, schedule), now)
        operations.append(require(("spec", "schedule"), spec["schedule"]))  # it is this one that is judged
    return [*operations, *_operations(known, patch, now)]


def _operations(known: Manifest, patch: dict[str, Any], now: datetime) -> list[Operation]:
    """A merge patch of spec and annotations, member by member."""
    operations = []
    for name, value in patch.get("spec", {}).items():
        place = ("spec", name)
        operations += clear(place, "") if value is None else [add(place, value)]
    marks = patch.get("metadata", {}).get("annotations", {}) | {UPDATED_AT: iso(now)}
    return operations + merge(("metadata", "annotations"), marks, known["metadata"].get("annotations"))
