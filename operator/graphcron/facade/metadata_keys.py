"""Metadata keys `graphcron.dev/<field>`: fields of the GraphCron that LangGraph's API has no place for. Pure.

An SDK sends them in the metadata of a cron. They are kept in the spec alone, so runs do not get them, and shown in the
metadata again, so that what was read can be written. What an owner may set this way changes when and how often the own
runs happen: nothing that names another object, chooses what runs or where, or makes Kubernetes keep more objects.
"""

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from graphcron.facade.errors import RestError
from graphcron.kube import jsontext
from graphcron.resource.identity import GROUP
from graphcron.resource.run_options import REQUEST_FIELDS
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_reader import SHOWN_CHARACTERS, SHOWN_FINDINGS, explain

PREFIX = f"{GROUP}/"

OF_REST = frozenset(
    (*REQUEST_FIELDS, "config", "enabled", "end_time", "on_run_completed", "schedule", "thread_id", "timezone")
)
"""Fields of the spec that have their own place in a body or a path."""

OF_KUBECTL = frozenset(
    ("budget", "checkpointer", "engine", "env_from", "expect", "failed_runs_history_limit", "image", "input_from",
     "notify", "server", "successful_runs_history_limit", "template", "working_dir")
)  # fmt: skip
"""Fields that no client of the facade may set: they name Secrets, servers or images, shape pods, or keep Jobs, each
with a copy of its input. And `budget`, `expect` and `notify`, which have fields of their own: a key sets one number,
time or choice."""


def _is_plain(field: str, annotation: Any) -> bool:
    """Whether its values are numbers, times, yes or no, or a choice. A text may name anything; this one is to be
    read."""
    kind = next((one for one in get_args(annotation) if one is not type(None)), annotation)
    kind = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    return kind in (bool, int, datetime) or get_origin(kind) is Literal or field == "pause_reason"


FIELDS: Mapping[str, str] = {
    f"{PREFIX}{to_camel(name)}": to_camel(name)
    for name, info in GraphCronSpec.model_fields.items()
    if name not in OF_REST | OF_KUBECTL and _is_plain(name, info.annotation)
}
"""The field of the spec that each key sets."""

_REQUIRED = {"schedule": "0 0 1 1 *", "assistantId": "agent"}
"""Of any spec."""


def to_spec(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the spec that this metadata sets, `metadata` among them. None is for a field to be removed. Raises
    RestError 422 for a key that is none of `FIELDS`, and for a value that kubectl could not set."""
    free = {key: value for key, value in metadata.items() if not key.startswith(PREFIX)}
    keys = [key for key in metadata if key.startswith(PREFIX)]
    if unknown := [key for key in keys if key not in FIELDS]:
        more = [f"and {len(unknown) - SHOWN_FINDINGS} more"] if len(unknown) > SHOWN_FINDINGS else []
        raise RestError(422, "; ".join([*map(_complaint, unknown[:SHOWN_FINDINGS]), *more]))
    fields = {FIELDS[key]: _whole(metadata[key]) for key in keys}
    given = _REQUIRED | {name: value for name, value in fields.items() if value is not None}
    try:
        for strict in (False, True):  # first in the operator's words; then what Python takes for a number, and no CRD
            GraphCronSpec.model_validate(given, strict=strict)
    except ValidationError as error:
        raise RestError(422, explain(error)) from None
    return fields if fields and not free else {"metadata": free} | fields


def shown(spec: Mapping[str, Any]) -> Any:
    """The metadata of a cron as REST shows them."""
    free = spec.get("metadata", {})
    fields = {key: spec[field] for key, field in FIELDS.items() if field in spec}
    return {**jsontext.opened(free), **fields} if fields else free


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 1.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def place_of(field: str) -> str:
    """Where that field of the spec is set, as the end of a sentence that begins with its name."""
    if field == "run_options":
        return "is a field of the GraphCron: send each option as a field of the body"
    key = f"{PREFIX}{to_camel(field)}"
    if key in FIELDS:
        return f"is a field of the GraphCron: set it by the metadata key '{key}'"
    return f"is a field of the GraphCron that only kubectl can set: spec.{to_camel(field)}"


_NAMES = {to_camel(name): name for name in GraphCronSpec.model_fields}


def _complaint(key: str) -> str:
    name, said = key.removeprefix(PREFIX), f"metadata key '{key[:SHOWN_CHARACTERS]}'"
    field = _NAMES.get(name)
    if field in OF_REST:
        return f"{said}: {field} has a place of its own in LangGraph's API"
    if field is not None:
        return f"{said} {place_of(field)}"
    near = difflib.get_close_matches(name[:SHOWN_CHARACTERS], FIELDS.values(), 1)
    meant = (
        f"did you mean '{PREFIX}{near[0]}'?" if near else f"these keys set fields of the GraphCron: {', '.join(FIELDS)}"
    )
    return f"{said} is not known: {meant}"
