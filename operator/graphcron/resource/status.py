"""The status of a GraphCron as a pydantic model."""

from typing import Annotated, Literal

from pydantic import Field

from graphcron.resource.fields import Model, Time


class Condition(Model):
    """A condition by Kubernetes' conventions (metav1.Condition)."""

    type: str = Field(description="Type of the condition, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition holds.")
    observed_generation: int | None = Field(None, description="Generation of the spec that the condition refers to.")
    last_transition_time: Time = Field(description="When the status of the condition last changed.")
    reason: str = Field(description="Reason in CamelCase, for programs.")
    message: str = Field("", description="Explanation, for people.")


class HistoryEntry(Model):
    """One firing that has ended, or several consecutive ones without a Job."""

    scheduled_time: Time = Field(
        description="The minute in which it was due. For a Job created by hand: when the Job was created."
    )
    outcome: Literal["Succeeded", "Failed", "Skipped", "Missed", "WaitingForInput"] = Field(
        description="How the firing ended."
    )
    reason: str = Field(description="Reason in CamelCase, for programs.")
    message: str | None = Field(None, description="Explanation, for people.")
    job_name: str | None = Field(None, description="Job of the firing. While it is kept: `kubectl logs job/NAME`.")
    run_id: str | None = Field(None, description="ID of the run on the Agent Server.")
    thread_id: str | None = Field(None, description="ID of the thread of the run.")
    started_at: Time | None = Field(None, description="When the run started, or the Job if that is unknown.")
    finished_at: Time | None = Field(None, description="When the Job ended.")
    count: int | None = Field(None, description="How many consecutive firings this entry covers. Default: 1.")
    last_scheduled_time: Time | None = Field(
        None, description="The minute in which the last of several firings was due."
    )


class FiringCounts(Model):
    """Number of ended firings, by outcome."""

    succeeded: int = Field(0, description="Firings whose run ended successfully.")
    failed: int = Field(0, description="Firings whose run failed or could not be started.")
    skipped: int = Field(0, description="Firings that started no run, on purpose.")
    missed: int = Field(0, description="Firings for which the cluster created no Job in time.")
    waiting: int = Field(0, description="Firings whose run stopped to wait for input (WaitingForInput).")

    @staticmethod
    def name_of(outcome: str) -> str:
        """The count of an outcome."""
        return "waiting" if outcome == "WaitingForInput" else outcome.lower()


class GraphCronStatus(Model):
    """What the operator observed and did."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this status refers to.")
    conditions: list[Condition] | None = Field(
        None,
        description="Current conditions, at most one of each type.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    cron_job_name: str | None = Field(None, description="Name of the CronJob.")
    timezone: str | None = Field(None, description="Time zone of the schedule, with the default filled in.")
    enabled: bool | None = Field(
        None, description="Whether it fires, now or from startTime on. False while paused, expired or suspended."
    )
    next_run_times: Annotated[list[Time], Field(max_length=5)] | None = Field(
        None, description="Times of the next firings in UTC, at most five."
    )
    last_schedule_time: Time | None = Field(
        None, description="Scheduled time of the last firing for which a Job was created."
    )
    last_successful_time: Time | None = Field(None, description="When a firing last succeeded.")
    active: int | None = Field(None, description="How many firings are running.")
    history: Annotated[list[HistoryEntry], Field(max_length=10)] | None = Field(
        None, description="The last ten firings, newest first."
    )
    firings: FiringCounts | None = Field(
        None, description="Number of firings by outcome, since the GraphCron was created."
    )
    consecutive_failures: int | None = Field(
        None, description="Number of failed firings since the last success and the last change of the spec."
    )
