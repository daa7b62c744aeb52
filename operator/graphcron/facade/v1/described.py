"""The part of the OpenAPI document about `/graphcron/v1`. Pure."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from graphcron.facade.operation import LINK, REF, Operation, idempotency_key
from graphcron.facade.v1.changes import ACTOR_HEADER, ACTOR_LIMIT
from graphcron.facade.v1.described_costs import CostReport, CronForecast, CronSpending, FiringUsage
from graphcron.facade.v1.links import COSTS, CRONS
from graphcron.facade.v1.schemas import (
    BackfillRequest,
    CostQuery,
    CronQuery,
    FiringQuery,
    NoFields,
    PauseRequest,
    Query,
)
from graphcron.resource.status import FiringCounts

CRON = f"{CRONS}/{{cron_id}}"


class CronCondition(BaseModel):
    """A condition of the GraphCron, by Kubernetes' conventions."""

    type: str = Field(description="Type, such as Ready.", examples=["Ready"])
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(description="Reason in CamelCase, for programs.")
    message: str = Field(description="Explanation, for people.")
    last_transition_time: datetime = Field(description="When its status last changed.")


class CronFiring(BaseModel):
    """A firing that has ended, or several in a row that made no Job."""

    scheduled_time: datetime = Field(
        description="The minute in which it was due; of a requested run, when its Job was made."
    )
    last_scheduled_time: datetime | None = Field(description="The minute in which the last of several was due.")
    count: int = Field(description="How many firings this is.", ge=0)
    trigger: str = Field(description="What caused it: Schedule, Manual or Backfill.", examples=["Schedule"])
    outcome: str = Field(
        description="How it ended: Succeeded, Failed, Skipped, Missed, Replaced or WaitingForInput.",
        examples=["Succeeded"],
    )
    reason: str = Field(description="Reason in CamelCase, for programs.")
    message: str = Field(description="Explanation, for people.")
    advice: str = Field(description="What to do about it; empty when there is nothing to do.")
    job_name: str | None = Field(description="Its Job in Kubernetes.")
    run_id: str | None = Field(description="Its run on the Agent Server.")
    thread_id: str | None = Field(description="The thread of that run.")
    started_at: datetime | None = Field(description="When the run started.")
    finished_at: datetime | None = Field(description="When it ended.")
    duration_seconds: int | None = Field(description="How long the run took, or else between the two.")
    usage: FiringUsage | None = Field(description="Tokens that it used; null when nothing is known of it.")
    cost: str | None = Field(description="What these cost, as a decimal number; null without a price.")
    cost_incomplete: bool = Field(description="Whether some of these have no price: they cost at least this.")
    answer: str | None = Field(description="Text of its last message, where the cron records answers.")
    trace_url: str | None = Field(description="Address of its trace.")


class RunRequest(BaseModel):
    """A request to run a cron now, and what became of it."""

    token: str = Field(description="Identity of the request.")
    outcome: str = Field(
        description="Pending until the operator has carried it out; then Started or Refused, and at the end the "
        "outcome of its firing.",
        examples=["Pending"],
    )
    job_name: str | None = Field(description="The Job that was made.")
    reason: str | None = Field(description="Reason in CamelCase, for programs.")
    message: str = Field(description="Explanation, for people.")
    advice: str = Field(description="What to do about it; empty when there is nothing to do.")


