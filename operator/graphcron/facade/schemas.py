"""The schemas of request bodies: the typed request of a JSON value, or one sentence about what is wrong with it.

The fields are LangGraph's (its published OpenAPI and both SDKs), declared once as pydantic models. A field that is
left out stays out; null is a mistake except where it clears something.
"""

import uuid
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from graphcron.facade.errors import RestError
from graphcron.facade.unknown_fields import UnknownFields, complaints
from graphcron.resource.fields import NODES_LIMIT, STREAM_MODES_LIMIT, Nodes, StreamModes, Time
from graphcron.resource.spec_reader import SHOWN_CHARACTERS, SHOWN_FINDINGS
from graphcron.resource.urls import WEBHOOK, WEBHOOK_LIMIT, checked_webhook

BODY_LIMIT = 1024 * 1024
"""Bytes. etcd takes 1.5 MiB for a whole object, so a larger body could never be stored."""


class Body(BaseModel):
    """A request body. Fields that were left out are None; `model_fields_set` names those that were sent."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole(value: object) -> object:
    """JSON has one kind of number: 1.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class FailFast(pydantic.FailFast):
    """Ends at the first wrong item of a list: pydantic would report each, and a body can hold many. Hashable, as
    members of a union must be."""

    __hash__ = object.__hash__


AnyBody = TypeVar("AnyBody", bound=Body)

Integer = Annotated[int, BeforeValidator(_whole)]
Object = dict[str, Any]

# A field that may be left out and must not be null: the type describes the value, this default its absence.
_NONE: Any = None


class Config(BaseModel):
    """Config of the runs. Other keys are LangChain's to judge."""

    model_config = ConfigDict(extra="allow", strict=True)

    tags: Annotated[list[str], FailFast()] = _NONE
    recursion_limit: Integer = _NONE
    configurable: Object = _NONE


# The formats are for the description alone: what a schedule or a zone may be is judged where it is used.
Schedule = Annotated[str, Field(json_schema_extra={"format": "cron", "examples": ["27 15 * * *"]})]
Zone = Annotated[str, Field(json_schema_extra={"format": "iana-time-zone", "examples": ["Europe/Berlin"]})]
# An empty id is valid and matches nothing, as at LangGraph's server.
Id = Annotated[str, Field(json_schema_extra={"anyOf": [{"format": "uuid"}, {"const": ""}]})]


class RunOptions(Body):
    """What create and update share. `model_extra` has the fields that are passed on to the runs."""

    model_config = ConfigDict(extra="allow")

    timezone: Zone = _NONE
    input: Object | Annotated[list[Object], FailFast()] = _NONE
    metadata: Object = _NONE
    config: Config = _NONE
    context: Object = _NONE
    webhook: Annotated[
        str, AfterValidator(checked_webhook), Field(json_schema_extra={"format": "uri", "maxLength": WEBHOOK_LIMIT})
    ] = _NONE
    interrupt_before: Nodes = _NONE
    interrupt_after: Nodes = _NONE
    enabled: bool = _NONE
    # Of a cron on a thread it is kept, and has no effect.
    on_run_completed: Literal["delete", "keep"] = _NONE
    stream_mode: StreamModes = _NONE
    stream_subgraphs: bool = _NONE
    stream_resumable: bool = _NONE
    durability: Literal["sync", "async", "exit"] = _NONE
    # Not in the server's schema, yet both SDKs offer them and the server keeps them.
    multitask_strategy: Literal["reject", "rollback", "interrupt", "enqueue"] = _NONE
    checkpoint_during: bool = _NONE
    if_not_exists: Literal["create", "reject"] = _NONE


class ThreadCronCreate(RunOptions):
    """POST /threads/{thread_id}/runs/crons."""

    assistant_id: Annotated[str, Field(examples=["agent"])]
    schedule: Schedule
    end_time: Time = _NONE


class CronCreate(ThreadCronCreate):
    """POST /runs/crons."""


