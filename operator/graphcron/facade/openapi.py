"""The OpenAPI document of the facade, `/openapi.json`, generated from the schemas that read the bodies. Pure.

Operations and schemas have the names that LangGraph's own document gives them, so a client that was generated from
that one keeps its shape.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from graphcron import __version__
from graphcron.facade import metadata_keys
from graphcron.facade.auth.callers import API_KEY_HEADER, Mode
from graphcron.facade.idempotency import HEADER
from graphcron.facade.operation import LINK, REF, RETRY, ErrorResponse, Operation, idempotency_key
from graphcron.facade.schemas import BODY_LIMIT, CronCount, CronCreate, CronPatch, CronSearch, ThreadCronCreate
from graphcron.facade.unknown_fields import UnknownFields
from graphcron.facade.v1 import described as v1
from graphcron.facade.v1.changes import ACTOR_HEADER
from graphcron.facade.v1.links import BASE, FORECAST_HEADER
from graphcron.resource.spec import GraphCronSpec


class Cron(BaseModel):
    """A schedule by which runs of an assistant are started."""

    cron_id: UUID = Field(description="ID of the cron.")
    assistant_id: UUID = Field(description="Assistant that is run.")
    thread_id: UUID | None = Field(description="Thread that it runs on; null when each firing has one of its own.")
    user_id: str = Field(description="Owner of the cron; empty when it has none.")
    end_time: datetime | None = Field(description="No firing is due at or after this instant.")
    schedule: str = Field(description="Five cron fields: minute, hour, day of month, month, day of week.")
    timezone: str | None = Field(description="IANA time zone of the schedule; null means UTC.")
    payload: dict[str, Any] = Field(description="The run request. Credentials in its webhook are masked.")
    next_run_date: datetime | None = Field(description="When it fires next; null when it will not.")
    metadata: dict[str, Any] = Field(
        description="Metadata of the cron and of its runs. Keys that begin with graphcron.dev/ are fields of the "
        "GraphCron, and its runs do not get them."
    )
    on_run_completed: Literal["delete", "keep"] | None = Field(
        description="What becomes of the thread after the run; null on a thread of the user's."
    )
    enabled: bool = Field(description="Whether the schedule fires.")
    created_at: datetime = Field(description="When it was made.")
    updated_at: datetime = Field(description="When it was last changed.")


_CRON = {"$ref": f"{REF}Cron"}
_PROBED = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"]}
_CREATED = (400, 401, 403, 404, 408, 409, 413, 422, 429, 503)

_IDEMPOTENCY_KEY = idempotency_key("A create that is repeated with the same key and body answers with the first cron.")
_PAGES = {
    "X-Pagination-Total": {
        "description": "One more than is known to be there; on the last page how many there are.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "X-Pagination-Next": {
        "description": "Offset of the next page; absent on the last one.",
        "schema": {"type": "integer"},
    },
}
_WARNED = LINK | {
    "Warning": {
        "description": (
            "Names the fields that were passed on unread, and says when input that a run waits for could never be "
            "given."
        ),
        "schema": {"type": "string"},
    },
    FORECAST_HEADER: {
        "description": "How many firings a month that is, and what they will cost as far as it is known, in sentences.",
        "schema": {"type": "string"},
    },
}

_OPERATIONS: dict[str, dict[str, Operation]] = {
    "/runs/crons": {
        "post": Operation(
            "create_cron_runs_crons_post",
            "Create a cron whose firings each run on a new thread",
            CronCreate, _CRON, _CREATED, parameters=(_IDEMPOTENCY_KEY,), headers=_WARNED,
        )
    },
    "/threads/{thread_id}/runs/crons": {
        "post": Operation(
            "create_thread_cron_threads__thread_id__runs_crons_post",
            "Create a cron whose firings run on this thread",
            ThreadCronCreate, _CRON, _CREATED, parameters=(_IDEMPOTENCY_KEY,), headers=_WARNED,
        )
    },
    "/runs/crons/search": {
        "post": Operation(
            "search_crons_runs_crons_post",
            "Find crons",
            CronSearch, {"type": "array", "items": {"$ref": f"{REF}CronFields"}},
            (401, 403, 408, 413, 422, 503), headers=_PAGES,
        )
    },
    "/runs/crons/count": {
        "post": Operation(
            "count_crons_runs_crons_count_post",
            "Count crons",
            CronCount, {"type": "integer", "minimum": 0}, (401, 403, 408, 413, 422, 503),
        )
    },
    "/runs/crons/{cron_id}": {
        "get": Operation(
            "get_cron_runs_crons__cron_id__get", "Get a cron", None, _CRON, (401, 403, 404, 422, 503), headers=LINK
        ),
        "patch": Operation(
            "patch_cron_runs_crons__cron_id__patch",
            "Change a cron: given fields replace, metadata merges, what is left out stays",
            CronPatch, _CRON, (400, 401, 403, 404, 408, 409, 413, 422, 503), headers=_WARNED,
        ),
        "delete": Operation(
            "delete_cron_runs_crons__cron_id__delete", "Delete a cron", None, None, (401, 403, 404, 422, 503)
        ),
    },
    "/openapi.json": {
        "get": Operation("facade_openapi", "This document", None, {"type": "object"}, (401,)),
    },
    "/healthz": {"get": Operation("facade_healthz", "Whether the facade runs", None, _PROBED, ())},
    "/readyz": {"get": Operation("facade_readyz", "Whether Kubernetes answers the facade", None, _PROBED, (503,))},
}  # fmt: skip

_LINKS = {
    name: {
        "operationId": _OPERATIONS["/runs/crons/{cron_id}"][name].name,
        "parameters": {"cron_id": "$response.body#/cron_id"},
    }
    for name in ("get", "patch", "delete")
}
"""From a new cron to what can be done with it."""

_PROBES = ("/healthz", "/readyz")
"""Open to every caller: the kubelet has no key."""

_API_KEY = {"type": "apiKey", "in": "header", "name": API_KEY_HEADER}

_ERRORS = {
    400: f"The request asks for nothing, its URL is too long, or its encoding, {HEADER} or {ACTOR_HEADER} is malformed",
    401: "No API key or token was sent, or one that is not known; or the Agent Server wants other credentials",
    403: "Nobody may use crons here yet, or the Agent Server refuses the caller",
    404: "There is no such cron, thread or assistant for the caller",
    408: "The body did not come in time",
    409: "Others are changing the cron, or have taken its place; or an earlier request to run it is still open",
    413: f"The body is larger than {BODY_LIMIT} bytes",
    422: "The request cannot be carried out as it is",
    429: "The caller has as many crons as are allowed",
    503: "Kubernetes or the Agent Server gives no answer now, and nothing was changed",
}


def document(mode: Mode, unknown_fields: UnknownFields = UnknownFields.CARRY) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the facade's own endpoints. `mode` determines the security schemes."""
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "GraphCron facade",
            "version": __version__,
            "description": "LangGraph's cron endpoints over GraphCrons in Kubernetes, and GraphCron's own. Every other "
            "path is the Agent Server's.",
        },
        "tags": [
            {"name": "Crons", "description": "Runs by a schedule."},
            {"name": "GraphCron", "description": "What crons do and did, and actions on them."},
            {"name": "Facade", "description": "The facade itself."},
        ],
        "paths": {
            path: {method: _described(path, operation) for method, operation in operations.items()}
            for path, operations in (_OPERATIONS | v1.OPERATIONS).items()
        },
        "components": {"schemas": _schemas(unknown_fields)},
    }
    if mode is Mode.API_KEYS:
        described["components"]["securitySchemes"] = {API_KEY_HEADER: _API_KEY}
        described["security"] = [{API_KEY_HEADER: []}]
    if mode is Mode.TOKEN_REVIEW:
        described["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"bearer": []}]
    return described


def _described(path: str, operation: Operation) -> dict[str, Any]:
    parameters = [*operation.parameters]
    for name in ("cron_id", "thread_id"):
        if f"{{{name}}}" in path:
            schema = {"type": "string", "format": "uuid"}
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    described: dict[str, Any] = {
        "tags": [_tag(path)],
        "summary": operation.summary,
        "operationId": operation.name,
        "responses": _success(operation)
        | {str(status): _error(status, retry=status in operation.retry_on) for status in operation.errors},
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        schema = {"$ref": REF + operation.body.__name__}
        described["requestBody"] = {"required": operation.needs_body, "content": _json(schema)}
    if path in _PROBES:
        described["security"] = []
    return described


def _tag(path: str) -> str:
    if path.startswith(BASE):
        return "GraphCron"
    return "Crons" if "crons" in path else "Facade"


def _success(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {"204": {"description": "Done"}}
    answer: dict[str, Any] = {"description": "Success", "content": _json(operation.answer)}
    if operation.errors == _CREATED:
        answer["links"] = _LINKS
    return {str(operation.status): answer | ({"headers": operation.headers} if operation.headers else {})}


def _error(status: int, *, retry: bool) -> dict[str, Any]:
    error: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. {_ERRORS[status]}.",
        "content": _json({"$ref": f"{REF}ErrorResponse"}),
    }
    return error | ({"headers": RETRY} if retry else {})


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schemas(unknown_fields: UnknownFields) -> dict[str, Any]:
    bodies = [CronCreate, ThreadCronCreate, CronPatch, CronSearch, CronCount]
    models = [(model, "validation") for model in (*bodies, Cron, ErrorResponse, *v1.BODIES, *v1.ANSWERS)]
    _, generated = models_json_schema(models, ref_template=REF + "{model}")  # type: ignore[arg-type]
    schemas = {name: _plain(schema) for name, schema in generated["$defs"].items()}
    further = {"description": "An option of the runs that the facade does not know: it is passed on unchanged."}
    for model in bodies[:3]:
        carries = unknown_fields is UnknownFields.CARRY
        schemas[model.__name__]["additionalProperties"] = further if carries else False
        _describe_fields(schemas[model.__name__]["properties"], "" if model is CronPatch else " Default: ")
        schemas[model.__name__]["properties"]["metadata"]["properties"] = _metadata_keys()
    found = {key: value for key, value in schemas["Cron"].items() if key != "required"}
    schemas["CronFields"] = found | {"description": "A cron, or those of its fields that `select` names."}
    return dict(sorted(schemas.items()))


def _metadata_keys() -> dict[str, Any]:
    """The keys that set fields of the GraphCron; null removes one."""
    fields = GraphCronSpec.model_json_schema()["properties"]
    return {key: _plain(fields[field]) for key, field in metadata_keys.FIELDS.items()}


def _describe_fields(properties: dict[str, Any], default: str) -> None:
    """A field of the spec means the same here. An update has no defaults: what is left out stays."""
    for name, schema in properties.items():
        if name in GraphCronSpec.model_fields:
            text, _, rest = str(GraphCronSpec.model_fields[name].description).partition(" Default: ")
            schema["description"] = text + default + rest if default and rest else text


def _plain(schema: Any) -> Any:
    """Without pydantic's titles, Kubernetes' extensions, and the null that stands for "may be left out"."""
    match schema:
        case dict():
            return {
                key: {name: _plain(field) for name, field in value.items()} if key == "properties" else _plain(value)
                for key, value in schema.items()
                if not (key == "title" or key.startswith("x-kubernetes-") or (key == "default" and value is None))
            }
        case list():
            return [_plain(item) for item in schema]
        case _:
            return schema