class CronSummary(BaseModel):
    """What a cron does and did: whether it fires and why not, what is next, how its firings ended."""

    cron_id: UUID = Field(description="ID of the cron.")
    name: str = Field(description="Its name for people: a display name, the object's name or its input's first words.")
    graphcron: str = Field(description="Name of the GraphCron in Kubernetes.")
    namespace: str | None = Field(description="Its namespace.")
    owner: str | None = Field(description="Owner of the cron; null when it has none.")
    assistant_id: str | None = Field(description="Assistant that is run, as it was given.")
    thread_id: str | None = Field(description="Thread that it runs on; null when each firing has one of its own.")
    schedule: str | None = Field(description="Five cron fields.")
    schedule_in_words: str = Field(description="The schedule in English, or what is wrong with it.")
    timezone: str = Field(description="IANA time zone of the schedule.")
    enabled: bool = Field(description="Whether its schedule is on. It may be suspended or stalled all the same.")
    pause_reason: str | None = Field(description="Why it was paused, and by whom.")
    phase: str = Field(
        description="Reason of its condition Ready, such as Scheduled, Paused or MaxFailuresReached; Pending until the "
        "operator has read its spec.",
        examples=["Scheduled"],
    )
    message: str = Field(description="The phase in a sentence.")
    advice: str = Field(description="What to do about it; empty when there is nothing to do.")
    conditions: list[CronCondition] = Field(description="All of its conditions.")
    next_run_times: list[datetime] = Field(description="When it fires next, at most five times. Empty: it does not.")
    active: int = Field(description="Firings that are running.", ge=0)
    counts: FiringCounts = Field(description="Ended firings by outcome, since it was made.")
    success_rate: float | None = Field(description="Succeeded among succeeded, failed and missed.", ge=0, le=1)
    median_duration_seconds: float | None = Field(description="Of the recorded runs.")
    consecutive_failures: int = Field(description="Failures since the last success, change or resumption.", ge=0)
    last_schedule_time: datetime | None = Field(description="When it last was due and a Job was made.")
    last_successful_time: datetime | None = Field(description="When a firing last succeeded.")
    last_firing: CronFiring | None = Field(description="The last firing that ended.")
    last_outcomes: list[str] = Field(description="Outcomes of the last ten firings, the newest first.")
    last_request: RunRequest | None = Field(description="The newest request to run it now.")
    spending: CronSpending | None = Field(description="What it used; null when nothing is recorded of it.")
    forecast: CronForecast | None = Field(description="What a month will cost; null for a wrong schedule.")


class CronPage(BaseModel):
    """One page of crons. `phases` and `outcomes` count those that pass all filters but these two."""

    crons: list[CronSummary] = Field(description="The crons of the page.")
    total: int = Field(description="Crons that pass the filters.", ge=0)
    next_offset: int | None = Field(description="Offset of the next page; null on the last one.")
    phases: dict[str, int] = Field(description="Number of crons by phase.")
    outcomes: dict[str, int] = Field(description="Number of crons by the outcome of their last firing, or None.")


class FiringList(BaseModel):
    """Recorded firings of a cron, the newest first."""

    firings: list[CronFiring] = Field(description="The firings.")


class TimesLeftOut(BaseModel):
    """Scheduled times that are not run, for one reason."""

    reason: str = Field(description="Reason in CamelCase, for programs.")
    message: str = Field(description="Explanation, for people.")
    count: int = Field(description="How many.", ge=0)
    first: datetime = Field(description="The first of them.")
    last: datetime = Field(description="The last of them.")


class CronBackfill(BaseModel):
    """A backfill: runs of a cron for the times between two moments."""

    name: str = Field(description="Name of the GraphCronBackfill in Kubernetes.")
    cron_id: UUID = Field(description="ID of the cron.")
    from_: datetime = Field(alias="from", description="The first scheduled time that counts.")
    to: datetime = Field(description="Scheduled times at this moment or later do not count.")
    parallelism: int = Field(description="How many run at once.", ge=1)
    order: Literal["OldestFirst", "NewestFirst"] = Field(description="Which time comes first.")
    dry_run: bool = Field(description="Whether the times are listed alone.")
    rerun: bool = Field(description="Whether times run, too, whose run is known to have succeeded.")
    created_at: datetime = Field(description="When it was made.")
    phase: str = Field(
        description="Pending until the operator has read it; then Waiting, Running, Complete, DryRun, Stalled or "
        "Ended.",
        examples=["Running"],
    )
    message: str = Field(description="The phase in a sentence.")
    progress: str | None = Field(description="How many of the times are over, such as 37/200.")
    counts: dict[str, int] = Field(description="Number of times by what became of them.")
    first_times: list[datetime] = Field(description="The first times that are run, at most five.")
    last_times: list[datetime] = Field(description="The last ones, at most five.")
    left_out: list[TimesLeftOut] = Field(description="Times between the two moments that are not run, by reason.")
    firings: list[CronFiring] = Field(description="Firings that have ended, the last one first: at most 100.")
    started_at: datetime | None = Field(description="When the times were listed.")
    finished_at: datetime | None = Field(description="When the last of them was over.")


class BackfillList(BaseModel):
    """The backfills of a cron, the newest first."""

    backfills: list[CronBackfill] = Field(description="The backfills.")


