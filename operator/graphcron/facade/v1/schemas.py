"""The schemas of the queries and bodies of `/graphcron/v1`."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from graphcron.facade.errors import RestError
from graphcron.facade.schemas import Body, explain
from graphcron.firing.formats import format_time
from graphcron.resource.backfill import PARALLELISM_LIMIT
from graphcron.resource.fields import Time
from graphcron.resource.spec_reader import SHOWN_CHARACTERS
from graphcron.views.actions import REASON_LIMIT
from graphcron.views.costs import By

AnyQuery = TypeVar("AnyQuery", bound="Query")

_NONE: Any = None
TEXT_LIMIT = 256
VALUES_LIMIT = 20
"""Values of one filter."""


def _number(value: object) -> object:
    """Python reads 1_0 and ٣, too."""
    return int(value) if isinstance(value, str) and re.fullmatch("-?[0-9]{1,9}", value) else value


def _truth(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Number = Annotated[int, Field(strict=True), BeforeValidator(_number)]
Truth = Annotated[bool, Field(strict=True), BeforeValidator(_truth)]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
Texts = Annotated[list[Text], Field(max_length=VALUES_LIMIT)]
Order = Literal["attention", "name", "next_run", "created_at"]


class Query(BaseModel):
    """The parameters of a query string. Those of `LISTS` may be given several times."""

    model_config = ConfigDict(extra="forbid")

    LISTS: ClassVar[frozenset[str]] = frozenset()


class CronQuery(Query):
    """GET /graphcron/v1/crons: filters, which all have to hold, and the page."""

    LISTS = frozenset({"phase", "outcome", "label"})

    phase: Texts = Field(_NONE, description="Only crons in one of these phases.")
    outcome: Texts = Field(
        _NONE, description="Only crons whose last firing ended so; None for those of which none has ended."
    )
    enabled: Truth = Field(_NONE, description="Only crons whose schedule is on, or off.")
    assistant_id: Text = Field(_NONE, description="Only crons of this assistant, by its name or its id.")
    owner: Text = Field(_NONE, description="Only crons of this owner, for those who see several.")
    label: Texts = Field(_NONE, description="Only crons with each of these labels, key=value, or key alone.")
    q: Text = Field(_NONE, description="Only crons with all of these words in name, id, assistant, schedule or owner.")
    sort_by: Order = Field(
        "attention",
        description="attention: what somebody has to act on first; next_run: crons that do not fire last; "
        "created_at: the newest first.",
    )
    limit: Annotated[Number, Field(ge=1, le=100)] = Field(20, description="Crons of the page.")
    offset: Annotated[Number, Field(ge=0, le=1_000_000)] = Field(0, description="Crons before the page.")


class FiringQuery(Query):
    """GET /graphcron/v1/crons/{cron_id}/firings."""

    limit: Annotated[Number, Field(ge=1, le=100)] = Field(10, description="Firings of the answer. Ten are recorded.")
    before: Time = Field(_NONE, description="Only firings that were due before this time.")


ROWS_LIMIT = 100


class CostQuery(Query):
    """GET /graphcron/v1/costs."""

    by: By = Field("cron", description="What a row is. By model and by day only the month is known.")
    limit: Annotated[Number, Field(ge=1, le=ROWS_LIMIT)] = Field(20, description="Rows of the answer, the dearest.")


class NoFields(Body):
    """POST …/run and …/resume: the body may be left out."""


class PauseRequest(Body):
    """POST /graphcron/v1/crons/{cron_id}/pause. The body may be left out."""

    reason: Annotated[str, Field(max_length=REASON_LIMIT)] = Field(
        _NONE, description="Why, for people to read. Who paused it is added."
    )


class BackfillRequest(Body):
    """POST /graphcron/v1/crons/{cron_id}/backfills: the times for which the cron is to run."""

    from_: Time = Field(alias="from", description="The first scheduled time that counts, if one is at this moment.")
    to: Time = Field(description="Scheduled times at this moment or later do not count.")
    parallelism: Annotated[int, Field(ge=1, le=PARALLELISM_LIMIT)] = Field(
        _NONE, description="How many run at once. Default: 1."
    )
    order: Literal["OldestFirst", "NewestFirst"] = Field(
        _NONE, description="Which time comes first. Default: OldestFirst."
    )
    dry_run: bool = Field(_NONE, description="Whether to list the times alone, and to run nothing. Default: false.")
    rerun: bool = Field(
        _NONE, description="Whether to run times, too, whose run is known to have succeeded. Default: false."
    )

    def spec(self) -> dict[str, Any]:
        """As the resource has it."""
        given = {to_camel(name.strip("_")): getattr(self, name) for name in type(self).model_fields}
        times = {name: format_time(given[name]) for name in ("from", "to")}
        return {name: value for name, value in (given | times).items() if value is not None}


def read_query(schema: type[AnyQuery], given: Sequence[tuple[str, str]]) -> AnyQuery:
    """The typed query of these parameters. Raises RestError 422."""
    values: dict[str, Any] = {}
    for name, value in given:
        if name not in schema.model_fields:
            known = ", ".join(schema.model_fields)
            raise RestError(422, f"'{name[:SHOWN_CHARACTERS]}' is no parameter here: there are {known}")
        if name in schema.LISTS:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise RestError(422, f"{name} was given several times: give it once")
        else:
            values[name] = value
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise RestError(422, "; ".join(explain(error))) from None
