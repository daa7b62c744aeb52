"""The contract between the operator and a run pod: the `Order`, and whether one firing may start its run.

The operator writes an `Order` into the CronJob's pod template; the run pod reads it from a file or a variable, decides
with `gate` whether this firing may start anything, and leaves an `Outcome` as its termination message, where the
operator finds it. So run pods need no access to the Kubernetes API, and both sides share this package.

Standard library only: every run pod imports it, and start-up time is paid at each firing. That is why these are
named tuples: `dataclasses` would add a fifth to it.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from graphcron.firing.day_rules import Days, local_date, meant
from graphcron.firing.formats import format_time, parse_time

ORDER_ANNOTATION = "graphcron.dev/order"
"""Pod-template annotation that carries the order. Kubernetes limits all annotations of an object to 256 KiB."""

ORDER_VARIABLE = "GRAPHCRON_ORDER"
"""Environment variable in which the downward API shows the annotation to the runner. What comes by a reference is not
expanded, as `$(NAME)` in a written value is; and it needs no volume, for which a kubelet takes 0.3 s."""

ORDER_VARIABLE_LIMIT = 96 * 1024
"""Bytes of an order that goes by the environment: Linux lets one variable have 128 KiB."""

ORDER_PATH = "/etc/graphcron/order/order.json"
"""Where the downward API shows a larger one, as a file."""

TRIGGER_ANNOTATION = "graphcron.dev/trigger"
"""Pod-template annotation of a Job that the schedule did not make: `MANUAL` or `BACKFILL`."""

TRIGGER_VARIABLE = "GRAPHCRON_TRIGGER"
"""Environment variable in which the downward API shows it; empty without the annotation."""

SCHEDULE, MANUAL, BACKFILL = "Schedule", "Manual", "Backfill"
"""What made a firing's Job: the CronJob controller; somebody who asked for a run now; a backfill of a past minute."""

INPUT_PATH = "/etc/graphcron/input/input.json"
"""Where `spec.inputFrom` is mounted."""

HEADERS_PATH = "/etc/graphcron/headers"
"""Where `spec.server.headersSecretRef` is mounted: one file a header, named by it."""

FIRING_METADATA = "graphcron_firing"
"""Key in a run's metadata that holds the identity of the firing which started it."""

CRON_METADATA = "cron_id"
"""Key in a run's metadata that names its cron, as LangGraph's own scheduler writes it. Servers strip it (0.16.7)."""

CRON_MARK = "graphcron_cron"
"""Key in the metadata of a run and of a stateless firing's thread that names their cron, and that servers keep."""

TIME_METADATA = "graphcron_scheduled_time"
"""Key in the metadata of a run and of a stateless firing's thread: the minute it was due, RFC 3339 in UTC."""

TRIGGER_METADATA = "graphcron_trigger"
"""Key in a run's metadata: `SCHEDULE`, `MANUAL` or `BACKFILL`."""

ATTEMPT_METADATA = "graphcron_attempt"
"""Key in a run's metadata: the number of the attempt that started it, where anything remembers earlier ones."""

DEADLINE_MARGIN = timedelta(seconds=60)
"""How long a Job outlives the firing's `activeDeadlineSeconds`: for the pod to start, to cancel the run and to say so.
The Job's own deadline is for pods that cannot do it, because they never start."""

_THREADS = uuid.UUID("5f1d3c0e-4f0e-5b0a-9a55-0c6b8c1f7a11")
"""Namespace for thread ids derived from firings; arbitrary, and fixed for ever: a retry must derive the same."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class Order(NamedTuple):
    """What a run pod is to do at each firing of one GraphCron.

    `request` is the body of `POST /threads/{id}/runs`, without the firing's own metadata. `thread_id` is None for a
    stateless cron; `keep_thread` says whether its thread outlives the run (`onRunCompleted: keep`). Times are
    RFC 3339 in UTC: a firing scheduled before `not_before` or `start_time`, or at or after `end_time`, starts nothing.
    A firing starts its run up to `jitter_seconds` after the minute it was due, and cancels it `deadline_seconds` after
    its start. `replace` says that it first cancels the runs of earlier firings (`concurrencyPolicy: Replace`).
    `input_from_file` says that `INPUT_PATH` holds the input, and `only_attempt` that the Job makes no second pod.
    `days`, by the dates of `timezone`, are there when the CronJob fires on more days than are meant. `render` says that
    placeholders in the input are replaced, with the cron's name and its fields (`firing.slots`). `record_answer` says
    that the outcome has the text of the last message, and a run that uses more than `run_tokens` is cancelled. A firing
    that is scheduled before `skip_until` is skipped because a budget is used up.
    """

    cron_id: str
    request: Mapping[str, Any]
    thread_id: str | None = None
    keep_thread: bool = False
    not_before: str | None = None
    end_time: str | None = None
    input_from_file: bool = False
    days: Days | None = None
    timezone: str | None = None
    start_time: str | None = None
    jitter_seconds: int | None = None
    deadline_seconds: int | None = None
    replace: bool = False
    only_attempt: bool = False
    render: dict[str, Any] | None = None
    record_answer: bool = False
    run_tokens: int | None = None
    skip_until: str | None = None

    def to_json(self) -> str:
        """Deterministic, so that an unchanged GraphCron gives an unchanged CronJob."""
        given = {key: value for key, value in self._asdict().items() if value not in (None, False)}
        return _encode(given)

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """Raises ValueError when the text is no order; unknown keys are ignored, so that a run pod of an older image
        still reads what a newer operator wrote."""
        data = json.loads(text)
        if not isinstance(data, dict) or "cron_id" not in data or "request" not in data:
            raise ValueError("the order lacks cron_id or request")
        return cls(**{key: value for key, value in data.items() if key in cls._fields})


class Firing(NamedTuple):
    """One firing. The Job is its identity: every pod of the Job, first or retried, is the same firing."""

    job_name: str
    job_uid: str
    scheduled_time: datetime | None
    """The minute it was due, UTC; None for a Job made by hand (`kubectl create job --from`)."""
    trigger: str = SCHEDULE

    @classmethod
    def of_job(cls, job_name: str, job_uid: str, annotated: str = "") -> "Firing":
        """`annotated` is the value of `TRIGGER_ANNOTATION`, "" for none."""
        trigger = trigger_of(job_name, annotated)
        return cls(job_name, job_uid, None if trigger == MANUAL else scheduled_time_of(job_name), trigger)

    @property
    def thread_id(self) -> str:
        """The thread of a stateless firing: the same for every attempt."""
        return str(uuid.uuid5(_THREADS, self.job_uid))

    @property
    def record_id(self) -> str:
        """The thread that remembers the outcome of a stateless firing whose own thread was deleted."""
        return str(uuid.uuid5(_THREADS, f"outcome of {self.job_uid}"))


def scheduled_time_of(job_name: str) -> datetime | None:
    """The minute a CronJob's Job was due, from its name: the controller names it `<cronjob>-<unix minutes>`
    (Kubernetes, pkg/controller/cronjob, getJobName). Manual Jobs have other names: None."""
    _, _, minutes = job_name.rpartition("-")
    # Eight digits last from 1989 to 2160; a manual Job of such a name cannot be told apart.
    if len(minutes) != 8 or not minutes.isascii() or not minutes.isdigit():
        return None
    return datetime.fromtimestamp(int(minutes) * 60, UTC)


def trigger_of(job_name: str, annotated: str) -> str:
    """What made a Job, from its name and its `TRIGGER_ANNOTATION` ("" for none). A name without a scheduled minute is
    one that somebody gave: a backfill's Job is named as the CronJob controller would."""
    if annotated == MANUAL or scheduled_time_of(job_name) is None:
        return MANUAL
    return BACKFILL if annotated == BACKFILL else SCHEDULE


