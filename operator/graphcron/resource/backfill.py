"""GraphCronBackfill: runs a GraphCron for scheduled times that have passed. Spec and status as pydantic models."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from graphcron.resource.fields import INVALID_SPEC, InvalidGraphCron, Model, Time
from graphcron.resource.identity import NAME_LIMIT
from graphcron.resource.spec_reader import check_extent, explain
from graphcron.resource.status import Condition, Count, EndedFiring, Message, Reason
from graphcron.resource.usage import Spent

KIND = "GraphCronBackfill"
PLURAL = "graphcronbackfills"

NAME_MESSAGE = "metadata.name must be no more than 63 characters: its Jobs carry it as a label"
BACKFILL_NAME_LIMIT = 63

SLOTS_LIMIT = 10_000
"""Scheduled times of one backfill; more are refused."""
PARALLELISM_LIMIT = 100
DEFAULT_PARALLELISM = 1
STATUS_UNREADABLE = "StatusUnreadable"
"""The reason of a backfill whose status is no such status: what was done would be done again."""
FIRINGS_LIMIT = 100
"""Firings that a status describes, so that it stays small whatever the number of scheduled times."""
SLOTS_TEXT_LIMIT = 64 * 1024
"""Characters of 10,000 scheduled times without any regularity, and some to spare (`resource.slots`)."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before it, the number of a minute has seven digits, and the CronJob controller's Job names have eight."""

ENDS_AFTER_IT_BEGINS = "to must be after from"
NOT_SO_EARLY = "from must not be before 1990-01-01T00:00:00Z"
UNCHANGED = (
    "a backfill cannot be changed, except parallelism and, from true to false, dryRun: delete it and create another"
)

Phase = Literal["Waiting", "Running", "Complete", "DryRun", "Stalled", "Ended"]

_FIXED = {"x-kubernetes-validations": [{"rule": "self == oldSelf", "message": UNCHANGED}]}
"""Of a field that stays as it is. That it is neither added nor removed, the spec's own rule says."""

FixedTime = Annotated[
    Time, Field(json_schema_extra={"type": "string", "format": "date-time", "maxLength": 64} | _FIXED)
]


class BackfillSpec(Model):
    """Which GraphCron runs for which scheduled times, and how many at once."""

    graph_cron: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, json_schema_extra=_FIXED)] = Field(
        description="Name of the GraphCron, in the same namespace."
    )
    from_: FixedTime = Field(
        alias="from", description="The first scheduled time that counts, if one is at this moment."
    )
    to: FixedTime = Field(description="Scheduled times at this moment or later do not count.")
    parallelism: Annotated[int, Field(ge=1, le=PARALLELISM_LIMIT)] | None = Field(
        None,
        description="How many Jobs run at once. It may be changed. With concurrencyPolicy Forbid or Replace there is "
        "one, and it waits for the GraphCron's other runs. Default: 1.",
    )
    order: (
        Annotated[
            Literal["OldestFirst", "NewestFirst"], Field(json_schema_extra={"type": "string", "maxLength": 16} | _FIXED)
        ]
        | None
    ) = Field(None, description="Which scheduled time comes first. Default: OldestFirst.")
    dry_run: bool | None = Field(
        None,
        description="Whether to list the scheduled times in the status only, and to run nothing. Set it to false to "
        "run them. Default: false.",
    )
    rerun: Annotated[bool, Field(json_schema_extra=_FIXED)] | None = Field(
        None, description="Whether to run scheduled times, too, whose run is known to have succeeded. Default: false."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self.from < self.to", "message": ENDS_AFTER_IT_BEGINS},
                {"rule": "self.from >= timestamp('1990-01-01T00:00:00Z')", "message": NOT_SO_EARLY},
                {
                    "rule": "has(self.order) == has(oldSelf.order) && has(self.rerun) == has(oldSelf.rerun) "
                    "&& (!has(self.dryRun) || !self.dryRun || has(oldSelf.dryRun) && oldSelf.dryRun)",
                    "message": UNCHANGED,
                },
            ]
        }
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError(ENDS_AFTER_IT_BEGINS)
        if self.from_ < EARLIEST:
            raise ValueError(NOT_SO_EARLY)
        return self