def _parameters(query: type[Query]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": _bare(schema)}
        for name, schema in query.model_json_schema()["properties"].items()
    )


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """Without pydantic's title, the description, which stands beside it, and the null for "may be left out"."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {key: value for key, value in kept.items() if (key, value) != ("default", None)}


_ACTOR = {
    "name": ACTOR_HEADER,
    "in": "header",
    "required": False,
    "description": "Who acts, in the authentication mode `open`. In the others it is the caller, whatever this says.",
    "schema": {"type": "string", "minLength": 1, "maxLength": ACTOR_LIMIT, "pattern": "^[ -~]+$"},
}
_REPEATED = idempotency_key(
    "A request that is repeated with the same key answers with the first one, and runs nothing."
)
_TEXT = {"type": "string"}
_NAME = {"name": "name", "in": "path", "required": True, "schema": _TEXT | {"minLength": 1, "maxLength": 63}}
_BACKFILL = {"$ref": f"{REF}CronBackfill"}
_SUMMARY = {"$ref": f"{REF}CronSummary"}
_READ = (401, 403, 404, 422, 503)
_CHANGED = (401, 403, 404, 408, 409, 413, 422, 503)

OPERATIONS: dict[str, dict[str, Operation]] = {
    COSTS: {
        "get": Operation(
            "get_costs_graphcron_v1", "What the caller's crons used, and what the month will come to",
            None, {"$ref": f"{REF}CostReport"}, (400, 401, 403, 422, 503), parameters=_parameters(CostQuery),
        )
    },
    CRONS: {
        "get": Operation(
            "list_crons_graphcron_v1", "List crons: what each does and did, and how many there are of each kind",
            None, {"$ref": f"{REF}CronPage"}, (400, 401, 403, 422, 503), parameters=_parameters(CronQuery),
        )
    },
    CRON: {
        "get": Operation("get_cron_graphcron_v1", "What a cron does and did", None, _SUMMARY, _READ),
    },
    f"{CRON}/firings": {
        "get": Operation(
            "list_firings_graphcron_v1", "The recorded firings of a cron, the newest first",
            None, {"$ref": f"{REF}FiringList"}, _READ, parameters=_parameters(FiringQuery),
        )
    },
    f"{CRON}/run": {
        "post": Operation(
            "run_cron_graphcron_v1", "Run a cron now, once, also while it is paused",
            NoFields, {"$ref": f"{REF}RunRequest"}, (400, *_CHANGED), parameters=(_REPEATED,), status=202,
            headers=LINK | {"Location": {"description": "The cron.", "required": True, "schema": {"type": "string"}}},
            needs_body=False, retry_on=frozenset({409, 503}),
        )
    },
    f"{CRON}/pause": {
        "post": Operation(
            "pause_cron_graphcron_v1", "Pause a cron, with a reason and who did it",
            PauseRequest, _SUMMARY, (400, *_CHANGED), parameters=(_ACTOR,), needs_body=False,
        )
    },
    f"{CRON}/resume": {
        "post": Operation(
            "resume_cron_graphcron_v1", "Resume a cron that is paused, or that maxFailures has suspended",
            NoFields, _SUMMARY, _CHANGED, needs_body=False,
        )
    },
    f"{CRON}/backfills": {
        "get": Operation(
            "list_backfills_graphcron_v1", "The backfills of a cron, the newest first",
            None, {"$ref": f"{REF}BackfillList"}, _READ,
        ),
        "post": Operation(
            "create_backfill_graphcron_v1", "Run a cron for the times between two moments",
            BackfillRequest, _BACKFILL, (400, 401, 403, 404, 408, 413, 422, 429, 503), parameters=(_REPEATED,),
            status=201, headers={"Location": {"description": "The backfill.", "required": True, "schema": _TEXT}},
        ),
    },
    f"{CRON}/backfills/{{name}}": {
        "get": Operation("get_backfill_graphcron_v1", "One backfill", None, _BACKFILL, _READ, parameters=(_NAME,)),
        "delete": Operation(
            "delete_backfill_graphcron_v1", "End a backfill: what it has not begun is not run",
            None, None, _READ, parameters=(_NAME,),
        ),
    },
}  # fmt: skip

BODIES = (NoFields, PauseRequest, BackfillRequest)
ANSWERS = (CostReport, CronPage, FiringList, RunRequest, BackfillList)
