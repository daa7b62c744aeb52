"""The status of a GraphCron as a pydantic model."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError

from graphcron.resource.fields import Model, Time, clipped
from graphcron.resource.notify import NOTIFICATIONS_LIMIT, Happening
from graphcron.resource.usage import Amount, Spending, Usage

NOT_OBSERVED = -1
"""`observedGeneration` of a GraphCron that no operator has reconciled."""
MESSAGE_LIMIT = 2048
REASON_LIMIT = 128
"""Characters. Messages quote the apiserver, the Agent Server and graphs, and reasons come from run pods: in a status
they are cut, not refused. Kubernetes refuses an Event with a longer reason."""
_ID_LIMIT = 256
ANSWER_LIMIT = 1000
TRACE_URL_LIMIT = 2048


def _cut(limit: int) -> Callable[[object], object]:
    return lambda value: clipped(value, limit) if isinstance(value, str) else value


Message = Annotated[str, BeforeValidator(_cut(MESSAGE_LIMIT)), Field(max_length=MESSAGE_LIMIT)]
Reason = Annotated[str, BeforeValidator(_cut(REASON_LIMIT)), Field(max_length=REASON_LIMIT)]
Id = Annotated[str, BeforeValidator(_cut(_ID_LIMIT)), Field(max_length=_ID_LIMIT)]
"""Of a run or a thread: an Agent Server's own."""

COUNT_LIMIT = 2**31 - 1
"""One firing a minute takes 4,000 years to it. What is more was not counted, and adding to it would leave int64."""


def _bounded(value: object) -> object:
    """Whoever may patch the status can put any number there: the nearest possible one is as good."""
    return min(max(value, 0), COUNT_LIMIT) if isinstance(value, int) else value


Count = Annotated[int, Field(ge=0, le=COUNT_LIMIT), BeforeValidator(_bounded)]


class Condition(Model):
    """A condition by Kubernetes' conventions (metav1.Condition)."""

    type: Annotated[str, Field(max_length=316)] = Field(description="Type of the condition, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition holds.")
    observed_generation: int | None = Field(None, description="Generation of the spec that the condition refers to.")
    last_transition_time: Time = Field(description="When the status of the condition last changed.")
    reason: Reason = Field(description="Reason in CamelCase, for programs.")
    message: Message = Field("", description="Explanation, for people.")


class EndedFiring(Model):
    """One firing that has ended."""

    scheduled_time: Time = Field(
        description="The minute in which it was due. For a Job created by hand: when the Job was created."
    )
    outcome: str = Field(description="How the firing ended.")
    reason: Reason = Field(description="Reason in CamelCase, for programs.")
    message: Message | None = Field(None, description="Explanation, for people.")
    job_name: Annotated[str, Field(max_length=63)] | None = Field(
        None, description="Job of the firing. While it is kept: `kubectl logs job/NAME`."
    )
    run_id: Id | None = Field(None, description="ID of the run on the Agent Server.")
    thread_id: Id | None = Field(None, description="ID of the thread of the run.")
    started_at: Time | None = Field(None, description="When the run started, or the Job if that is unknown.")
    finished_at: Time | None = Field(None, description="When the Job ended.")
    duration_seconds: Count | None = Field(
        None, description="How long the run took, with all attempts of the firing, in seconds."
    )
    usage: Usage | None = Field(None, description="Tokens that the run used. Absent when nothing is known of it.")
    cost: Amount | None = Field(
        None, description="What these tokens cost by the installation's prices. Absent when none of them has one."
    )
    cost_incomplete: bool | None = Field(
        None, description="True when some of these tokens have no price: they cost at least this."
    )
    answer: Annotated[str, BeforeValidator(_cut(ANSWER_LIMIT)), Field(max_length=ANSWER_LIMIT)] | None = Field(
        None, description="Text of the last message, its first 1,000 characters. Only with recordAnswer."
    )
    trace_url: Annotated[str, Field(max_length=TRACE_URL_LIMIT)] | None = Field(
        None, description="Address of the run's trace. Only where the installation has a template for it."
    )


class HistoryEntry(EndedFiring):
    """One firing that has ended, or several consecutive ones without a Job."""

    outcome: Literal["Succeeded", "Failed", "Skipped", "Missed", "Replaced", "WaitingForInput"] = Field(
        description="How the firing ended."
    )
    trigger: Literal["Schedule", "Manual", "Backfill"] | None = Field(
        None,
        description="What caused the firing: Manual for a run that somebody requested, Backfill for one of a "
        "GraphCronBackfill. Default: Schedule.",
    )
    count: Count | None = Field(None, description="How many consecutive firings this entry covers. Default: 1.")
    last_scheduled_time: Time | None = Field(
        None, description="The minute in which the last of several firings was due."
    )


class FiringCounts(Model):
    """Number of ended firings, by outcome."""

    succeeded: Count = Field(0, description="Firings whose run ended successfully.")
    failed: Count = Field(0, description="Firings whose run failed or could not be started.")
    skipped: Count = Field(0, description="Firings that started no run, on purpose.")
    missed: Count = Field(0, description="Firings for which the cluster created no Job in time.")
    replaced: Count | None = Field(
        None, description="Firings that were still running when the next one replaced them (concurrencyPolicy Replace)."
    )
    waiting: Count | None = Field(None, description="Firings whose run stopped to wait for input (WaitingForInput).")

    @staticmethod
    def name_of(outcome: str) -> str:
        """The count of an outcome."""
        return "waiting" if outcome == "WaitingForInput" else outcome.lower()