class CronPatch(RunOptions):
    """PATCH /runs/crons/{cron_id}. Null clears the end time."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    schedule: Schedule = _NONE
    end_time: Time | None = _NONE


class CronCount(Body):
    """POST /runs/crons/count, and the filters of a search."""

    assistant_id: Id = _NONE
    thread_id: Id = _NONE
    metadata: Object = _NONE
    enabled: bool = _NONE


SortBy = Literal["cron_id", "assistant_id", "thread_id", "next_run_date", "end_time", "created_at", "updated_at"]
CronField = Literal[
    "cron_id", "assistant_id", "thread_id", "on_run_completed", "end_time", "schedule", "timezone", "created_at",
    "updated_at", "user_id", "payload", "next_run_date", "metadata", "enabled",
]  # fmt: skip


class CronSearch(CronCount):
    """POST /runs/crons/search."""

    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)] = 10
    offset: Annotated[int, Field(ge=0), BeforeValidator(_whole)] = 0
    sort_by: SortBy = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"
    select: Annotated[list[CronField], FailFast(), Field(max_length=100)] = _NONE


_TIME = (
    "must be a time with an offset from UTC, such as 2030-12-24T18:00:00Z (in Python, "
    "datetime(2030, 12, 24, 18, tzinfo=timezone.utc))"
)

# Where a field may hold one of several shapes, pydantic reports each that did not fit; people want one sentence.
_SENTENCES = {
    "input": "must be an object or a list of objects",
    "interrupt_before": f'must be "*" or a list of node names (at most {NODES_LIMIT})',
    "interrupt_after": f'must be "*" or a list of node names (at most {NODES_LIMIT})',
    "stream_mode": "must be a stream mode or a list of them: values, messages, messages-tuple, tasks, checkpoints, "
    f"updates, events, debug, custom (at most {STREAM_MODES_LIMIT})",
    "webhook": WEBHOOK,
    "from": _TIME,
    "to": _TIME,
    "before": "must be a time with an offset from UTC, such as 2030-12-24T18:00:00Z (a + in it is written %2B)",
    "end_time": _TIME,
}


# Pydantic speaks Python, its readers here speak JSON.
_MUST = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "int_type": "must be an integer",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
    "too_long": "must have fewer items",
}


def read(schema: type[AnyBody], value: object, unknown_fields: UnknownFields = UnknownFields.CARRY) -> AnyBody:
    """The typed request. Raises RestError 422 for an unknown field that cannot be passed on, and for a value that its
    field cannot hold."""
    if not isinstance(value, dict):
        raise RestError(422, "The request body must be a JSON object")
    known = {field.alias or name: field for name, field in schema.model_fields.items()}
    unknown = [name for name in value if name not in known]
    refused = complaints(unknown, known, unknown_fields if issubclass(schema, RunOptions) else None)
    try:
        read = schema.model_validate({name: value[name] for name in known if name in value} if refused else value)
    except ValidationError as error:
        refused = [*explain(error), *refused]
    if refused:
        raise RestError(422, "; ".join(refused))
    return read


def explain(error: ValidationError) -> list[str]:
    """Pydantic's findings, each naming its field. Values are not quoted: they may be secrets."""
    sentences = []
    findings = error.errors(include_url=False, include_input=False, include_context=False)
    for found in findings[:SHOWN_FINDINGS]:
        name = str(found["loc"][0])[:SHOWN_CHARACTERS]
        path = ".".join(str(part)[:SHOWN_CHARACTERS] for part in found["loc"])
        if found["type"] == "missing":
            sentences.append(f"'{name}' is a required field")
        elif name in _SENTENCES:
            sentences.append(f"{name} {_SENTENCES[name]}")
        else:
            sentences.append(f"{path} {_MUST.get(found['type']) or found['msg'].replace('Input should', 'must')}")
    if (more := len(findings) - SHOWN_FINDINGS) > 0:
        sentences.append(f"and {more} more")
    return list(dict.fromkeys(sentences))


def read_uuid(kind: str, text: str) -> str:
    """A UUID in its usual spelling. Raises RestError 422 for any other text, in LangGraph's words; `kind` names it."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise RestError(422, f"Invalid {kind} ID: must be a UUID") from None
