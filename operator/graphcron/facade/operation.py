"""One operation of the OpenAPI document, and what several operations share. Pure."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from graphcron.facade import idempotency
from graphcron.facade.schemas import Body

REF = "#/components/schemas/"


class ErrorResponse(BaseModel):
    """What went wrong, and what to do."""

    detail: str = Field(description="One sentence, for people.")


@dataclass(frozen=True)
class Operation:
    """`answer` is the schema of a success; None for an empty 204. `errors` are its other statuses."""

    name: str
    summary: str
    body: type[Body] | None
    answer: dict[str, Any] | None
    errors: tuple[int, ...]
    headers: dict[str, Any] = field(default_factory=dict)
    parameters: tuple[dict[str, Any], ...] = ()
    status: int = 200
    needs_body: bool = True
    retry_on: frozenset[int] = frozenset({503})
    """The errors that say when to try again."""


def idempotency_key(description: str) -> dict[str, Any]:
    """The header that makes an operation safe to repeat."""
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.KEY_LIMIT, "pattern": "^[ -~]+$"},
    }


LINK = {
    "Link": {
        "description": "Where what the cron does and did is found: relation `status`.",
        "required": True,
        "schema": {"type": "string"},
    }
}
RETRY = {"Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer"}}}