class ScheduledRuns(Model):
    """Runs that the schedule has started, of a GraphCron with maxRuns."""

    count: Count = Field(description="Runs that started since maxRuns was set.")
    since: Time = Field(description="Firings that were due later count.")
    until: Time = Field(description="The last scheduled time of which the operator knows what became.")


OLDER_JOBS_LIMIT = 64
TOKEN_LIMIT = 253
"""Characters of the token of a request."""


class LastRequest(Model):
    """The last request to run the GraphCron now (annotation graphcron.dev/run-requested)."""

    token: Annotated[str, Field(max_length=TOKEN_LIMIT)] = Field(description="Value of the annotation.")
    job_name: Annotated[str, Field(max_length=63)] | None = Field(None, description="Job of the request.")
    outcome: Annotated[str, Field(max_length=32)] = Field(
        description="Started, Refused, or once the run has ended the outcome of its firing."
    )
    reason: Reason | None = Field(None, description="Reason in CamelCase, for programs.")
    message: Message | None = Field(None, description="Explanation, for people.")


MESSAGE_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""It goes into headers of requests and mails."""
CHANNEL_PATH_LIMIT = 253 + 1 + 63


class Notification(Model):
    """What one channel has told, or is to tell, of one happening. The notifier writes it."""

    event: Happening = Field(description="What it is about.")
    channel: Annotated[str, Field(max_length=CHANNEL_PATH_LIMIT)] = Field(
        description="Name of the GraphCronChannel; NAMESPACE/NAME for one of the installation."
    )
    id: Annotated[str, Field(pattern=MESSAGE_ID, max_length=36)] | None = Field(
        None, description="ID of the message, the same in each attempt. Absent until it is sent first."
    )
    state: Literal["Pending", "Delivered", "Failed"] = Field(
        description="Delivered, or Pending until then, or Failed when the last attempt failed. A Failed one is tried "
        "again."
    )
    reason: Reason | None = Field(None, description="Reason of what was told last.")
    since: Time | None = Field(None, description="Since when it holds. Absent when it is over, or a single firing.")
    at: Time | None = Field(None, description="When the state last changed.")
    attempts: Count | None = Field(None, description="How often the message was sent.")
    count: Count | None = Field(None, description="How many firings the message is about.")
    told: Count = Field(0, description="How many such firings were told or are past, of those in status.firings.")
    message: Message | None = Field(None, description="Why the last attempt failed.")

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.channel, self.event


Notifications = Annotated[
    list[Notification],
    Field(
        max_length=NOTIFICATIONS_LIMIT,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["channel", "event"]},
    ),
]


class GraphCronStatus(Model):
    """What the operator observed and did."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this status refers to.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        None,
        description="Current conditions, at most one of each type.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    cron_job_name: Annotated[str, Field(max_length=63)] | None = Field(None, description="Name of the CronJob.")
    cron_job_generation: int | None = Field(
        None, description="Generation of the CronJob in which its spec was as applied. Absent while others change it."
    )
    timezone: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Time zone of the schedule, with the default filled in."
    )
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
    active: Count | None = Field(None, description="How many firings are running.")
    history: Annotated[list[HistoryEntry], Field(max_length=10)] | None = Field(
        None, description="The last ten firings, newest first."
    )
    firings: FiringCounts | None = Field(
        None, description="Number of firings by outcome, since the GraphCron was created."
    )
    spending: Spending | None = Field(
        None, description="Firings, tokens and costs of the day, the week and the month in which a firing last ended."
    )
    older_jobs: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=OLDER_JOBS_LIMIT)] | None = (
        Field(
            None,
            description="Jobs under way that were due before all of the history. They count once they end, although "
            "the history has no room for them.",
        )
    )
    scheduled_runs: ScheduledRuns | None = Field(None, description="Runs that count for maxRuns. Absent without it.")
    consecutive_failures: Count | None = Field(
        None,
        description="Number of failed firings since the last success, the last change of the spec and the last request "
        "to resume.",
    )
    last_request: LastRequest | None = Field(None, description="Last request to run the GraphCron now.")
    last_resume: Annotated[str, Field(max_length=TOKEN_LIMIT)] | None = Field(
        None, description="Value of the annotation graphcron.dev/resume-requested that was carried out last."
    )
    notifications: Notifications | None = Field(
        None, description="What was told, or is to be told, by channel and event. Absent without notify."
    )


def read_status(found: object) -> GraphCronStatus:
    """The status of a GraphCron as the apiserver has it, without the fields that cannot be read: another version may
    have written them, or somebody by hand. They are written anew, and the others are kept."""
    if not isinstance(found, dict):
        return GraphCronStatus()
    try:
        return GraphCronStatus.model_validate(found)
    except ValidationError:
        return GraphCronStatus.model_validate({name: found[name] for name in found if _is_readable(name, found[name])})


def _is_readable(name: str, value: object) -> bool:
    try:
        GraphCronStatus.model_validate({name: value})
    except ValidationError:
        return False
    return True
