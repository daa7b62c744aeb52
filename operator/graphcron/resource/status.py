"""The status of a GraphCron as a pydantic model."""

from typing import Annotated, Literal

from pydantic import Field

from graphcron.resource.fields import Model, Time


class Condition(Model):
    """A condition by Kubernetes' conventions (metav1.Condition)."""

    type: str = Field(description="What it is about, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    observed_generation: int | None = Field(None, description="Generation of the spec that it is about.")
    last_transition_time: Time = Field(description="When its status last changed.")
    reason: str = Field(description="CamelCase, for programs.")
    message: str = Field("", description="A sentence, for people.")


class HistoryEntry(Model):
    """One firing that is over, or several in a row that made no Job."""

    scheduled_time: Time = Field(description="The minute it was due; for a Job made by hand, when that was made.")
    outcome: Literal["Succeeded", "Failed", "Skipped", "Missed"] = Field(description="How it ended.")
    reason: str = Field(description="CamelCase, for programs.")
    message: str | None = Field(None, description="A sentence, for people.")
    job_name: str | None = Field(None, description="Job of the firing: `kubectl logs job/NAME` while it is kept.")
    run_id: str | None = Field(None, description="Run on the Agent Server.")
    thread_id: str | None = Field(None, description="Thread of the run.")
    started_at: Time | None = Field(None, description="When its run started; when its pod did, if that is not known.")
    finished_at: Time | None = Field(None, description="When its Job ended.")
    count: int | None = Field(None, description="How many firings in a row this is about. Default: 1.")
    last_scheduled_time: Time | None = Field(None, description="The minute the last of several was due.")


class FiringCounts(Model):
    """Firings that are over, by outcome."""

    succeeded: int = Field(0, description="Runs that ended well.")
    failed: int = Field(0, description="Runs that did not, or could not be started.")
    skipped: int = Field(0, description="Firings that started nothing on purpose.")
    missed: int = Field(0, description="Firings for which the cluster made no Job in time.")


class GraphCronStatus(Model):
    """What the operator has seen and done."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this status is about.")
    conditions: list[Condition] | None = Field(
        None,
        description="What is so now, one of each type.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    cron_job_name: str | None = Field(None, description="CronJob that fires it.")
    timezone: str | None = Field(None, description="Time zone in force.")
    enabled: bool | None = Field(None, description="Whether it fires: enabled, and with firings left before endTime.")
    next_run_times: Annotated[list[Time], Field(max_length=5)] | None = Field(
        None, description="The next firings, at most five, UTC."
    )
    last_schedule_time: Time | None = Field(None, description="When it was last due and a Job was made.")
    last_successful_time: Time | None = Field(None, description="When a firing last succeeded.")
    active: int | None = Field(None, description="Firings that are running now.")
    history: Annotated[list[HistoryEntry], Field(max_length=10)] | None = Field(
        None, description="The last ten firings, newest first."
    )
    firings: FiringCounts | None = Field(None, description="How many firings ended in which way, since it was made.")
    consecutive_failures: int | None = Field(
        None, description="Failed firings since the last success and since the spec was last changed."
    )