class LeftOut(Model):
    """Scheduled times between from and to that are not run, for one reason."""

    reason: Reason = Field(description="Reason in CamelCase, for programs.")
    message: Message = Field(description="Explanation, for people.")
    count: Count = Field(description="How many scheduled times.")
    first: Time = Field(description="The first of them.")
    last: Time = Field(description="The last of them.")


class BackfillCounts(Model):
    """Number of scheduled times. Those that are run are remaining, active, or over with one of the outcomes."""

    slots: Count = Field(0, description="Scheduled times that are run.")
    remaining: Count = Field(0, description="Scheduled times whose turn has not come.")
    active: Count = Field(0, description="Scheduled times whose Job is under way.")
    succeeded: Count = Field(0, description="Firings whose run ended successfully.")
    failed: Count = Field(0, description="Firings whose run failed or could not be started.")
    skipped: Count = Field(0, description="Firings that started no run, on purpose.")
    waiting: Count = Field(0, description="Firings whose run stopped to wait for input (WaitingForInput).")
    left_out: Count = Field(0, description="Scheduled times between from and to that are not run.")


class ActiveFiring(Model):
    """A scheduled time whose turn has come."""

    scheduled_time: Time = Field(description="The minute in which it was due.")
    job_name: Annotated[str, Field(max_length=63)] = Field(description="Its Job.")
    job_uid: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="UID of its Job, once that was created."
    )


class BackfillFiring(EndedFiring):
    """A firing of the backfill that has ended."""

    outcome: Literal["Succeeded", "Failed", "Skipped", "Replaced", "WaitingForInput"] = Field(
        description="How the firing ended."
    )


SlotsText = Annotated[str, Field(max_length=SLOTS_TEXT_LIMIT)]
Slots = Annotated[list[Time], Field(max_length=5)]


class BackfillStatus(Model):
    """What the operator has done of a backfill."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this status refers to.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        None,
        description="Current conditions: Complete is True when every scheduled time is over, and says otherwise what "
        "the backfill does or waits for. Stalled is there, and True, when it cannot go on.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    phase: Phase | None = Field(None, description="The conditions in one word.")
    progress: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="How many of the scheduled times are over, such as 37/200."
    )
    graph_cron_uid: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="UID of the GraphCron whose scheduled times were listed."
    )
    started_at: Time | None = Field(None, description="When the scheduled times were listed.")
    finished_at: Time | None = Field(None, description="When the last of them was over.")
    counts: BackfillCounts | None = Field(None, description="Number of scheduled times by what became of them.")
    spent: Spent | None = Field(None, description="What its firings used. It is part of what the GraphCron spent.")
    first_slots: Slots | None = Field(None, description="The first scheduled times that are run, at most five.")
    last_slots: Slots | None = Field(None, description="The last ones, at most five.")
    left_out: Annotated[list[LeftOut], Field(max_length=16)] | None = Field(
        None, description="Scheduled times between from and to that are not run, by reason."
    )
    active: Annotated[list[ActiveFiring], Field(max_length=PARALLELISM_LIMIT)] | None = Field(
        None, description="Scheduled times whose Job is under way."
    )
    firings: Annotated[list[BackfillFiring], Field(max_length=FIRINGS_LIMIT)] | None = Field(
        None,
        description="Firings that have ended, the last one first: at most 100, of which up to 80 did not succeed.",
    )
    remaining: SlotsText | None = Field(
        None, description="Scheduled times whose turn has not come, encoded for the operator."
    )
    succeeded: SlotsText | None = Field(
        None, description="Scheduled times whose run succeeded, encoded for the operator."
    )


def read_backfill(spec: object) -> BackfillSpec:
    """The spec of a GraphCronBackfill as the apiserver has it. Raises InvalidGraphCron with one sentence."""
    check_extent(spec)
    try:
        return BackfillSpec.model_validate(spec)
    except ValidationError as error:
        raise InvalidGraphCron(INVALID_SPEC, explain(error)) from None


def read_backfill_status(found: Any) -> BackfillStatus:
    """The status of a GraphCronBackfill; the empty one until there is one. Raises InvalidGraphCron when it cannot be
    read."""
    if not isinstance(found, dict):
        return BackfillStatus()
    try:
        return BackfillStatus.model_validate(found)
    except ValidationError as error:
        raise InvalidGraphCron(STATUS_UNREADABLE, explain(error, "status")) from None
