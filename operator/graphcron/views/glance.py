"""The glance: what a list of ten thousand GraphCrons filters and sorts by; and the status that is kept of each. Pure.

A status with ten firings has some five kilobytes as JSON, and takes twenty parsed. A list reads it of those alone that
it shows, so it is kept compressed, with the glance beside it.
"""

import zlib
from collections.abc import Mapping
from itertools import chain
from sys import intern
from typing import Any, NamedTuple

from graphcron.firing.formats import format_time, moment_of
from graphcron.kube import jsontext
from graphcron.kube.outline import STATUS_LIMIT
from graphcron.kube.resources import Manifest
from graphcron.resource.fields import clipped
from graphcron.resource.identity import UPDATED_AT
from graphcron.resource.status import read_status
from graphcron.views.urgency import Urgency, urgency
from graphcron.views.words import human_name, phase

GLANCE = "glance"
STATUS = "keptStatus"
"""Members of a GraphCron that is kept in memory. The apiserver's have neither."""

WHOLE_BYTES = 8 * 1024
"""Of a status as JSON. Of a longer one, messages and answers are kept in part: the apiserver has all of them."""
MESSAGE_CHARACTERS = 300
KEPT_BYTES = 32 * 1024
"""Of a status whose messages are short. Only somebody who writes statuses by hand makes a larger one."""


class Glance(NamedTuple):
    """`name` is that for people; `outcome` is that of the last firing and `following` the next time, None where there
    is none. `changed` is when somebody last did something to it, its status apart; empty when that is not known."""

    urgency: Urgency
    name: str
    phase: str
    outcome: str | None
    following: str | None
    active: int
    changed: str = ""


def glance(graphcron: Manifest) -> Glance:
    """The glance of a GraphCron, whole or kept."""
    found = graphcron.get(GLANCE)
    return found if isinstance(found, Glance) else _glance(graphcron, graphcron.get("status"))


def keep(graphcron: Mapping[str, Any]) -> dict[str, Any]:
    """The members that keep glance and status of a GraphCron."""
    status = graphcron.get("status")
    text = jsontext.dumps(status)
    if len(text) > WHOLE_BYTES:
        status = _shortened(status_of(graphcron)) if len(text) <= STATUS_LIMIT else None
        text = jsontext.dumps(status)
    return {GLANCE: _glance(graphcron, status), STATUS: zlib.compress(text, 1)}


def status_of(graphcron: Mapping[str, Any]) -> dict[str, Any]:
    """The status of a GraphCron, whole or kept, without the fields that cannot be read. Its times are in UTC."""
    kept = graphcron.get(STATUS)
    return read_status(jsontext.loads(zlib.decompress(kept)) if kept else graphcron.get("status")).to_dict()


def written_status(graphcron: Manifest) -> dict[str, Any]:
    """The same as it was written: in a fraction of the time, for who reads it of all of them."""
    kept = graphcron.get(STATUS)
    found = jsontext.loads(zlib.decompress(kept)) if kept else graphcron.get("status")
    return found if isinstance(found, dict) else {}


def opened(graphcron: Manifest) -> Manifest:
    """A GraphCron with its status as `status_of` has it, and its free JSON read."""
    rest = {key: graphcron[key] for key in ("apiVersion", "kind", "metadata") if key in graphcron}
    spec = {name: jsontext.opened(value) for name, value in graphcron["spec"].items()}
    return rest | {"spec": spec, "status": status_of(graphcron)}


def _glance(graphcron: Mapping[str, Any], status: Any) -> Glance:
    try:
        return _read(graphcron, status or {})
    except (AttributeError, IndexError, KeyError, TypeError):
        return _read(graphcron, read_status(status).to_dict())


def _read(graphcron: Mapping[str, Any], status: dict[str, Any]) -> Glance:
    shown = {"metadata": graphcron["metadata"], "status": status}
    history, times = status.get("history"), status.get("nextRunTimes")
    # There are few phases and outcomes: each is in memory once.
    outcome, following = intern(history[0]["outcome"]) if history else None, times[0] if times else None
    active = status.get("active", 0)
    if not isinstance(active, int) or not isinstance(following, str | None):
        raise TypeError
    reason, changed = intern(phase(shown)), _changed(graphcron["metadata"])
    return Glance(urgency(shown), human_name(dict(graphcron)), reason, outcome, following, active, changed)


def _changed(metadata: Mapping[str, Any]) -> str:
    """By the apiserver's managedFields, which know of every client; where these were left out, by what REST notes."""
    fields = [one for one in metadata.get("managedFields") or [] if not one.get("subresource")]
    noted = (metadata.get("annotations") or {}).get(UPDATED_AT)
    times = (metadata.get("creationTimestamp"), noted, *(one.get("time") for one in fields))
    moments = [moment for time in times if time and (moment := moment_of(str(time)))]
    return format_time(max(moments)) if moments else ""


def _shortened(status: dict[str, Any]) -> dict[str, Any]:
    lists = (status.get(name) or [] for name in ("conditions", "history", "notifications"))
    for one in (*chain(*lists), status.get("lastRequest", {})):
        for name in one.keys() & {"message", "answer"}:
            one[name] = clipped(one[name], MESSAGE_CHARACTERS)
    if len(jsontext.dumps(status)) > KEPT_BYTES:
        status |= {"conditions": [], "history": [], "notifications": []}
    return status
