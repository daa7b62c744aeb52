"""Body fields that a cron does not have: a misspelt one is refused, a newer one is passed on to each run. Pure.

LangGraph's server keeps a field that it does not know and hands it to the run, so that a new option of the SDK works at
once. A misspelt `time_zone` would fire at the wrong hour, so what is close to a known field is refused.
"""

import difflib
import re
from collections.abc import Collection
from enum import StrEnum

from graphcron.facade import metadata_keys
from graphcron.resource.run_options import LIMIT, NAME_LIMIT
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_reader import SHOWN_CHARACTERS

SHOWN = 10
"""How many names an answer has."""

SIMILARITY, LENGTH = 0.8, 2
"""From which on a name is taken for a misspelt one: how much of both is the same, and how much longer one may be."""


class UnknownFields(StrEnum):
    """The setting, by the names of the chart's `facade.unknownFields`."""

    CARRY = "carry"
    REFUSE = "refuse"


_MEANT = {
    "cron": "schedule", "cron_expression": "schedule", "disabled": "enabled", "end_at": "end_time",
    "end_date": "end_time", "meta": "metadata", "paused": "enabled", "suspended": "enabled", "tz": "timezone",
    "zone": "timezone",
}  # fmt: skip
"""What other schedulers call it. Without effect, such a field would cost money."""

_OF_THE_SERVER = ("cron_id", "user_id", "payload", "next_run_date", "created_at", "updated_at")
_OF_A_SEARCH = ("limit", "offset", "sort_by", "sort_order", "select")


def complaints(names: Collection[str], known: Collection[str], policy: UnknownFields | None) -> list[str]:
    """A sentence for each of these unknown names that must be refused. `known` are the fields of the body, and a body
    without a policy has no others."""
    carries = policy is UnknownFields.CARRY
    if carries and len(names) > LIMIT:
        return [f"{len(names)} fields are not known, and at most {LIMIT} can be passed on to the runs"]
    judged = list(names) if carries else list(names)[:SHOWN]
    faults = {name: _fault(name, known) for name in judged}
    refused = [
        f"'{name[:SHOWN_CHARACTERS]}' {fault or _UNKNOWN + _OTHERWISE.get(policy, '')}"
        for name, fault in faults.items()
        if fault or not carries
    ]
    more = len(refused) - SHOWN if carries else len(names) - SHOWN
    return [*refused[:SHOWN], *([f"and {more} more"] if more > 0 else [])]


_OTHERWISE: dict[UnknownFields | None, str] = {
    UnknownFields.REFUSE: ", and this GraphCron facade passes none on (facade.unknownFields of the Helm chart)"
}


def warning(names: Collection[str]) -> str:
    """The value of the header `Warning` (RFC 7234, 5.5) for fields that were passed on."""
    shown = ", ".join(name.encode("ascii", "backslashreplace").decode() for name in names)
    text = "".join(character if character.isprintable() else "?" for character in shown)
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "GraphCron does not know these fields, and passes them on to each run: {quoted}"'


_UNKNOWN = "is not a known field"


def _fault(name: str, known: Collection[str]) -> str | None:
    """What is said of it; None when it may be a new one."""
    if len(name) > NAME_LIMIT:
        return f"{_UNKNOWN}: a name has at most {NAME_LIMIT} characters"
    field = _FIELDS.get(_plain(name))
    if field in _OF_ITS_MAKING and field not in known:
        return _THREAD_IN_PATH if "assistant_id" in known else _OF_ITS_MAKING[field]
    if field is not None and field not in metadata_keys.OF_REST:
        return metadata_keys.place_of(field)
    if similar := _similar(name, known):
        return f"{_UNKNOWN}: did you mean '{similar}'?"
    if name in _OF_THE_SERVER:
        return "cannot be set: the server sets it"
    if name in _OF_A_SEARCH and name not in known:
        return f"{_UNKNOWN}: it belongs to a search"
    return None


_THREAD_IN_PATH = "is no field of a body: to run on a thread, name it in the path, POST /threads/{thread_id}/runs/crons"
_OF_ITS_MAKING = {
    "thread_id": "cannot change: create another cron on that thread, POST /threads/{thread_id}/runs/crons, and delete "
    "this one",
    "assistant_id": "cannot change: create another cron with that assistant, and delete this one",
}
"""What an update says of the fields that make a cron what it is."""


def _similar(name: str, known: Collection[str]) -> str | None:
    """The field of which this is another spelling, or a mistaken one."""
    if (meant := _MEANT.get(name.lower())) in known:
        return meant
    plain = _plain(name)
    for field in known:
        if plain == _plain(field):
            return field
    candidates = [field for field in known if not _is_compound(name, field) and abs(len(field) - len(name)) <= LENGTH]
    return next(iter(difflib.get_close_matches(name.lower(), candidates, 1, SIMILARITY)), None)


def _is_compound(name: str, field: str) -> bool:
    """Whether it is another word with that field in it, as `context_id` is."""
    return name.startswith(f"{field}_") or name.endswith(f"_{field}")


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


_FIELDS = {_plain(field): field for field in GraphCronSpec.model_fields}
"""Of the spec, by their names without case and signs."""