NOT_ON_THIS_DAY = "NotOnThisDay"
"""Reason of a firing that only the CronJob's spelling made: no run was due, so it leaves no history."""


def on_its_days(order: Order, scheduled_time: datetime) -> bool:
    """Whether that minute is on a day that the schedule means."""
    return not order.days or meant(order.days, local_date(scheduled_time, order.timezone or "Etc/UTC"))


def gate(order: Order, scheduled_time: datetime | None, trigger: str = SCHEDULE) -> "Skip | None":
    """Why this firing must start nothing, or None when it may.

    Decided from the scheduled minute, never from the clock at start: a late pod is still the firing it was.
    Jobs made by hand have no scheduled minute and always run: somebody asked for it. So it is with the minutes of a
    backfill before `not_before`, which are past on purpose; startTime, endTime and the schedule's days still hold.
    `skip_until` is for firings of the schedule: the operator holds backfills, and refuses requests, before their Jobs.
    """
    if scheduled_time is None:
        return None
    if not on_its_days(order, scheduled_time):
        return Skip(NOT_ON_THIS_DAY, f"{format_time(scheduled_time)} is on no day of the schedule in {order.timezone}")
    if order.not_before and trigger != BACKFILL and scheduled_time < parse_time(order.not_before):
        return Skip(
            "ScheduledBeforeChange",
            f"was due at {format_time(scheduled_time)}, before the schedule was changed or resumed at "
            f"{order.not_before}",
        )
    if order.start_time and scheduled_time < parse_time(order.start_time):
        return Skip("BeforeStartTime", f"was due at {format_time(scheduled_time)}, and startTime is {order.start_time}")
    if order.end_time and scheduled_time >= parse_time(order.end_time):
        return Skip("AfterEndTime", f"was due at {format_time(scheduled_time)}, and endTime is {order.end_time}")
    if order.skip_until and trigger == SCHEDULE and scheduled_time < parse_time(order.skip_until):
        return Skip(
            "OverBudget",
            f"was due at {format_time(scheduled_time)}, and a budget is used up until its window ends at "
            f"{order.skip_until}",
        )
    return None


def starts_at(order: Order, scheduled_time: datetime | None, trigger: str = SCHEDULE) -> datetime | None:
    """When this firing's run may start, None for at once: the minute it was due and a part of the jitter that depends
    on cron and minute alone, so that each attempt of a firing waits for the same instant. Only firings of the schedule
    wait.
    """
    if scheduled_time is None or trigger != SCHEDULE or not order.jitter_seconds:
        return None
    text = f"{order.cron_id} {int(scheduled_time.timestamp())}"
    drawn = (uuid.uuid5(_THREADS, text).int >> 96) / 2**32
    return scheduled_time + timedelta(seconds=drawn * order.jitter_seconds)


def is_out_of_time(order: Order, scheduled_time: datetime | None, now: datetime, trigger: str = SCHEDULE) -> bool:
    """Whether a pod may have got SIGTERM because its Job ran into its deadline.

    A pod knows when it started, not when its Job did: it may have waited for a node or an image all that time. What
    it knows is that no Job is made before its minute. Half the margin is for clocks that differ. The minute of a
    backfill says nothing about when its Job was made.
    """
    if scheduled_time is None or trigger != SCHEDULE or order.deadline_seconds is None:
        return False
    seconds = order.deadline_seconds + (order.jitter_seconds or 0)
    return now >= scheduled_time + timedelta(seconds=seconds) + DEADLINE_MARGIN / 2


class Skip(NamedTuple):
    """A firing that starts nothing on purpose: a CamelCase reason and half a sentence for people."""

    reason: str
    message: str
