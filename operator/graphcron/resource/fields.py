"""The base model and the field types that spec and status share."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from graphcron.firing.formats import parse_time

DEPTH_LIMIT = 250
"""Levels of nesting of a spec; LangGraph's server and pydantic both end at 254."""


INVALID_SPEC = "InvalidSpec"
"""The reason of a spec that its model refuses."""


def clipped(text: str, limit: int) -> str:
    """At most so many characters of a message: the beginning, and how long it was. What others wrote into it has no
    length that one could count on."""
    if len(text) <= limit:
        return text
    rest = f"… ({len(text)} characters)"
    return text[: limit - len(rest)] + rest


class InvalidGraphCron(Exception):
    """A GraphCron that cannot be scheduled, with a CamelCase `reason` and a message that says what to write instead."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Model(BaseModel):
    """Reads and writes camelCase, refuses what it does not know, never changes after it was read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    def to_dict(self) -> dict[str, Any]:
        """As Kubernetes stores it: camelCase, fields that are not set left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        # 9999-12-31T23:59:59-05:00 is a time, and has no equal in UTC within the years that there are.
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


TIME_LIMIT = 64
"""Characters of a time, with its fraction of a second."""


def _rfc3339(value: object) -> object:
    """Kubernetes times are RFC 3339 strings; pydantic alone would also take Unix numbers."""
    if isinstance(value, str) and len(value) <= TIME_LIMIT:
        return parse_time(value)
    if isinstance(value, datetime):
        return value
    raise ValueError("must be an RFC 3339 time, such as 2026-12-24T18:00:00Z")


Time = Annotated[
    datetime,
    BeforeValidator(_rfc3339),
    AfterValidator(_utc),
    Field(json_schema_extra={"type": "string", "format": "date-time", "maxLength": TIME_LIMIT}),
]
"""An instant, in UTC with whole seconds."""

# Free-form JSON is kept by the apiserver as it came, whatever its shape.
Json = Annotated[Any, Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
JsonObject = Annotated[
    dict[str, Any], Field(json_schema_extra={"type": "object", "x-kubernetes-preserve-unknown-fields": True})
]
Config = Annotated[
    dict[str, Any],
    Field(
        json_schema_extra={
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            # For CEL, which sees declared fields alone.
            "properties": {
                "configurable": {
                    "type": "object",
                    "description": "Settings that the graph reads. Excludes context.",
                    "x-kubernetes-preserve-unknown-fields": True,
                }
            },
        }
    ),
]
NODES_LIMIT = 256
STREAM_MODES_LIMIT = 32
"""Items of a list: of each mode one, and some that are named twice."""

# CRD schemas know no "this or that type", so a union is bounded there (`resource.crd`) and checked here.
Node = Annotated[str, Field(max_length=1024)]
Nodes = Annotated[
    Literal["*"] | Annotated[list[Node], Field(max_length=NODES_LIMIT)],
    Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
]
StreamMode = Literal[
    "values", "messages", "messages-tuple", "tasks", "checkpoints", "updates", "events", "debug", "custom"
]
StreamModes = Annotated[
    StreamMode | Annotated[list[StreamMode], Field(max_length=STREAM_MODES_LIMIT)],
    Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
]

ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
"""Of an object in Kubernetes, or of a key in a Secret or ConfigMap."""


class KeySelector(Model):
    """One key of a Secret or ConfigMap in the GraphCron's namespace."""

    name: ObjectName = Field(description="Name of the Secret or ConfigMap.")
    key: ObjectName = Field(description="Key in the Secret or ConfigMap.")


class NameReference(Model):
    """A whole Secret or ConfigMap in the GraphCron's namespace."""

    name: ObjectName = Field(description="Name of the object.")
